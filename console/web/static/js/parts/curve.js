/** Precision against recall: one line for each rule as its knob is turned, and a large mark with its letter where it stands now. */

import { h, svg } from "../dom.js";
import { t } from "../i18n.js";
import { rate } from "./measures.js";
import { table } from "./table.js";

const SIZE = 360;
const MARGIN = { left: 44, right: 16, top: 12, bottom: 40 };
const TICKS = [0, 0.25, 0.5, 0.75, 1];
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 4", "10 4"];
const COLOURS = 6;
const RADIUS = 9; // of a mark

/** The figure with its legend and the numbers as a table; nothing where no rule has a curve or a recall. @param {any} result */
export function curves(result) {
  const rules = Object.entries(result.rules).filter(([, of]) => of.recall !== null && (of.precision !== null || of.curve.length));
  if (!rules.length) return null;
  const marks = rules.map(([name, of], at) => ({ name, of, letter: letter(at), style: `curve-${at % COLOURS}`, dash: DASHES[at % DASHES.length] }));
  return h("figure", { class: "curves" },
    svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "curve-plot", role: "img", "aria-label": t("replay.curve.alt") }, grid(), marks.map(drawn), beside(marks).map(mark)),
    h("figcaption", null, h("ul", { class: "curve-legend" }, marks.map(legend)), h("p", { class: "hint" }, t("replay.curve.about")), numbers(marks)));
}

function letter(at) {
  return String.fromCharCode(65 + (at % 26));
}

function x(recall) {
  return MARGIN.left + recall * (SIZE - MARGIN.left - MARGIN.right);
}

function y(precision) {
  return SIZE - MARGIN.bottom - precision * (SIZE - MARGIN.top - MARGIN.bottom);
}

function grid() {
  const text = (at, content) => svg("text", { ...at, class: "curve-text" }, content);
  return [
    TICKS.map((each) => [
      svg("line", { class: "curve-grid", x1: x(each), x2: x(each), y1: y(0), y2: y(1) }), svg("line", { class: "curve-grid", x1: x(0), x2: x(1), y1: y(each), y2: y(each) }),
      text({ x: x(each), y: y(0) + 16, "text-anchor": "middle" }, each.toFixed(2)), text({ x: x(0) - 6, y: y(each) + 4, "text-anchor": "end" }, each.toFixed(2)),
    ]),
    text({ x: x(0.5), y: SIZE - 6, "text-anchor": "middle" }, t("replay.column.recall")),
    svg("text", { class: "curve-text", "text-anchor": "middle", transform: `translate(11 ${y(0.5)}) rotate(-90)` }, t("replay.column.precision")),
  ];
}

function drawn({ of, style, dash }) {
  const points = of.curve.filter((each) => each.recall !== null && each.precision !== null);
  const path = points.map((each, at) => `${at ? "L" : "M"}${x(each.recall).toFixed(1)} ${y(each.precision).toFixed(1)}`).join("");
  return svg("g", { class: style }, points.length > 1 && svg("path", { d: path, class: "curve-line", "stroke-dasharray": dash || null }),
    points.map((each) => svg("circle", { class: "curve-point", cx: x(each.recall), cy: y(each.precision), r: 2.5 })));
}

/** Where the marks go: those at one place stand side by side, so that each letter can be read. */
function beside(marks) {
  const taken = new Map();
  return marks.filter(({ of }) => of.precision !== null).map((each) => {
    const place = `${each.of.recall.toFixed(2)} ${each.of.precision.toFixed(2)}`;
    const before = taken.get(place) ?? 0;
    taken.set(place, before + 1);
    return { ...each, cx: x(each.of.recall) + before * 2 * RADIUS, cy: y(each.of.precision) };
  });
}

function mark({ letter: sign, style, cx, cy }) {
  return svg("g", { class: style }, svg("circle", { class: "curve-now", cx, cy, r: RADIUS }), svg("text", { class: "curve-letter", x: cx, y: cy + 4, "text-anchor": "middle" }, sign));
}

function legend({ name, of, letter: sign, style, dash }) {
  return h("li", { class: style }, svg("svg", { width: 34, height: 18, viewBox: "0 0 34 18", "aria-hidden": "true" },
    svg("line", { class: "curve-line", x1: 0, x2: 34, y1: 9, y2: 9, "stroke-dasharray": dash || null }), svg("circle", { class: "curve-now", cx: 17, cy: 9, r: 8 }), svg("text", { class: "curve-letter", x: 17, y: 13, "text-anchor": "middle" }, sign)),
  h("span", { class: "mono" }, name), of.knob && h("span", { class: "quiet small" }, t("replay.curve.knob", { knob: of.knob })));
}

function numbers(marks) {
  const rows = marks.flatMap(({ name, of }) => of.curve.map((each) => [h("span", { class: "mono" }, name), `${of.knob} ${shown(each.value)}`, figure(each.recall), figure(each.precision), each.false_per_subject_day === null ? "–" : rate(each.false_per_subject_day)]));
  if (!rows.length) return null;
  const heads = [t("replay.column.rule"), t("replay.curve.setting"), ...["recall", "precision", "false"].map((name) => ({ text: t(`replay.column.${name}`), num: true }))];
  return h("details", null, h("summary", null, t("chart.as_table")), table(t("replay.curve.title"), heads, rows));
}

function figure(value) {
  return value === null ? "–" : value.toFixed(2);
}

function shown(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
