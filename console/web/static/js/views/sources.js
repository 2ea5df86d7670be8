/** Sources and health: what Tocsin has found wrong with itself and what to do, engines, stages, and who brings documents. */

import { h } from "../dom.js";
import { duration, join, label, number, percent, plain, time } from "../format.js";
import { lang, rich, t } from "../i18n.js";
import { spark } from "../charts.js";
import { serves } from "../parts/health.js";
import { prose } from "../parts/prose.js";
import { severity, tag } from "../parts/severity.js";
import { empty, into } from "../parts/states.js";
import { table } from "../parts/table.js";
import { documents } from "../routes.js";
import { repeat } from "../soon.js";

const HOURS = 24;
const OFTEN = 15_000;
const TONES = { silent: "warn", failing: "bad", unknown: "" };

export async function show(root, params, page) {
  page.title(t("shell.views.sources"));
  const health = h("div", { class: "view" });
  const sources = h("div", { class: "panel-body flush" });
  root.append(h("div", { class: "head" }, h("div", null, h("h1", null, t("shell.views.sources")), h("p", { class: "quiet" }, t("sources.about")))), health,
    h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, t("sources.title")), h("span", { class: "quiet small" }, t("sources.span", { count: HOURS }))), sources));
  const look = () => into(health, async () => healthPanels(await page.api.get("/health")), 4);
  const list = async () => listed(await page.api.get("/sources", { hours: HOURS }));
  repeat(() => look().catch(() => {}), OFTEN, page.signal);
  await Promise.all([look(), into(sources, list)]);
}

function healthPanels(found) {
  return [wrong(found), h("div", { class: "two" }, engines(found.engines), stages(found.stages)), drift(found.drift ?? []), dead(found.deadletters ?? [])].filter(Boolean);
}

function panel(title, body, flush = true) {
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, title)), h("div", { class: flush ? "panel-body flush" : "panel-body" }, body));
}

function wrong({ alerts, watched, problem, status }) {
  const unseen = watched === false && h("div", { class: "note warning" }, h("p", null, h("strong", null, t("sources.unwatched"))), h("p", null, prose(t("words.system.fix", { fix: t("sources.unwatched_fix") }))));
  const trouble = problem && h("div", { class: "note warning" }, h("p", null, plain(problem)));
  if (unseen || trouble) return [unseen, trouble, alerts.length ? faults(alerts) : null];
  if (alerts.length) return faults(alerts);
  return h("p", { class: "all-well" }, h("span", { class: "dot", "aria-hidden": "true" }), t(status === "ok" ? "sources.well" : "sources.degraded"));
}

function faults(alerts) {
  return panel(t("sources.wrong"), h("ul", { class: "troubles" }, alerts.map((each) => h("li", null,
    h("p", null, severity(each.severity), " ", h("span", { class: "quiet small" }, rich("alert.since", { time: time(each.since, "both") }))),
    h("p", null, h("strong", null, plain(each.says[lang()] ?? each.subject))),
    each.fix[lang()] && h("p", null, prose(t("words.system.fix", { fix: plain(each.fix[lang()]) })))))));
}

/** Calm where all is well, framed where it is not. */
function well(good, text) {
  return good ? h("span", { class: "state good" }, h("span", { class: "dot", "aria-hidden": "true" }), text) : tag(text, "bad");
}

function engines(found) {
  return panel(t("sources.engines"), table(t("sources.engines"), [t("sources.engine"), t("sources.state"), t("sources.address")],
    found.map((each) => [label("engine", each.name), well(serves(each), label("engine_state", each.state)), h("span", { class: "mono small" }, plain(each.address || "–"))]), { cards: true }));
}

function stages(found) {
  const heads = [t("sources.stage"), t("sources.state"), ...["lag", "rate", "rejected", "memory"].map((each) => ({ text: t(`sources.${each}`), num: true })), t("sources.delivered")];
  const or = (value, write) => (value === null || value === undefined ? "–" : write(value));
  return panel(t("sources.stages"), table(t("sources.stages"), heads, found.map((each) => [
    h("span", null, label("stage", each.stage)), well(each.running, t(each.running ? "sources.running" : "sources.stopped")), or(each.lag, number), or(each.per_second, (value) => t("sources.per_second", { count: number(value) })),
    or(each.rejected, number), or(each.memory_mib, (value) => `${number(value)} MiB`), or(each.last_delivery_age, (value) => t("common.ago", { time: duration(value) }))]), { cards: true }));
}

function drift(found) {
  if (!found.length) return null;
  const labels = (each) => Object.values(each.labels ?? {}).map(plain).join(" · ");
  return panel(t("sources.drift"), h("ul", { class: "troubles" }, found.map((each) => h("li", null, h("p", null, h("strong", null, labels(each)), " ", h("span", { class: "quiet small" }, each.since && rich("alert.since", { time: time(each.since, "both") }))),
    h("p", null, t("sources.drifted", { observed: typeof each.observed === "number" ? number(each.observed) : plain(String(each.observed)), unit: plain(each.unit ?? ""), support: number(each.support ?? 0) }))))));
}

function dead(found) {
  if (!found.length) return null;
  return panel(t("sources.dead"), table(t("sources.dead"), [t("sources.reason"), { text: t("sources.count"), num: true }], found.map((each) => [h("span", { class: "mono" }, plain(each.reason)), number(each.count)])));
}

function listed(found) {
  const all = Array.isArray(found) ? found : found.sources;
  if (!all.length) return empty(t("sources.none"), t("sources.none_fix"));
  const counted = all.some((each) => each.rejected !== null);
  const heads = [t("sources.source"), t("sources.state"), { text: t("sources.documents"), num: true }, { text: t("sources.negative"), num: true }, t("sources.when"), t("sources.last"), ...(counted ? [{ text: t("sources.rejected"), num: true }] : []), t("sources.terms")];
  return table(t("sources.title"), heads, all.map((each) => line(each, counted)), { cards: true });
}

function line(each, counted) {
  const bars = each.series.map((point) => ({ value: point.documents }));
  const about = [label("kind", each.kind), ...each.languages.map((language) => label("language", language))];
  return [
    [h("a", { href: documents({ source: each.source }) }, plain(each.source)), h("p", { class: "quiet small" }, join(about))],
    each.state === "ok" ? well(true, label("source_state", "ok")) : tag(label("source_state", each.state), TONES[each.state] ?? ""),
    h("a", { class: "figure-link", href: documents({ source: each.source, from: each.series[0]?.at }) }, number(each.documents)),
    h("a", { class: "figure-link", href: documents({ source: each.source, from: each.series[0]?.at, sentiment: "negative" }) }, number(each.negative), each.documents ? ` (${percent(each.negative / each.documents)})` : ""),
    spark(bars, t("sources.spark", { source: each.source, count: number(each.documents) })),
    h("div", null, each.last ? time(each.last) : "–", each.usual_gap_seconds ? h("p", { class: "quiet small" }, t("sources.usual_gap", { time: duration(each.usual_gap_seconds) })) : null),
    ...(counted ? [each.rejected === null ? "–" : number(each.rejected)] : []),
    h("span", { class: "small quiet" }, [each.retention_days && t("sources.kept", { count: each.retention_days, of: each.retention_days }), each.may_train !== null && t(each.may_train ? "sources.may_train" : "sources.may_not_train")].filter(Boolean).map((text) => h("div", null, text))),
  ];
}
