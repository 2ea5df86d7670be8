/** What the rule saw minute by minute, as a chart; of rules or documents that are gone, what the alert's own steps say. */

import * as charts from "../charts.js";
import { h } from "../dom.js";
import { unitName } from "../format.js";
import { t } from "../i18n.js";
import { empty, into } from "./states.js";

const HOURS = ["", "6", "24", "72"];

/** @param {any} alert @param {any[]} events @param {any} page */
export function timeline(alert, events, page) {
  const body = h("div", { class: "panel-body" });
  const note = h("p", { class: "quiet small" });
  const pick = h("select", { "aria-label": t("alert.timeline.span"), onchange: () => draw() }, HOURS.map((hours) => h("option", { value: hours }, hours ? t("alert.timeline.hours", { count: hours }) : t("alert.timeline.whole"))));
  const draw = () => {
    body.replaceChildren();
    return into(body, async () => chart(await page.api.get(`/alerts/${alert.alert}/timeline`, { hours: pick.value }), alert, events, note), 6).catch(() => {});
  };
  draw();
  return h("section", { class: "panel", "aria-labelledby": "timeline" },
    h("div", { class: "panel-head" }, h("div", null, h("h2", { id: "timeline" }, t("alert.timeline.title")), note), h("div", { class: "no-print" }, pick)), body);
}

/** Of a share the interval is its own, and its lower end is what must reach the bound; a silence rings below. */
function named(found) {
  if (found.bound_of === "low") return { interval: t("alert.timeline.likely"), bound: t("alert.timeline.low_bound") };
  return found.rings === "below" ? { bound: t("alert.timeline.below") } : {};
}

function chart(found, alert, events, note) {
  note.textContent = found.note && found.said ? found.said : t("alert.timeline.about", { unit: unitName(found.unit) });
  if (!found.points.length) return empty(t("alert.timeline.none"));
  const rang = events.find((each) => each.state === "firing");
  const over = events.find((each) => each.state === "resolved");
  const moments = [rang && { at: rang.at, text: t("alert.timeline.rang") }, over && { at: over.at, text: t("alert.timeline.over") }].filter(Boolean);
  return charts.band({ title: t("alert.timeline.chart", { unit: unitName(found.unit) }), unit: found.unit, points: found.points, moments, names: named(found) });
}
