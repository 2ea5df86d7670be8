/** Subjects over time: a table whose cells say how many of their documents were negative, and are the darker the larger the share. */

import { h } from "../dom.js";
import { clock, number, percent, points, stamp, subjectName, zone } from "../format.js";
import { t } from "../i18n.js";
import { documents, link } from "../routes.js";
import { empty } from "./states.js";

const DOUBT = 2; // documents that are taken for good news beside those there are: one bad one of one proves little
const LEVELS = [0.12, 0.25, 0.4, 0.55, 0.7]; // of the share so drawn, from which a darker step begins
const COLUMNS = [["(max-width: 860px)", 6], ["(max-width: 1280px)", 12], ["all", 24]]; // that there is room for

/** The table. @param {any} found answer of GET /heat */
export function heat(found) {
  if (!found.subjects.length) return empty(t("now.heat_none"));
  const narrow = matchMedia("(max-width: 860px)").matches;
  const first = found.subjects[0].cells;
  const step = Math.max(1, Math.ceil(first.length / COLUMNS.find(([room]) => matchMedia(room).matches)[1]));
  const columns = merged(first, step, found);
  const table = h("table", { class: "heat" },
    h("caption", { class: "sr-only" }, t("now.heat_caption", { zone: zone(new Date()) })),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, t("now.heat_subject")), h("th", { scope: "col", class: "num" }, h("span", { class: "of" }, t("now.heat_negative")), h("span", { class: "only-narrow" }, t("common.sentiment.negative"))), h("th", { scope: "col", class: "num change" }, t("now.heat_change")),
      columns.map((each, at) => h("th", { scope: "col", class: "hour" }, h("span", { class: at % (narrow ? 2 : 3) ? "sr-only" : "" }, hour(each.from, found, narrow)))))),
    h("tbody", null, found.subjects.map((subject) => row(subject, step, found))));
  table.addEventListener("keydown", arrows);
  return [table, legend()];
}

/** Cells put together by `step`: {from, to, documents, judged, negative}. */
function merged(cells, step, found) {
  const groups = [];
  for (let at = cells.length % step ? (cells.length % step) - step : 0; at < cells.length; at += step) {
    const group = cells.slice(Math.max(at, 0), at + step);
    const sum = (name) => group.reduce((all, each) => all + each[name], 0);
    const to = new Date(new Date(group.at(-1).at).getTime() + found.bucket_seconds * 1000).toISOString();
    groups.push({ from: group[0].at, to, documents: sum("documents"), judged: sum("judged"), negative: sum("negative") });
  }
  return groups;
}

function row(subject, step, found) {
  const name = subjectName(subject.subject, subject.name);
  const span = { subject: subject.subject, from: found.from, to: found.to };
  const cells = merged(subject.cells, step, found);
  return h("tr", { dataset: { item: "" } },
    h("th", { scope: "row" }, h("a", { href: link("subjects", {}, subject.subject) }, name)),
    h("td", { class: "num" }, h("a", { class: "figure-link", href: documents({ ...span, sentiment: "negative" }), title: t("now.heat_of", { negative: number(subject.negative), documents: number(subject.documents) }) }, number(subject.negative)),
      h("span", { class: "quiet of" }, ` / ${number(subject.documents)}`)),
    h("td", { class: `num change ${subject.change > 0.05 ? "worse" : ""}` }, points(subject.change)),
    cells.map((cell, at) => box(cell, subject, name, at === cells.length - 1)));
}

function box(cell, subject, name, last) {
  const text = `${name}, ${stamp(cell.from)} – ${clock(cell.to)}: ${cell.documents ? t("now.heat_cell", { negative: number(cell.negative), documents: number(cell.documents), share: percent(cell.judged ? cell.negative / cell.judged : null) }) : t("now.heat_empty")}`;
  if (!cell.documents) return h("td", { class: "cell" }, h("span", { class: "sr-only" }, t("now.heat_empty")));
  const strength = cell.negative / (cell.judged + DOUBT);
  const level = LEVELS.filter((from) => strength >= from).length;
  const href = documents({ subject: subject.subject, from: cell.from, to: cell.to, sentiment: cell.negative ? "negative" : "" });
  return h("td", { class: `cell l${cell.negative ? level : "0"}` }, h("a", { href, title: text, "aria-label": text, tabindex: last ? "0" : "-1" }, cell.negative ? number(cell.negative) : "·"));
}

function hour(at, found, narrow) {
  const day = found.bucket_seconds >= 86_400 || new Date(found.to) - new Date(found.from) > 30 * 3_600_000;
  return day ? stamp(at).slice(5, found.bucket_seconds >= 86_400 || narrow ? 10 : 13) : stamp(at).slice(11, 13);
}

/** Arrow keys move among the cells, so that Tab need not pass through all of them. */
function arrows(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const here = event.target.closest("td.cell");
  if (!step || !here) return;
  event.preventDefault();
  const rows = [...here.closest("tbody").rows];
  let [at, column] = [rows.indexOf(here.parentNode), here.cellIndex];
  for (;;) {
    [at, column] = [at + step[0], column + step[1]];
    const next = rows[at]?.cells[column];
    if (!next?.classList.contains("cell")) return;
    const target = next.querySelector("a");
    if (target) return target.focus();
  }
}

function legend() {
  return h("div", { class: "heat-legend" }, h("span", null, t("now.legend.number", { zone: zone(new Date()) })), h("span", { class: "heat-scale", "aria-hidden": "true" }, t("now.legend.little"), [0, 1, 2, 3, 4, 5].map((level) => h("i", { class: `l${level}` })), t("now.legend.much")),
    h("span", null, t("now.legend.pale")), h("span", null, t("now.legend.change")));
}
