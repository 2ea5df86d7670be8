/** The stretch of time that documents are looked for in: the last so many hours, or from and to, in the zone of the user. */

import { h } from "../dom.js";
import { stamp, zone } from "../format.js";
import { t } from "../i18n.js";
import { DAY, spanWords } from "./spans.js";

const USUAL = [DAY, 3 * DAY, 7 * DAY, 30 * DAY];

/** `from` and `to` as the API takes them. @param {{from: string, to: string, hours: string}} state */
export function spanOf({ from, to, hours }) {
  const last = Number(hours);
  if (!(last > 0)) return { from, to };
  return { from: new Date(Date.now() - last * 3600e3).toISOString(), to: "" };
}

/** The stretch in words, or "" where there is no limit. */
export function between({ from, to, hours }) {
  if (Number(hours) > 0) return t("documents.time.last", { span: spanWords(Number(hours)) });
  if (!from && !to) return "";
  const at = zone(new Date(from || to));
  if (from && to) return t("documents.time.between", { from: stamp(from), to: stamp(to), zone: at });
  return t(from ? "documents.time.since" : "documents.time.until", { at: stamp(from || to), zone: at });
}

/** Usual lengths, and two fields for a stretch of one's own. @param {(part: Record<string, string>) => void} change */
export function timeFilter(state, change) {
  const hours = Number(state.hours) || 0;
  const own = Boolean(state.from || state.to);
  const usual = [0, ...USUAL].map((each) =>
    h("button", { type: "button", name: "hours", "aria-pressed": String(!own && each === hours), dataset: { value: each }, onclick: () => change({ hours: each ? String(each) : "", from: "", to: "" }) },
      each ? spanWords(each) : t("documents.time.always")));
  return h("fieldset", { class: "facet" }, h("legend", null, t("documents.facet.time")),
    h("div", { class: "pills" }, usual), h("details", { open: own, dataset: { name: "own" } }, h("summary", null, t("documents.time.own")), ownTime(state, change)));
}

function ownTime({ from, to }, change) {
  const input = (value) => h("input", { type: "datetime-local", value: value ? stamp(value).replace(" ", "T") : "" });
  const [begin, end] = [input(from), input(to)];
  const go = (event) => {
    event.preventDefault();
    change({ from: begin.value && new Date(begin.value).toISOString(), to: end.value && new Date(end.value).toISOString(), hours: "" });
  };
  return h("form", { class: "own-time", onsubmit: go }, h("label", null, t("documents.time.from"), begin), h("label", null, t("documents.time.to"), end),
    h("p", { class: "hint" }, t("documents.time.zone", { zone: zone(new Date()) })), h("button", null, t("documents.time.apply")));
}
