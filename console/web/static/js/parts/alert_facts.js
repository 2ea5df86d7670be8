/** What stands beside the evidence: how sure it is, the life of the alert, who was told, by what it was judged. */

import { h } from "../dom.js";
import { clock, counted, label, number, plain, stamp, things, time, zone } from "../format.js";
import { lang, t } from "../i18n.js";
import { link, subject } from "../routes.js";
import { behind, certainty, name, risks, severity_words } from "./alert_words.js";
import { body, panel } from "./layout.js";
import { measured } from "./measured.js";
import { prose } from "./prose.js";
import { tag } from "./severity.js";

const OURS = new Set(["en", "zh", "fix_en", "fix_zh"]); // told in the head

/** @param {any} found answer of GET /alerts/{id} @param {any} told the step that is told */
export function beside(found, told) {
  const system = told.kind === "system";
  return [!system && sure(found.alert, told), life(found, told), receipts(found.receipts ?? []), origin(found.alert, told)];
}

function sure(alert, told) {
  const counts = [["document", told.documents], ["story", told.stories], ["source", told.sources], ["author", told.authors]];
  const amount = ([what, count]) => h("li", null, h("a", { class: "figure-link", href: behind(told) }, things(what, count)));
  const lines = [...certainty(told), severity_words(told)];
  return panel(t("alert.sure"), body(
    h("ul", { class: "counts" }, counts.map(amount), h("li", { class: "quiet" }, t("alert.judged", { count: number(told.support) }))),
    h("ul", { class: "certain" }, lines.map((line) => h("li", null, line))),
    kinds(told),
    h("p", { class: "rule-line" }, h("strong", null, t("alert.rule_measured")), " ", measured(alert.measured, { long: true }))));
}

function kinds(told) {
  const found = risks(told);
  if (!found.length) return null;
  const most = found[0][1];
  const row = ([kind, count]) => h("li", null,
    h("a", { class: "plain", href: behind(told, { risk: kind }) }, label("risk", kind)),
    h("span", { class: "track", "aria-hidden": "true" }, h("i", { style: { width: `${(count / most) * 100}%` } })),
    h("span", { class: "num" }, number(count)));
  return [
    h("h3", { class: "sub" }, t("alert.risks"), " ", h("span", { class: "quiet small" }, t("alert.risks_of"))),
    h("ul", { class: "risk-bars" }, found.map(row)),
  ];
}

/** Steps and what people did, in order of time. */
function life({ alert, events, operations }, told) {
  const steps = events.map((each) => ({ at: each.at, node: step(each, alert, told) }));
  const done = operations.map((each) => ({ at: each.at, node: deed(each) }));
  const all = [...steps, ...done].sort((a, b) => new Date(a.at) - new Date(b.at));
  return panel(t("alert.life"), body(
    h("ol", { class: "life" }, all.map((each) => each.node)), !operations.length && h("p", { class: "quiet small" }, t("alert.untouched"))));
}

function step(event, alert, told) {
  const system = event.kind === "system";
  const figure = system ? "" : counted(event.observed, event.unit);
  const same = event.sequence === told.sequence;
  const over = event.state === "resolved";
  const words = [label("reason", event.reason), over ? "" : figure].filter(Boolean).join(" · ");
  const see = !system && !same && [" · ", h("a", { href: link("alerts", { step: event.sequence }, alert.alert) }, t("alert.see_step"))];
  return h("li", { class: `step ${event.state} ${event.severity}`, "aria-current": same ? "step" : null },
    h("p", null, h("strong", null, label("step", event.state)), !over && ` · ${label("severity", event.severity)}`),
    h("p", { class: "small quiet" }, words),
    h("p", { class: "small quiet" }, time(event.at, "clock"), see));
}

function deed(done) {
  return h("li", { class: "step deed" }, h("p", null, h("strong", null, plain(done.author)), " ", did(done)),
    done.reason ? h("p", { class: "small" }, `“${plain(done.reason)}”`) : null, h("p", { class: "small quiet" }, time(done.at, "clock")));
}

/** What somebody did, in words. @param {any} done an operation with its `type` */
export function did(done) {
  const until = done.until ? `${clock(done.until)} ${zone(new Date(done.until))}` : "";
  const match = Object.entries(done.match ?? {}).map(([field, values]) => `${field}=${values.map(plain).join(",")}`).join(" ");
  const about = plain(done.name || done.subject || "");
  return t(`audit.did.${kindOf(done)}`, { until, match, file: plain(done.file ?? ""), subject: about, label: done.label ? label(done.head, done.label) : "" });
}

/** The key of what was done. */
function kindOf({ type, right, until }) {
  if (type === "mark") return right ? "right" : "wrong";
  return type === "acknowledgement" && until ? "acknowledged_until" : type;
}

/** What each receiver answered: its newest answer, with those before it folded away. */
function receipts(found) {
  if (!found.length) return panel(t("alert.told"), body(h("p", { class: "quiet" }, t("alert.untold"))));
  const groups = new Map();
  for (const each of found) groups.set(each.receiver, [...(groups.get(each.receiver) ?? []), each]);
  return panel(t("alert.told"), body(h("ul", { class: "receipts" }, [...groups.values()].map(answers))));
}

function answers(group) {
  const before = group.slice(0, -1).reverse().map((each) => h("li", null, receipt(each, false)));
  return h("li", null, receipt(group.at(-1), true), before.length > 0 && h("details", { class: "small", dataset: { name: group[0].receiver } },
    h("summary", null, t("alert.earlier", { count: before.length })), h("ul", null, before)));
}

function receipt(each, whole) {
  const tone = each.outcome === "delivered" ? "good" : each.outcome === "retry" ? "warn" : "bad";
  const code = [...new Set([each.status, each.code].filter(Boolean).map(String))].join(" ");
  return h("div", { class: "receipt" },
    h("p", null, whole && h("strong", null, plain(each.channel || each.receiver)), " ", tag(label("outcome", each.outcome), tone), " ",
      h("span", { class: "small quiet" }, time(each.at, "clock"))),
    whole && each.channel && h("p", { class: "small quiet" }, plain(each.receiver)),
    each.outcome !== "delivered" && [
      h("p", { class: "small" }, plain(each.meaning || each.reason), code && ` (${plain(code)})`),
      each.fix && h("p", { class: "small" }, prose(t("words.system.fix", { fix: plain(each.fix) }))),
    ]);
}

function origin(alert, told) {
  const place = subject(told.subject);
  const labels = Object.entries(told.labels ?? {});
  const row = (term, ...content) => [h("dt", null, t(`alert.origin.${term}`)), h("dd", null, content)];
  const rule = h("span", { class: "mono" }, plain(told.rule));
  return panel(t("alert.origin.title"), body(h("dl", { class: "dl small" },
    told.kind === "system" ? row("rule", rule) : row("rule", h("a", { href: link("rules", { rule: told.rule }) }, rule), ` · ${label("type", told.kind)}`),
    row("hash", h("span", { class: "mono" }, plain(told.rule_hash.slice(0, 16)))),
    row("subject", place ? h("a", { href: place }, name(told)) : name(told), " ", h("span", { class: "mono quiet" }, plain(told.subject))),
    told.models.length ? row("models", told.models.map((model) => h("div", { class: "mono" }, plain(model)))) : null,
    labels.length ? row("labels", labels.map(([key, value]) => [tag(`${plain(key)}=${plain(value)}`), " "])) : null,
    notes(told).map(([key, value]) => [h("dt", null, key), h("dd", null, value)]),
    row("alert", h("span", { class: "mono" }, alert.alert)),
    row("others", h("a", { href: link("alerts", { state: "all", subject: told.subject }) }, t("alert.origin.same_subject"))),
    row("step", `${stamp(told.at)} ${zone(new Date(told.at))}`))));
}

/** The rule's own sentences, of those in both languages the reader's. */
function notes(told) {
  const other = lang() === "zh" ? "_en" : "_zh";
  const others = (key) => OURS.has(key) || key.endsWith(other) || key.startsWith("name_");
  return Object.entries(told.annotations ?? {}).filter(([key]) => !others(key))
    .map(([key, value]) => [plain(key.replace(/_(en|zh)$/, "")), h("a", { class: "plain", href: value }, plain(value))]);
}
