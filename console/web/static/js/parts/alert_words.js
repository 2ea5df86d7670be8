/** What an alert says, in the words of notifications (alerts/delivery/facts.py), its numbers as links to the documents behind them. */

import { h } from "../dom.js";
import { amount, counted, isShare, join, label, number, odds, percent, plain, span, subjectName, things, times } from "../format.js";
import { lang, rich, t } from "../i18n.js";
import { documents } from "../routes.js";

const MINUTE = 60_000;

/** What it is about, for people. */
export function name(event) {
  if (event.kind === "system") return plain(event.annotations?.[`name_${lang()}`] || event.name || event.subject);
  return plain(subjectName(event.subject, event.name));
}

/** Its length of time, as documents are asked for. @param {any} event @param {Record<string, any>} [more] */
export function behind(event, more = {}) {
  const until = new Date(event.at).getTime() + MINUTE;
  return documents({ subject: event.subject, from: new Date(until - event.window_seconds * 1000 - MINUTE).toISOString(), to: new Date(until).toISOString(), ...more });
}

/**
 * Why, in one line: "12 negative stories in 2 h, usually 1.4 (95 %: 0–4); 9 sources".
 * @param {any} event @param {{linked?: boolean}} [options] `linked`: numbers lead to their documents
 * @returns {any[]} nodes and strings
 */
export function why(event, { linked = true } = {}) {
  if (event.kind === "system") return [plain(event.annotations?.[lang()] ?? event.name)];
  if (!event.support && !event.documents && event.kind !== "silence" && !event.conditions?.length) {
    return rich("words.nothing", { window: span(event.window_seconds) });
  }
  const link = (text, more) => (linked ? h("a", { class: "figure-link", href: behind(event, more) }, text) : text);
  const figure = link(counted(event.observed, event.unit), event.unit.includes("negative") ? { sentiment: "negative" } : {});
  const parts = [event.unit.includes(" since ") ? [figure] : rich("alert.in_window", { figure, window: span(event.window_seconds) }), usual(event)];
  const support = [event.sources ? things("source", event.sources) : "", event.authors > 1 ? things("author", event.authors) : ""].filter(Boolean);
  if (support.length) parts.push(t("alert.semicolon"), link(join(support), {}));
  return parts.flat();
}

/** ", usually 1.4 (95 %: 0–4)" or "". */
function usual(event) {
  if (event.expected === null || event.state === "resolved") return "";
  const write = (value) => amount(value, event.unit);
  if (event.low === null || event.high === null) return t("alert.usual", { expected: write(event.expected) });
  const key = isShare(event.unit) ? "alert.usual_share" : "alert.usual_range";
  return t(key, { expected: write(event.expected), low: write(event.low), high: write(event.high) });
}

/** The arithmetic of the severity. */
export function severity_words(event) {
  const word = label("severity", event.severity).toLowerCase();
  if (event.state === "resolved" || event.beyond <= 0) return t("words.worst", { severity: word });
  const higher = Object.entries(event.ladder).filter(([, ratio]) => ratio > event.beyond).sort((a, b) => a[1] - b[1]);
  let next = "";
  if (higher.some(([level]) => level === event.severity)) next = t("words.bound.kept", { severity: word });
  else if (higher.length) next = t("words.bound.next", { severity: label("severity", higher[0][0]).toLowerCase(), ratio: higher[0][1] });
  const share = isShare(event.unit);
  const compared = share ? event.low : event.observed;
  if (event.bound && compared !== null && Math.abs(compared / event.bound / event.beyond - 1) < 0.02) {
    const shown = share ? percent(compared) : counted(compared, event.unit);
    return t(share ? "words.bound.low" : "words.bound", { amount: shown, beyond: times(event.beyond), bound: amount(event.bound, event.unit), next });
  }
  return t("words.bound.none", { beyond: times(event.beyond), next });
}

/** How improbable it is, and on what there is to compare with: sentences. @returns {string[]} */
export function certainty(event) {
  const found = [];
  const write = (value) => amount(value, event.unit);
  if (event.low !== null && event.high !== null) {
    const key = !isShare(event.unit) ? "words.range" : event.corrected ? "words.interval.corrected" : "words.interval";
    found.push(t(key, { low: write(event.low), high: write(event.high), support: number(event.support) }));
  }
  if (event.p_value !== null) found.push(t("words.odds", { count: odds(event.p_value) }));
  const baseline = event.labels?.baseline;
  if (baseline === "none" || baseline === "warming") found.push(t(`words.baseline.${baseline}`));
  return found;
}

/** What else lay in the window, or "". */
export function aside(event) {
  const parts = [["stale", event.stale], ["unknown", event.unknown_dates], ["unjudged", event.unjudged]];
  const told = parts.filter(([, count]) => count).map(([what, count]) => t(`words.aside.${what}`, { count: number(count) }));
  return told.length ? t("words.aside", { parts: join(told) }) : "";
}

/** What the rule would say without the stories told most, or "". */
export function without(event) {
  const found = event.counterfactual;
  if (!found) return "";
  const left = counted(found.observed, event.unit);
  const count = found.documents.length;
  if (!found.stops) return count || event.evidence.length ? t("words.without.never", { count: count || event.evidence.length, amount: left }) : "";
  const places = found.documents.map((id) => event.evidence.findIndex((each) => each.document === id) + 1);
  if (!count) return "";
  if (places.some((place) => !place)) return t("words.without.unseen", { count, amount: left });
  return count === 1 ? t("words.without.one", { number: places[0], amount: left }) : t("words.without.many", { numbers: join(places.map(String), true), amount: left });
}

/** Kinds of risk of the documents, most first: [kind, count]. */
export function risks(event) {
  return Object.entries(event.risks ?? {}).filter(([kind, count]) => kind !== "none" && count).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** Of all steps the one in which it was worst: what was burning, when it is over. @param {any[]} events */
export function worst(events) {
  return events.reduce((found, each) => (each.beyond > found.beyond || (each.beyond === found.beyond && each.evidence.length > found.evidence.length) ? each : found));
}
