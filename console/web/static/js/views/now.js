/** Now: what is burning, why, and how sure Tocsin is. */

import { h, replace } from "../dom.js";
import { number, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { openAlerts, refresh, watch } from "../open_alerts.js";
import { alertRow } from "../parts/alert_row.js";
import { heat } from "../parts/heat.js";
import { strip } from "../parts/health.js";
import { SEVERITIES } from "../parts/severity.js";
import { empty, failure, into, waiting } from "../parts/states.js";
import { documents, link } from "../routes.js";
import { heads } from "./alerts.js";

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
  const summary = h("p", { class: "summary" });
  const data = h("p", { class: "quiet" });
  const health = h("div", { class: "health-strip" });
  root.append(
    h("div", { class: "head" }, h("div", null, h("h1", null, t("shell.views.now")), summary, data), health),
    rings(summary, page),
    map(hours, kind, data, page));
  const look = () => strip(health, page).catch(() => {});
  look();
  repeat(look, page.signal);
}

/** Does it now and then while the page is seen. */
function repeat(fn, signal) {
  const timer = setInterval(() => document.hidden || fn(), OFTEN);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/** What rings: kept up to date; new rows wait for a press while somebody reads there, so that nothing moves under the hand. */
function rings(summary, page) {
  const list = h("ul", { class: "alert-list" });
  const fresh = h("button", { type: "button", class: "fresh", hidden: true });
  const body = h("div", null, waiting());
  const section = h("section", { class: "panel", "aria-labelledby": "rings" },
    h("div", { class: "panel-head" }, h("h2", { id: "rings" }, t("now.rings")), fresh, h("a", { href: link("alerts", { state: "closed" }) }, t("now.closed"))), body);
  let shown = new Map();
  const draw = (found, marked = new Set()) => {
    shown = new Map(found.alerts.map((each) => [each.alert, each]));
    fresh.hidden = true;
    if (!found.alerts.length) return replace(body, nothing(page));
    const held = list.contains(document.activeElement) ? document.activeElement.closest("[data-alert]")?.dataset.alert : "";
    replace(list, found.alerts.map((each) => mark(alertRow(each), marked.has(each.alert))));
    if (list.parentNode !== body) replace(body, heads(), list);
    if (held) list.querySelector(`[data-alert="${CSS.escape(held)}"] a`)?.focus({ preventScroll: true });
  };
  watch((found, error) => {
    if (!found) return error && replace(body, failure(error, () => refresh(0)));
    told(summary, found);
    const added = new Set(found.alerts.filter((each) => !shown.has(each.alert)).map((each) => each.alert));
    const busy = shown.size && added.size && (list.matches(":hover") || list.contains(document.activeElement) || scrollY > 120);
    if (!busy) return draw(found, shown.size ? added : new Set());
    fresh.hidden = false;
    fresh.textContent = t("now.fresh", { count: added.size });
    fresh.onclick = () => draw(openAlerts(), added);
  }, page.signal);
  return section;
}

function mark(row, isNew) {
  if (isNew) row.classList.add("new");
  return row;
}

/** "2 critical and 1 warning ring" or "Nothing rings". */
function told(summary, { alerts, more }) {
  const firing = alerts.filter((each) => each.state !== "pending");
  const counts = SEVERITIES.map((each) => [each, firing.filter((alert) => alert.severity === each).length]).filter(([, count]) => count);
  const pending = alerts.length - firing.length;
  const parts = counts.map(([severity, count]) => h("strong", { class: `severity ${severity}` }, t(`words.group.${severity}`, { count, of: count })));
  const joined = parts.flatMap((part, at) => (at ? [t("words.comma"), part] : [part]));
  replace(summary, firing.length ? rich("now.ringing", { counts: h("span", null, joined) }) : t("now.quiet"),
    pending ? ` ${t("now.pending", { count: pending })}` : "", more ? ` ${t("now.more")}` : "");
}

/** Nothing rings: said so, with what was last. */
function nothing(page) {
  const lately = h("div", { class: "lately" });
  page.api.get("/alerts", { state: "closed", limit: LATELY }).then(({ alerts }) => {
    if (alerts.length) replace(lately, h("h3", null, t("now.lately")), h("ul", { class: "alert-list" }, alerts.map((each) => alertRow(each))));
  }).catch(() => {});
  return [empty(t("now.nothing")), lately];
}

function map(hours, kind, data, page) {
  const body = h("div", { class: "panel-body flush" });
  const choice = (name, values, now) => h("nav", { class: "segmented", "aria-label": t(`now.choose.${name}`) }, values.map((each) =>
    h("a", { href: link("now", { hours, kind, [name]: each }), "aria-current": each === now ? "true" : null }, t(`now.${name}.${each}`))));
  const draw = async () => {
    await into(body, async () => {
      const span = hourly(Number(hours), Date.now());
      const [found, newest] = await Promise.all([page.api.get("/heat", { ...span, kind, limit: SUBJECTS }), page.api.get("/documents", { limit: 1 })]);
      replace(data, age(found, newest.documents[0]?.collected_at));
      return heat(found);
    }, 8);
  };
  draw().catch(() => {});
  repeat(() => draw().catch(() => {}), page.signal);
  return h("section", { class: "panel", "aria-labelledby": "heat" },
    h("div", { class: "panel-head" }, h("div", null, h("h2", { id: "heat" }, t("now.heat")), h("p", { class: "quiet small" }, t("now.heat_about"))),
      h("div", { class: "choices" }, choice("kind", KINDS, kind), choice("hours", HOURS, hours))), body);
}

/** So many hours up to the end of this one: people read whole hours. */
function hourly(hours, now) {
  const to = Math.ceil(now / HOUR) * HOUR;
  return { from: new Date(to - hours * HOUR).toISOString(), to: new Date(to).toISOString() };
}

/** How much was read, and how old the newest of it is: loud where that is long ago. */
function age(found, newest) {
  const count = h("a", { class: "figure-link", href: documents({ from: found.from, to: found.to }) }, number(found.documents));
  const span = t(`now.hours.${Math.round((new Date(found.to) - new Date(found.from)) / HOUR)}`);
  const old = newest && Date.now() - new Date(newest) > HOUR;
  if (!found.documents) return h("strong", { class: "old" }, t("now.no_data", { span: span.toLowerCase() }), newest && [" ", rich("now.newest", { time: time(newest) })]);
  return [rich("now.read", { count, span: span.toLowerCase(), of: found.documents }), newest && [" ", h(old ? "strong" : "span", { class: old ? "old" : "" }, rich("now.newest", { time: time(newest) }))]];
}

