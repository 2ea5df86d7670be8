/** A button that appends the next page to a list, as long as there is one. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { failure } from "./states.js";

/**
 * @param {string|null} cursor of the next page
 * @param {(cursor: string) => Promise<{rows: HTMLElement[], next: string|null}>} fetched appends a page; the focus goes to its first row
 * @returns {HTMLElement|null}
 */
export function moreButton(cursor, fetched) {
  if (!cursor) return null;
  let next = cursor;
  const button = h("button", { type: "button" }, t("shell.show_more"));
  const host = h("div", { class: "more" }, button);
  const refused = (error) => {
    const told = failure(error, () => { told.remove(); ask(); });
    host.append(told);
  };
  const ask = async () => {
    button.disabled = true;
    try {
      const found = await fetched(next);
      next = found.next;
      found.rows[0]?.querySelector("a, button")?.focus({ preventScroll: true });
      if (!next) host.remove();
    } catch (error) {
      if (error.name !== "AbortError") refused(error);
    }
    button.disabled = false;
  };
  button.addEventListener("click", ask);
  return host;
}
