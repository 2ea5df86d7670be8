/** The alerts that are open, held once for the whole page: read at the start, after each event, and now and then. */

import { get } from "./api.js";
import { SEVERITIES } from "./parts/severity.js";
import * as stream from "./stream.js";

const OFTEN = 60_000; // ms; events tell of changes at once, so this only mends what was missed
const CALM = 300; // ms in which several events are one reading
const MOST = 200;
const watchers = new Set();
let timer = 0;
let known = null;
let turn = 0;

/** What was last read: `{alerts, current, more}`, alerts the worst first, of those the ones that nobody has in hand or silenced; or null. */
export function openAlerts() {
  return known;
}

/** Calls `fn(found, error)` after each reading, and at once with what is known, until `signal` aborts. */
export function watch(fn, signal) {
  watchers.add(fn);
  signal?.addEventListener("abort", () => watchers.delete(fn), { once: true });
  if (known) fn(known);
}

/** Reads anew soon. */
export function refresh(wait = CALM) {
  clearTimeout(timer);
  timer = setTimeout(read, wait);
}

/** Starts reading. @param {AbortSignal} signal of the session */
export function begin(signal) {
  known = null;
  stream.on("alert", () => refresh(), signal);
  stream.on("operation", () => refresh(), signal);
  stream.on("missed", () => refresh(), signal);
  signal.addEventListener("abort", () => { clearTimeout(timer); turn += 1; }, { once: true });
  return read();
}

/** An answer that a later one overtook is dropped. */
async function read() {
  clearTimeout(timer);
  timer = setTimeout(read, OFTEN);
  turn += 1;
  const mine = turn;
  try {
    const { alerts, current, next } = await get("/alerts", { state: "open", limit: MOST });
    if (mine !== turn) return;
    known = { alerts: alerts.sort(order), current, more: next !== null };
    watchers.forEach((fn) => fn(known));
  } catch (error) {
    if (mine === turn) watchers.forEach((fn) => fn(known, error));
  }
}

function order(a, b) {
  const rank = (each) => [SEVERITIES.indexOf(each.severity), each.state === "pending", each.status.acknowledged !== null || each.status.silences.length > 0, -new Date(each.since)];
  const [first, second] = [rank(a), rank(b)];
  for (let at = 0; at < first.length; at += 1) if (first[at] !== second[at]) return first[at] < second[at] ? -1 : 1;
  return 0;
}
