/** One alert: its evidence as a person reads it, what became of it, and what one can do. */

import { h, replace } from "../dom.js";
import { clock, duration, label, plain, segments, stamp, time, zone } from "../format.js";
import { lang, rich, t } from "../i18n.js";
import * as act from "../parts/alert_actions.js";
import { beside } from "../parts/alert_facts.js";
import { care } from "../parts/alert_row.js";
import { aside, name, why, without, worst } from "../parts/alert_words.js";
import { body, panel } from "../parts/layout.js";
import { prose } from "../parts/prose.js";
import { timeline } from "../parts/alert_timeline.js";
import { origins, severity, state } from "../parts/severity.js";
import { steadily } from "../parts/steady.js";
import { stories } from "../parts/stories.js";
import { link } from "../routes.js";
import { soon } from "../soon.js";

/** What happens to it is shown at once, in place: the chart, what is open and the focus stay. */
export async function show(root, params, page) {
  const chart = timeline(page);
  const draw = async () => {
    const found = await page.api.get(`/alerts/${encodeURIComponent(params.id)}`);
    steadily(root, () => tell(root, found, params, { ...page, again }, chart));
    return found.alert.alert;
  };
  const again = soon(() => draw().catch(() => {}), page.signal);
  const id = await draw();
  const mine = (event) => (!event.alert || event.alert === id) && again(); // a silence is of no one alert
  page.onStream("alert", mine);
  page.onStream("operation", mine);
  page.onStream("missed", again);
}

function tell(root, found, params, page, chart) {
  const { alert, events } = found;
  const told = chosen(events, alert, params.step);
  page.title(`${label("severity", alert.severity)}: ${name(alert)}`);
  const system = alert.kind === "system";
  if (!system) chart.tell(alert, events);
  replace(root, head(found, told, page, params.step !== undefined), system ? remedy(alert, found) : evidence(found, told, chart.element));
}

/** The step that is told: the one asked for; of what is over the worst, since nothing is left in the end; else the newest. */
function chosen(events, alert, step) {
  const asked = step === undefined ? undefined : events.find((each) => String(each.sequence) === step);
  if (asked) return asked;
  return alert.state === "resolved" ? worst(events) : alert;
}

function head(found, told, page, asked) {
  const { alert } = found;
  const over = alert.state === "resolved";
  return h("header", { class: "alert-head" },
    h("p", { class: "crumbs" }, h("a", { href: link("alerts", { state: over ? "closed" : "open" }) }, t("shell.views.alerts")),
      " / ", h("span", { class: "mono" }, alert.alert.slice(0, 8))),
    h("div", { class: "alert-title" }, severity(alert.severity), state(alert.state), origins(alert)),
    h("h1", null, name(alert)),
    h("p", { class: "lead" }, why(told)),
    h("p", { class: "quiet" }, since(alert, told, asked)),
    h("div", { class: "alert-hands" }, care(alert.status), escalated(found)),
    buttons(alert, page));
}

/** That somebody asked for further people: whoever comes next need not ask again. */
function escalated({ alert, operations }) {
  const last = alert.state === "resolved" ? null : operations.filter((each) => each.type === "escalation").at(-1);
  return last && h("p", { class: "quiet" }, rich("alert.escalated", { author: plain(last.author), time: time(last.at) }));
}

function since(alert, told, asked) {
  const over = alert.state === "resolved";
  const lasting = duration((new Date(alert.at) - new Date(alert.since)) / 1000);
  const times = { since: time(alert.since, "clock"), at: time(alert.at, "clock"), zone: zone(new Date(alert.at)), ago: time(over ? alert.at : alert.since), lasting };
  const found = rich(over ? "alert.from_to" : "alert.since_both", times);
  if (told.sequence !== alert.sequence) {
    found.push(t("words.gap"), t("alert.as_of", { at: clock(told.at), which: t(asked ? "alert.as_chosen" : "alert.as_worst") }));
  }
  return found;
}

function buttons(alert, page) {
  const allowed = act.may(page.me);
  const over = alert.state === "resolved";
  const make = (what, fn, tone = "", off = false) => h("button", { type: "button", class: tone, disabled: !allowed || off, "aria-describedby": allowed ? null : "may-not",
    onclick: async () => (await fn()) && page.again() }, t(`alert.${what}.button`));
  const key = (fn) => () => run(fn, page);
  if (allowed) {
    page.keys({ w: key(() => act.mark(alert, page, false)), s: key(() => act.silence(alert, page)), a: over ? () => {} : key(() => act.acknowledge(alert, page)) });
  }
  return h("div", { class: "alert-buttons no-print" },
    make("acknowledge", () => act.acknowledge(alert, page), over ? "" : "primary", over), make("silence", () => act.silence(alert, page)),
    alert.kind !== "system" && [make("wrong", () => act.mark(alert, page, false)), make("right", () => act.mark(alert, page, true))],
    make("escalate", () => act.escalate(alert, page), "", over || alert.state === "pending"),
    h("button", { type: "button", class: "ghost", onclick: () => print() }, t("alert.print")),
    !allowed && h("p", { class: "quiet small", id: "may-not" }, t("alert.may_not", { name: plain(page.me.name), role: label("role", page.me.role) })));
}

async function run(fn, page) {
  if (!document.querySelector("dialog[open]") && (await fn())) page.again();
}

/** An alert about Tocsin itself: what is wrong is in the head already, so what follows is what to do. */
function remedy(alert, found) {
  const fix = plain(alert.annotations[`fix_${lang()}`] ?? "");
  return h("div", { class: "columns" },
    panel(t("alert.fix"), h("p", { class: "panel-body fix" }, prose(fix || t("alert.no_fix")))),
    h("div", { class: "view" }, beside(found, alert)));
}

function evidence(found, told, chart) {
  return h("div", { class: "columns" },
    h("div", { class: "view" }, chart, told_most(told), parts_of(told)),
    h("div", { class: "view" }, beside(found, told)));
}

function told_most(event) {
  const count = event.evidence.length;
  const title = event.stories > count ? t("alert.stories_some", { shown: count, count: event.stories }) : t("alert.stories");
  const found = event.evidence.map((each) => ({
    ...each, title: segments(each.headline, each.highlights), first: each.first_seen ?? each.collected_at, last: each.last_seen ?? each.collected_at,
  }));
  const more = [without(event), aside(event)].filter(Boolean);
  const words = event.evidence.some((each) => each.highlights.length);
  return panel(title, [
    body(count ? stories(found, { numbered: true }) : h("p", { class: "quiet" }, t("alert.no_stories"))),
    more.length > 0 && h("div", { class: "told-foot" }, more.map((text) => h("p", null, text))),
    words && h("p", { class: "told-foot quiet small" }, rich("alert.marked_words", { example: h("mark", null, t("alert.marked_example")) })),
  ], { id: "stories", beside: h("span", { class: "quiet small" }, rich("alert.as_told", { at: `${stamp(event.at)} ${zone(new Date(event.at))}` })) });
}

/** Of a rule made of several conditions what each of them said. */
function parts_of(event) {
  if (!event.conditions.length) return null;
  const alone = { conditions: [], expected: null, sources: 0, authors: 0, support: 1 };
  const one = (part) => h("li", { class: part.holds ? "holds" : "fails" },
    h("span", { "aria-hidden": "true" }, part.holds ? "✓" : "✗"), " ", h("strong", null, label("type", part.type)), " · ",
    why({ ...event, ...part, ...alone, kind: part.type }, { linked: false }), !part.holds && ` (${label("said", part.why)})`);
  return panel(t("alert.conditions"), h("ul", { class: "panel-body conditions" }, event.conditions.map(one)));
}
