/** Short words at the edge that go by themselves; screen readers are told. */

import { h } from "../dom.js";
import { t } from "../i18n.js";

const LASTING = 6000;
const MOST = 4; // at once: on a bad morning the oldest make room

/** @param {any} text @param {"good"|"bad"|""} [tone] what went wrong stays until it is closed */
export function toast(text, tone = "") {
  const host = document.getElementById("toasts");
  const close = h("button", { type: "button", class: "ghost icon", "aria-label": t("shell.close"), onclick: () => item.remove() }, "×");
  const item = h("div", { class: `toast ${tone}`, role: tone === "bad" ? "alert" : "status" }, h("span", null, text), close);
  host.append(item);
  while (host.childElementCount > MOST) host.firstElementChild.remove();
  if (tone !== "bad") setTimeout(() => item.remove(), LASTING);
}

/** Takes all of them away. */
export function clear() {
  document.getElementById("toasts").replaceChildren();
}

/** Tells screen readers, and nobody else. @param {string} text */
export function announce(text) {
  const host = document.getElementById("announcer");
  host.textContent = "";
  setTimeout(() => { host.textContent = text; }, 50); // the same words twice are told twice
}
