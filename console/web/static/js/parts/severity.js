/** Severity and state: shape, word and colour together, so that none of them is needed alone. */

import { h, svg } from "../dom.js";
import { label } from "../format.js";
import { t } from "../i18n.js";

const SHAPES = {
  critical: "M8 1 15 8 8 15 1 8Z", // diamond
  warning: "M8 1.5 15 14H1Z", // triangle
  info: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z", // disc
};
export const SEVERITIES = ["critical", "warning", "info"];

/** The shape alone, for where the word stands beside it. @param {string} severity */
export function shape(severity) {
  return svg("svg", { class: `shape ${severity}`, viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" },
    svg("path", { d: SHAPES[severity] ?? SHAPES.info }));
}

/** Shape and word. @param {"info"|"warning"|"critical"} severity */
export function severity(severity) {
  return h("span", { class: `severity ${severity}` }, shape(severity), label("severity", severity));
}

/** Where an alert stands: pending, firing, over. @param {string} value state of the event */
export function state(value) {
  const shown = value === "resolved" ? "resolved" : value === "pending" ? "pending" : "firing";
  return h("span", { class: `state ${shown}` }, h("span", { class: "dot", "aria-hidden": "true" }), label("state", shown));
}

/** DEMO, REPLAY: on everything that is invented or history. @param {{demo?: boolean, replay?: boolean}} of */
export function origins(of) {
  return ["demo", "replay"].filter((name) => of[name]).map((name) => h("span", { class: `origin ${name}` }, t(`common.${name}`)));
}

/** A small framed word. @param {any} text @param {string} [tone] "", good, bad, quiet */
export function tag(text, tone = "") {
  return h("span", { class: `tag ${tone}` }, text);
}
