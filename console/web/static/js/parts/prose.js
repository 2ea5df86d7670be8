/** Sentences of ours that name commands between backticks. */

import { h } from "../dom.js";

/** What stands between backticks as code, the rest as it is. @param {string} text @returns {any[]} */
export function prose(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", null, part) : part));
}
