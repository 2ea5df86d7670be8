/** Alerts: all that is open or over, by severity and rule, with pages. */

import { h, replace } from "../dom.js";
import { label, plain, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { alertRow } from "../parts/alert_row.js";
import { field } from "../parts/dialog.js";
import { SEVERITIES } from "../parts/severity.js";
import { empty, failure, into } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { link } from "../routes.js";

const STATES = ["open", "closed", "all"];
const PAGE = 50;

export async function show(root, params, page) {
  page.title(t("shell.views.alerts"));
  const state = STATES.includes(params.state) ? params.state : "open";
  const wanted = { state, severity: params.severity, rule: params.rule, subject: params.subject, since: params.since, until: params.until };
  const list = h("div", { class: "panel" });
  root.append(h("div", { class: "head" }, h("div", null, h("h1", null, t("shell.views.alerts")), h("p", { class: "quiet" }, t(`alerts.about.${state}`)))), filters(wanted, page), silences(page), list);
  await into(list, () => first(wanted, page));
  page.onStream("alert", () => into(list, () => first(wanted, page)).catch(() => {}));
}

async function first(wanted, page) {
  const found = await page.api.get("/alerts", { ...wanted, limit: PAGE });
  if (!found.alerts.length) return none(wanted);
  const list = h("ul", { class: "alert-list" }, found.alerts.map((each) => alertRow(each)));
  return [heads(), list, more(found.next, list, wanted, page)];
}

/** What the columns say; on a phone every row tells it by itself. */
export function heads() {
  return h("div", { class: "alert-heads", "aria-hidden": "true" }, ["severity", "what", "when", "care", "rule"].map((name) => h("span", null, t(`alerts.heads.${name}`))));
}

function more(next, list, wanted, page) {
  if (!next) return null;
  const button = h("button", { type: "button" }, t("alerts.more"));
  const row = h("div", { class: "panel-body load-more" }, button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const found = await page.api.get("/alerts", { ...wanted, limit: PAGE, cursor: next });
      const rows = found.alerts.map((each) => alertRow(each));
      list.append(...rows);
      row.replaceWith(...[more(found.next, list, wanted, page)].filter(Boolean));
      rows[0]?.querySelector("a").focus();
    } catch (error) {
      if (error.name !== "AbortError") row.append(failure(error));
    }
  });
  return row;
}

function none(wanted) {
  const narrowed = wanted.severity || wanted.rule || wanted.subject || wanted.since || wanted.until;
  if (narrowed) return empty(t("alerts.none.narrowed"), h("a", { href: link("alerts", { state: wanted.state }) }, t("alerts.none.widen")));
  return empty(t(`alerts.none.${wanted.state}`), wanted.state === "open" && h("a", { href: link("alerts", { state: "closed" }) }, t("alerts.none.closed_link")));
}

function filters(wanted, page) {
  const go = (change) => page.go("alerts", { ...wanted, ...change });
  const severity = h("select", { onchange: (event) => go({ severity: event.target.value }) }, h("option", { value: "" }, t("alerts.any")),
    SEVERITIES.map((each) => h("option", { value: each, selected: each === wanted.severity }, label("severity", each))));
  const rule = h("input", { value: wanted.rule ?? "", placeholder: t("alerts.any"), maxlength: 256, spellcheck: "false", "data-search": "", onchange: (event) => go({ rule: event.target.value.trim() }) });
  const subject = h("input", { value: wanted.subject ?? "", placeholder: t("alerts.any"), maxlength: 256, spellcheck: "false", onchange: (event) => go({ subject: event.target.value.trim() }) });
  return h("div", { class: "filter-row" },
    h("nav", { class: "segmented", "aria-label": t("alerts.filter.state") }, STATES.map((each) => h("a", { href: link("alerts", { ...wanted, state: each }), "aria-current": each === wanted.state ? "true" : null }, t(`alerts.state.${each}`)))),
    field(t("alerts.filter.severity"), severity), field(t("alerts.filter.rule"), rule), field(t("alerts.filter.subject"), subject));
}

/** Silences in force, where there are any: they keep alerts from being told, so nobody should have to look for them. */
function silences(page) {
  const host = h("div", { class: "silences" });
  const draw = async () => {
    const found = await page.api.get("/silences").catch(() => null);
    if (found) replace(host, found.silences.length ? panel(found.silences, page, draw) : null);
  };
  draw();
  return host;
}

function panel(found, page, again) {
  const row = (each) => h("li", { class: "silence" },
    h("div", null, h("p", null, Object.entries(each.match).map(([name, values]) => `${name}=${values.map(plain).join(",")}`).join(" ")),
      h("p", { class: "quiet small" }, rich("alerts.silences.by", { author: plain(each.author), until: time(each.until, "both") }), " · ", plain(each.reason))),
    page.me.role !== "read" && h("button", { type: "button", onclick: () => end(each, page, again) }, t("alerts.silences.end")));
  return h("details", { class: "panel" }, h("summary", { class: "panel-head" }, h("h2", null, t("alerts.silences.title", { count: found.length }))), h("ul", { class: "panel-body" }, found.map(row)));
}

async function end(silence, page, again) {
  try {
    await page.api.del(`/silences/${silence.id}`);
    toast(t("alerts.silences.ended"), "good");
    again();
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message || t("shell.error.unreachable"), "bad");
  }
}
