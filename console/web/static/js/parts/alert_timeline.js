/** What the rule saw minute by minute, as a chart; of rules or documents that are gone, what the alert's own steps say. */

import * as charts from "../charts.js";
import { h } from "../dom.js";
import { unitName } from "../format.js";
import { t } from "../i18n.js";
import { body, panel } from "./layout.js";
import { empty, into } from "./states.js";

const HOURS = ["", "6", "24", "72"];

/**
 * Made once for a view: it stays while steps come in, and is drawn anew for each of them.
 * @param {any} page @returns {{element: HTMLElement, tell: (alert: any, events: any[]) => void}}
 */
export function timeline(page) {
  const host = body();
  const note = h("p", { class: "quiet small" });
  let of = null;
  const draw = () => into(host, async () => drawn(await asked(), of, note), 6).catch(() => {});
  const words = (hours) => (hours ? t("alert.timeline.hours", { count: hours }) : t("alert.timeline.whole"));
  const pick = h("select", { "aria-label": t("alert.timeline.span"), onchange: draw }, HOURS.map((hours) => h("option", { value: hours }, words(hours))));
  const asked = () => page.api.get(`/alerts/${of.alert.alert}/timeline`, { hours: pick.value });
  const element = panel(t("alert.timeline.title"), host, { about: note, beside: h("div", { class: "no-print" }, pick) });
  const tell = (alert, events) => {
    const same = of && of.alert.sequence === alert.sequence;
    of = { alert, events };
    if (!same) draw();
  };
  return { element, tell };
}

/** Of a share the interval is its own, and its lower end is what must reach the bound; a silence rings below. */
function named(found) {
  if (found.bound_of === "low") return { interval: t("alert.timeline.likely"), bound: t("alert.timeline.low_bound") };
  return found.rings === "below" ? { bound: t("alert.timeline.below") } : {};
}

function drawn(found, { events }, note) {
  const unit = unitName(found.unit);
  note.textContent = found.note && found.said ? found.said : t("alert.timeline.about", { unit });
  if (!found.points.length) return empty(t("alert.timeline.none"));
  if (found.points.length === 1) return empty(t("alert.timeline.one"));
  const rang = events.find((each) => each.state === "firing");
  const over = events.find((each) => each.state === "resolved");
  const moments = [rang && { at: rang.at, text: t("alert.timeline.rang") }, over && { at: over.at, text: t("alert.timeline.over") }].filter(Boolean);
  return charts.band({ title: t("alert.timeline.chart", { unit }), unit: found.unit, points: found.points, moments, names: named(found) });
}
