/** Tables with a caption and scopes; wide ones scroll within themselves. */

import { h } from "../dom.js";

/**
 * @param {string} caption for screen readers
 * @param {(string|{text: string, num?: boolean})[]} heads
 * @param {any[][]} rows cells; the first of a row is its heading
 * @param {{cards?: boolean}} [options] `cards`: on a phone each row is a card that names its cells
 */
export function table(caption, heads, rows, { cards = false } = {}) {
  const columns = heads.map((head) => (typeof head === "string" ? { text: head } : head));
  const cell = (content, at) => (at ? h("td", { class: columns[at].num ? "num" : "", dataset: { label: columns[at].text } }, content) : h("th", { scope: "row" }, content));
  return h("div", { class: `table-scroll ${cards ? "cards" : ""}`, tabindex: "0", role: "region", "aria-label": caption },
    h("table", null, h("caption", { class: "sr-only" }, caption),
      h("thead", null, h("tr", null, columns.map((column) => h("th", { scope: "col", class: column.num ? "num" : "" }, column.text)))),
      h("tbody", null, rows.map((cells) => h("tr", null, cells.map(cell))))));
}
