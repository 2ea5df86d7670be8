/** A choice among a few, each of which is an address of its own. */

import { h } from "../dom.js";

/** @param {string} name for screen readers @param {{words: string, href: string, chosen: boolean}[]} choices */
export function segmented(name, choices) {
  return h("nav", { class: "segmented", "aria-label": name }, choices.map(({ words, href, chosen }) => h("a", { href, "aria-current": chosen && "true" }, words)));
}
