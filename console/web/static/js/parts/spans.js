/** The time that a view looks at: usual lengths and one of one's own, kept in the address. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { segmented } from "./segmented.js";

export const DAY = 24; // hours
export const WEEK = 7 * DAY;
const USUAL = [DAY, 3 * DAY, WEEK, 30 * DAY];
const MOST = 90 * DAY;

/** The hours that an address asks for, `usual` where it asks for none that make sense. */
export function hoursOf(given, usual = WEEK) {
  const hours = Number.parseInt(given, 10);
  return hours >= 1 && hours <= MOST ? hours : usual;
}

/** A length in words: "24 hours", "7 days". */
export function spanWords(hours) {
  if (hours % DAY === 0 && hours > DAY) return t("subject.span.days", { count: hours / DAY });
  return t("subject.span.hours", { count: Math.round(hours * 10) / 10 });
}

/** Links to the usual lengths and a field for another. @param {number} hours @param {(hours: number) => string} address */
export function spanSwitch(hours, address) {
  return h("div", { class: "spans" },
    segmented(t("subject.span.label"), USUAL.map((each) => ({ words: spanWords(each), href: address(each), chosen: each === hours }))),
    own(hours, address));
}

function own(hours, address) {
  const field = h("input", { type: "number", min: 0.1, max: MOST / DAY, step: "any", required: true, placeholder: "14", inputmode: "decimal", "aria-label": t("subject.span.own") });
  if (!USUAL.includes(hours)) field.value = String(Math.round((hours / DAY) * 100) / 100);
  const go = (event) => {
    event.preventDefault();
    window.location.hash = address(Math.max(1, Math.round(Number(field.value) * DAY)));
  };
  return h("form", { class: "spans-own", onsubmit: go }, field, t("subject.span.unit"), h("button", null, t("subject.span.go")));
}
