/** Alerts: all that is open or over, by severity, rule and subject, with pages. */

import { h, replace } from "../dom.js";
import { label, plain, subjectName, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { openAlerts } from "../open_alerts.js";
import { alertHeads } from "../parts/alert_row.js";
import { field } from "../parts/dialog.js";
import { heading } from "../parts/layout.js";
import { liveAlerts } from "../parts/live_alerts.js";
import { moreButton } from "../parts/more.js";
import { segmented } from "../parts/segmented.js";
import { SEVERITIES } from "../parts/severity.js";
import { empty, fix, into, message } from "../parts/states.js";
import { steadily } from "../parts/steady.js";
import { toast } from "../parts/toast.js";
import { link } from "../routes.js";
import { soon } from "../soon.js";

const STATES = ["open", "closed", "all"];
const PAGE = 50;

export async function show(root, params, page) {
  page.title(t("shell.views.alerts"));
  const state = STATES.includes(params.state) ? params.state : "open";
  const wanted = { state, severity: params.severity, rule: params.rule, subject: params.subject, since: params.since, until: params.until };
  const live = liveAlerts();
  const host = h("div", { class: "panel" });
  const quiet = h("div", { class: "silences" });
  root.append(heading(t("shell.views.alerts"), { lead: t(`alerts.about.${state}`), beside: live.button }), filters(wanted, page), quiet, host);
  const silent = () => silences(quiet, page);
  const draw = () => into(host, () => first(wanted, live, page));
  const renew = soon(() => draw().catch(() => {}), page.signal);
  page.onStream("alert", renew);
  page.onStream("missed", renew);
  page.onStream("operation", () => { renew(); silent(); });
  silent();
  await draw();
}

async function first(wanted, live, page) {
  const found = await page.api.get("/alerts", { ...wanted, limit: PAGE });
  live.tell(found.alerts);
  if (!found.alerts.length) return none(wanted);
  if (live.list.isConnected) return null; // what is there stays, with the pages that were asked for
  return [alertHeads(), live.list, moreButton(found.next, async (cursor) => {
    const next = await page.api.get("/alerts", { ...wanted, limit: PAGE, cursor });
    return { rows: live.add(next.alerts), next: next.next };
  })];
}

function none(wanted) {
  const narrowed = wanted.severity || wanted.rule || wanted.subject || wanted.since || wanted.until;
  if (narrowed) return empty(t("alerts.none.narrowed"), h("a", { href: link("alerts", { state: wanted.state }) }, t("alerts.none.widen")));
  return empty(t(`alerts.none.${wanted.state}`), wanted.state === "open" && h("a", { href: link("alerts", { state: "closed" }) }, t("alerts.none.closed_link")));
}

function filters(wanted, page) {
  const go = (change) => page.go("alerts", { ...wanted, ...change });
  const severity = h("select", { name: "severity", onchange: (event) => go({ severity: event.target.value }) },
    h("option", { value: "" }, t("alerts.any")), SEVERITIES.map((each) => h("option", { value: each, selected: each === wanted.severity }, label("severity", each))));
  const known = openAlerts()?.alerts ?? [];
  const text = (name, options, dataset = {}) => {
    const input = h("input", {
      name, value: wanted[name] ?? "", list: `known-${name}`, placeholder: t("alerts.any"), maxlength: 256, spellcheck: "false", dataset,
      onchange: (event) => go({ [name]: event.target.value.trim() }),
    });
    const list = h("datalist", { id: `known-${name}` }, [...options].map(([value, words]) => h("option", { value }, words)));
    return [field(t(`alerts.filter.${name}`), input), list];
  };
  const rules = new Map(known.map((each) => [each.rule, ""]));
  const subjects = new Map(known.map((each) => [each.subject, plain(subjectName(each.subject, each.name))]));
  const states = STATES.map((each) => ({ words: t(`alerts.state.${each}`), href: link("alerts", { ...wanted, state: each }), chosen: each === wanted.state }));
  return h("div", { class: "filter-row" },
    segmented(t("alerts.filter.state"), states), field(t("alerts.filter.severity"), severity), text("rule", rules, { search: "" }), text("subject", subjects));
}

/** Silences in force, where there are any: they keep alerts from being told, so nobody should have to look for them. */
async function silences(host, page) {
  const found = await page.api.get("/silences").catch(() => null);
  if (found) steadily(host, () => replace(host, found.silences.length ? inForce(found.silences, page, () => silences(host, page)) : null));
}

function inForce(found, page, again) {
  const matched = ({ match }) => Object.entries(match).map(([name, values]) => `${name}=${values.map(plain).join(",")}`).join(" ");
  const row = (each) => h("li", { class: "silence" },
    h("div", null, h("p", null, matched(each)),
      h("p", { class: "quiet small" }, rich("alerts.silences.by", { author: plain(each.author), until: time(each.until, "both") }), " · ", plain(each.reason))),
    page.me.role !== "read" && h("button", { type: "button", onclick: () => end(each, page, again) }, t("alerts.silences.end")));
  const title = h("h2", null, t("alerts.silences.title", { count: found.length }));
  return h("details", { class: "panel", dataset: { name: "silences" } }, h("summary", { class: "panel-head" }, title), h("ul", { class: "panel-body" }, found.map(row)));
}

async function end(silence, page, again) {
  try {
    await page.api.del(`/silences/${silence.id}`);
    toast(t("alerts.silences.ended"), "good");
    again();
  } catch (error) {
    toast([message(error), t("words.gap"), fix(error)], "bad");
  }
}
