/** Numbers, times and names as people read them: rounded as in notifications (alerts/delivery/phrases.py), in the page's language. */

import { h } from "./dom.js";
import { has, t } from "./i18n.js";
import { companyName } from "./names.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const TAILS = ["since the level changed", "of a risk not seen before", "of a topic not seen before", "of a source not seen before"];

/** A figure: whole from 100 on, one digit below, two below one tenth. @param {number} value @returns {string} */
export function number(value) {
  if (value === 0 || Number.isInteger(value) || Math.abs(value) >= 100) return grouped(value, 0);
  if (Math.abs(value) < 0.005) return "<0.01";
  return grouped(value, Math.abs(value) < 0.095 ? 2 : 1);
}

function grouped(value, digits) {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven" });
}

/** A share: neither a little nor nearly all is rounded to none or all; null is a dash. @param {number|null} share */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  if (share > 0 && share < 0.0005) return "<0.1%";
  if (share >= 0.9995 && share < 1) return ">99.9%";
  const digits = (share > 0 && share < 0.01) || (share > 0.99 && share < 1) ? 1 : 0;
  return `${grouped(share * 100, digits)}%`;
}

/** A change of a share in points, with its sign: "+12 points". @param {number|null} change */
export function points(change) {
  if (change === null || change === undefined) return "–";
  const found = Math.round(change * 100);
  return t("common.points", { count: `${found > 0 ? "+" : found < 0 ? "−" : "±"}${Math.abs(found)}` });
}

/** How many times: "2.7". */
export function times(value) {
  return grouped(value, 1);
}

/** One in how many, to two digits. @param {number} p */
export function odds(p) {
  if (p < 1e-9) return `>${grouped(1e9, 0)}`;
  const digits = 10 ** (Math.floor(Math.log10(1 / p)) - 1);
  return grouped(Math.round(1 / p / digits) * digits, 0);
}

/** A length of time for reading: seconds below 1 min, minutes below 2 h, hours below 2 days, then days. @param {number} seconds */
export function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < MINUTE) return t("common.seconds", { count: Math.round(seconds) });
  if (size < 2 * HOUR) return t("words.minutes", { count: Math.round(seconds / MINUTE) });
  if (size < 2 * DAY) return t("words.hours", { count: trimmed(seconds / HOUR) });
  return t("words.days", { count: trimmed(seconds / DAY) });
}

function trimmed(value) {
  return value.toFixed(1).replace(/\.0$/, "");
}

/** The length of a rule's window: "30 min", "2 h", "7 days". @param {number} seconds */
export function span(seconds) {
  if (seconds > DAY && seconds % DAY === 0) return t("words.days", { count: seconds / DAY });
  if (seconds >= HOUR && seconds % HOUR === 0) return t("words.hours", { count: seconds / HOUR });
  return t("words.minutes", { count: trimmed(seconds / MINUTE) });
}

/** Whether a unit counts in parts of one. */
export function isShare(unit) {
  return unit.includes("share");
}

/** A figure in its unit's way of writing: "62%" or "24". */
export function amount(value, unit) {
  return isShare(unit) ? percent(value) : number(value);
}

/** A figure with what it counts: "24 negative stories". */
export function counted(value, unit) {
  const tail = TAILS.find((each) => unit.endsWith(` ${each}`));
  const base = tail ? unit.slice(0, -tail.length - 1) : unit;
  const key = `words.count.${base}`;
  const shown = amount(value, unit);
  const found = has(key) ? t(key, { count: shown, of: value }) : `${shown} ${base}`;
  return tail ? t(`words.tail.${tail}`, { amount: found }) : found;
}

/** The name of a figure: "Negative stories". */
export function unitName(unit) {
  const tail = TAILS.find((each) => unit.endsWith(` ${each}`));
  const base = tail ? unit.slice(0, -tail.length - 1) : unit;
  const found = has(`words.unit.${base}`) ? t(`words.unit.${base}`) : base;
  return tail ? t(`words.tail.${tail}`, { amount: found }) : found;
}

/** "3 stories", "1 source": `what` is document, story, source, author or copy. */
export function things(what, count) {
  return t(`words.count.${what}`, { count: number(count), of: count });
}

/**
 * A label in words. `kind`: topic, risk, sentiment, severity, state, role, language, type (of a rule), kind (news, chat).
 * What has no word stands as it is.
 */
export function label(kind, value) {
  for (const key of [`common.${kind}.${value}`, `words.${kind}.${value}`]) if (has(key)) return kind === "risk" ? headed(t(key)) : t(key);
  return value;
}

/** With a capital: what stands in the middle of a sentence in notifications stands alone here. */
function headed(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What an alert or subject is about, for people: topics have words of their own, companies names in Chinese. @param {string} subject @param {string} name */
export function subjectName(subject, name) {
  if (subject === "market:all") return t("subject.one.market");
  const topic = subject.startsWith("topic:") && `words.topic.${subject.slice(6)}`;
  if (topic && has(topic)) return t(topic);
  return (subject.startsWith("entity:") ? companyName(subject.slice(7), name) : name) || subject;
}

/** Parts of a list, joined: "a, b and c". @param {string[]} parts @param {boolean} [last] whether "and" stands before the last */
export function join(parts, last = false) {
  const comma = t("words.comma");
  if (!last || parts.length < 2) return parts.join(comma);
  return parts.slice(0, -1).join(comma) + t("words.and") + parts.at(-1);
}

/** The zone of the user at that time, as an offset: "UTC+8". @param {Date} at */
export function zone(at) {
  const minutes = -at.getTimezoneOffset();
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `UTC${minutes ? `${minutes < 0 ? "-" : "+"}${hours}` : ""}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}

/** "2026-03-02 09:30" in the user's zone; with `utc` in UTC. @param {string|Date} iso */
export function stamp(iso, utc = false) {
  const at = new Date(iso);
  const [date, clocked] = local(at, utc).split("T");
  return `${date} ${clocked}`;
}

/** "09:30", with its date where that is not today. @param {string|Date} iso @param {Date} [now] */
export function clock(iso, now = new Date()) {
  const [date, clocked] = local(new Date(iso)).split("T");
  if (date === local(now).split("T")[0]) return clocked;
  return `${date.slice(0, 4) === String(now.getFullYear()) ? date.slice(5) : date} ${clocked}`;
}

function local(at, utc = false) {
  const shifted = new Date(at.getTime() - (utc ? 0 : at.getTimezoneOffset() * MINUTE * 1000));
  return shifted.toISOString().slice(0, 16);
}

/** "5 min ago", "in 2 h". @param {string|Date} iso @param {Date} [now] */
export function ago(iso, now = new Date()) {
  const seconds = (now.getTime() - new Date(iso).getTime()) / 1000;
  if (Math.abs(seconds) < 10) return t("common.just_now");
  return t(seconds > 0 ? "common.ago" : "common.ahead", { time: duration(Math.abs(seconds)) });
}

/**
 * A time: relative, kept up to date, with the absolute one beside it or as its title (own zone and UTC).
 * @param {string} iso @param {"relative"|"both"|"clock"|"stamp"} [form] @returns {HTMLTimeElement}
 */
export function time(iso, form = "relative") {
  const at = new Date(iso);
  const title = `${stamp(at)} ${zone(at)} · ${stamp(at, true)} UTC`;
  const element = h("time", { datetime: iso, title, dataset: { form } });
  element.textContent = timed(iso, form);
  return element;
}

function timed(iso, form) {
  const at = new Date(iso);
  if (form === "clock") return clock(at);
  if (form === "stamp") return `${stamp(at)} ${zone(at)}`;
  return form === "both" ? `${clock(at)} · ${ago(at)}` : ago(at);
}

/** Brings every relative time on the page up to date. */
export function refreshTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-form]")) {
    const text = timed(element.getAttribute("datetime"), element.dataset.form);
    if (element.textContent !== text) element.textContent = text;
  }
}

/**
 * A text cut at ranges that count code points (as Python does), not UTF-16 units: `[[text, hit]…]`. Ranges that cannot be
 * right are passed over.
 * @param {string} text @param {[number, number][]} ranges @returns {[string, boolean][]}
 */
export function segments(text, ranges) {
  const letters = Array.from(text);
  const found = [];
  let at = 0;
  const add = (from, to, hit) => from < to && found.push([letters.slice(from, to).join(""), hit]);
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (!(at <= start && start < end && end <= letters.length)) continue;
    add(at, start, false);
    add(start, end, true);
    at = end;
  }
  add(at, letters.length, false);
  return found;
}

/** Segments as nodes: hits are `<mark>`. Control and direction characters that could disguise a text are left out. */
export function marked(pieces) {
  return pieces.map(([text, hit]) => (hit ? h("mark", null, plain(text)) : plain(text)));
}

/** The text without control characters and without those that turn its direction. @param {string} text */
export function plain(text) {
  return text.replace(/[\t\n\r\u2028\u2029]/g, " ").replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}
