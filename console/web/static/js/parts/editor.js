/**
 * A plain text editor: line numbers, faults marked at their lines, Tab inserts two blanks. Escape and then Tab leaves it, so
 * nobody who uses the keyboard is caught in it.
 */

import { h } from "../dom.js";

const STEP = "  ";
const AROUND = 4; // lines above the one that is gone to

/**
 * @param {string} text
 * @param {{label: string, help: string, changed: (text: string) => void}} of `changed` is called at every change
 * @returns {{node: HTMLElement, area: HTMLTextAreaElement, mark: (faults: {line: number, message: string}[]) => void, go: (line: number) => void}}
 */
export function editor(text, { label, help, changed }) {
  const gutter = h("div", { class: "editor-lines", "aria-hidden": "true" });
  const area = h("textarea", { class: "editor-text", value: text, spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": label, "aria-describedby": "editor-help" });
  let faults = new Map();
  const count = () => numbers(gutter, area.value, faults);
  area.addEventListener("input", () => { count(); changed(area.value); });
  area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });
  indents(area);
  count();
  return {
    node: h("div", { class: "editor" }, h("div", { class: "editor-frame" }, gutter, area), h("p", { id: "editor-help", class: "hint" }, help)),
    area,
    mark(found) {
      faults = new Map(found.map((fault) => [fault.line, fault.message]));
      area.setAttribute("aria-invalid", String(faults.size > 0));
      count();
    },
    go: (line) => goTo(area, gutter, line),
  };
}

function numbers(gutter, text, faults) {
  const lines = text.split("\n").map((_, at) => {
    const fault = faults.get(at + 1);
    return h("span", { class: fault ? "faulty" : null, title: fault ?? null }, at + 1);
  });
  gutter.replaceChildren(...lines);
}

function indents(area) {
  let leaving = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leaving = true;
    else if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      if (event.shiftKey) outdent(area);
      else area.setRangeText(STEP, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input"));
    } else if (event.key !== "Shift") leaving = false;
  });
  area.addEventListener("blur", () => { leaving = false; });
}

function outdent(area) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  if (area.value.startsWith(STEP, start)) area.setRangeText("", start, start + STEP.length, "preserve");
}

function goTo(area, gutter, line) {
  const lines = area.value.split("\n");
  const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  area.focus();
  area.setSelectionRange(at, at + (lines[line - 1] ?? "").length);
  area.scrollTop = Math.max(0, (line - 1 - AROUND) * (area.scrollHeight / lines.length));
  gutter.scrollTop = area.scrollTop;
}
