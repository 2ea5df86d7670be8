// A plain text editor for rule files: line numbers, faults marked beside their lines, Tab inserts two blanks.
// Escape and then Tab leaves it, so nobody who uses the keyboard is caught in it.

import { h } from "../dom.js";

const STEP = "  ";

/**
 * The editor with `text` in it. `changed(text)` is called at every change. Returns {node, area, mark, go}:
 * `mark(faults)` marks faults [{line, message}], `go(line)` puts the cursor at a line.
 */
export function editor(text, { label, help, changed, readonly = false }) {
  const gutter = h("div", { class: "editor-lines", "aria-hidden": "true" });
  const area = h("textarea", {
    class: "editor-text", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off",
    "aria-label": label, "aria-describedby": "editor-help",
  });
  area.value = text;
  area.readOnly = readonly;
  let faults = new Map();
  const number = () => lineNumbers(gutter, area.value, faults);
  area.addEventListener("input", () => { number(); changed(area.value); });
  area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });
  if (!readonly) indents(area);
  number();
  const note = h("p", { id: "editor-help", class: "quiet small" }, help);
  return {
    node: h("div", { class: "editor" }, h("div", { class: "editor-frame" }, gutter, area), note),
    area,
    mark(found) {
      faults = new Map(found.map((fault) => [fault.line, fault.message]));
      area.setAttribute("aria-invalid", String(faults.size > 0));
      number();
    },
    go(line) { goTo(area, gutter, line); },
  };
}

function lineNumbers(gutter, text, faults) {
  const count = text.split("\n").length;
  const lines = Array.from({ length: count }, (_, index) => {
    const fault = faults.get(index + 1);
    return h("span", fault ? { class: "faulty", title: fault } : {}, String(index + 1));
  });
  gutter.replaceChildren(...lines);
}

function indents(area) {
  let leaving = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { leaving = true; event.stopPropagation(); return; }
    if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      if (event.shiftKey) outdent(area);
      else area.setRangeText(STEP, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input"));
    }
    if (event.key !== "Shift") leaving = false;
  });
}

function outdent(area) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  if (area.value.startsWith(STEP, start)) area.setRangeText("", start, start + STEP.length, "preserve");
}

function goTo(area, gutter, line) {
  const lines = area.value.split("\n");
  const at = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(at, at + (lines[line - 1] ?? "").length);
  const height = area.scrollHeight / lines.length;
  area.scrollTop = Math.max(0, (line - 4) * height);
  gutter.scrollTop = area.scrollTop;
}
