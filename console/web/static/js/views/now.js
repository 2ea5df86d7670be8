/** Now: what is burning, why, and how sure Tocsin is. */

import { h, replace } from "../dom.js";
import { number, time, zone } from "../format.js";
import { rich, t } from "../i18n.js";
import { refresh, watch } from "../open_alerts.js";
import { alertHeads, alertRow } from "../parts/alert_row.js";
import { heat } from "../parts/heat.js";
import { strip } from "../parts/health.js";
import { flush, panel } from "../parts/layout.js";
import { liveAlerts } from "../parts/live_alerts.js";
import { SEVERITIES } from "../parts/severity.js";
import { segmented } from "../parts/segmented.js";
import { empty, failure, into, waiting } from "../parts/states.js";
import { documents, link } from "../routes.js";
import { repeat } from "../soon.js";

const HOURS = ["24", "72", "168"];
const KINDS = ["entity", "topic"];
const OFTEN = 60_000; // ms between readings of the heat map and of health while the page is seen
const HOUR = 3_600_000;
const SUBJECTS = 20; // rows of the heat map
const LATELY = 4; // alerts that are over, told where none rings

export async function show(root, params, page) {
  page.title(t("shell.views.now"));
  const hours = HOURS.includes(params.hours) ? params.hours : "24";
  const kind = KINDS.includes(params.kind) ? params.kind : "entity";
  const summary = h("p", { class: "summary" }, t("shell.waiting"));
  const data = h("p", { class: "quiet" }, "\u00a0"); // its line is there from the start, so that nothing moves when it is known
  const health = h("div", { class: "health-strip" });
  root.append(
    h("header", { class: "head" }, h("div", null, h("h1", null, t("shell.views.now")), summary, data), health),
    rings(summary, page),
    map(hours, kind, data, page));
  const look = () => strip(health, page).catch(() => {});
  look();
  repeat(look, OFTEN, page.signal);
}

/** What rings, kept up to date. */
function rings(summary, page) {
  const { list, button, tell } = liveAlerts();
  const host = h("div", null, waiting());
  let bare = null;
  watch((found, error) => {
    if (!found) return error && replace(host, failure(error, () => refresh(0)));
    told(summary, found);
    tell(found.alerts);
    if (found.alerts.length) return list.parentNode === host || replace(host, alertHeads(), list);
    if (bare?.parentNode === host) return null;
    bare = nothing(page);
    return replace(host, bare);
  }, page.signal);
  return panel(t("now.rings"), host, { id: "rings", beside: [button, h("a", { href: link("alerts", { state: "closed" }) }, t("now.closed"))] });
}

/** "2 critical and 1 warning ring" or "Nothing rings". */
function told(summary, { alerts, more }) {
  const firing = alerts.filter((each) => each.state !== "pending");
  const counts = SEVERITIES.map((each) => [each, firing.filter((alert) => alert.severity === each).length]).filter(([, count]) => count);
  const pending = alerts.length - firing.length;
  const parts = counts.map(([severity, count]) => h("strong", { class: `severity ${severity}` }, t(`words.group.${severity}`, { count, of: count })));
  const joined = parts.flatMap((part, at) => (at ? [t("words.comma"), part] : [part]));
  replace(summary, firing.length ? rich("now.ringing", { counts: h("span", null, joined) }) : t("now.quiet"),
    pending ? t("words.gap") + t("now.pending", { count: pending }) : "", more ? t("words.gap") + t("now.more") : "");
}

/** Nothing rings: said so, with what was last. */
function nothing(page) {
  const lately = h("div", { class: "lately" });
  page.api.get("/alerts", { state: "closed", limit: LATELY }).then(({ alerts }) => {
    if (alerts.length) replace(lately, h("h3", null, t("now.lately")), h("ul", { class: "alert-list" }, alerts.map((each) => alertRow(each))));
  }).catch(() => {});
  return h("div", null, empty(t("now.nothing")), lately);
}

function map(hours, kind, data, page) {
  const host = flush();
  const choice = (name, values, now) => segmented(t(`now.choose.${name}`), values.map((each) =>
    ({ words: t(`now.${name}.${each}`), href: link("now", { hours, kind, [name]: each }), chosen: each === now })));
  const draw = () => into(host, async () => {
    const found = await page.api.get("/heat", { ...hourly(Number(hours), Date.now()), kind, limit: SUBJECTS });
    replace(data, age(found));
    return heat(found);
  }, 8).catch(() => {});
  draw();
  repeat(draw, OFTEN, page.signal);
  const about = h("p", { class: "quiet small" }, t("now.heat_about", { zone: zone(new Date()) }));
  return panel(t("now.heat"), host, { id: "heat", about, beside: h("div", { class: "choices" }, choice("kind", KINDS, kind), choice("hours", HOURS, hours)) });
}

/** So many hours up to the end of this one: people read whole hours. */
function hourly(hours, now) {
  const to = Math.ceil(now / HOUR) * HOUR;
  return { from: new Date(to - hours * HOUR).toISOString(), to: new Date(to).toISOString() };
}

/** How much was read, how old the newest of it is (loud where that is long ago), and since when Tocsin has watched. */
function age({ documents: count, from, to, newest, oldest }) {
  const span = t(`now.hours.${Math.round((new Date(to) - new Date(from)) / HOUR)}`).toLowerCase();
  const amount = h("a", { class: "figure-link", href: documents({ from, to }) }, number(count));
  const read = count ? rich("now.read", { count: amount, span, of: count }) : h("strong", { class: "old" }, t("now.no_data", { span }));
  if (!newest) return read;
  const old = Date.now() - new Date(newest) > HOUR;
  const latest = h(old ? "strong" : "span", { class: old ? "old" : "" }, rich("now.newest", { time: time(newest) }));
  return [read, t("words.gap"), latest, t("words.gap"), rich("now.oldest", { time: time(oldest, "clock") })];
}
