/** How good a rule is: shares with their intervals, small rates. What could not be computed is a dash, never a zero. */

import { h } from "../dom.js";
import { interval } from "./figures.js";

/** A share to two digits with its 95 % interval below. @param {number|null} value @param {{low: number, high: number}|null} [between] */
export function share(value, between) {
  if (value === null || value === undefined) return h("span", { class: "quiet" }, "–");
  return h("div", { class: "figure-cell plain-share" }, h("span", null, value.toFixed(2)), between && interval({ share: value, low: between.low, high: between.high }),
    between && h("span", { class: "quiet small" }, `${between.low.toFixed(2)} – ${between.high.toFixed(2)}`));
}

/** A small number of times: to two digits that count. @param {number} value */
export function rate(value) {
  if (value === 0) return "0";
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}
