/** Sources and health: what Tocsin has found wrong with itself and what to do, engines, stages, and who brings documents. */

import { h } from "../dom.js";
import { duration, join, label, number, percent, plain, time } from "../format.js";
import { lang, rich, t } from "../i18n.js";
import { spark } from "../charts.js";
import { drifts } from "../parts/drift.js";
import { orNone } from "../parts/figures.js";
import { serves } from "../parts/health.js";
import { body, flush, heading, panel } from "../parts/layout.js";
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
  const sources = flush();
  root.append(heading(t("shell.views.sources"), { lead: t("sources.about") }), health,
    panel(t("sources.title"), sources, { beside: h("span", { class: "quiet small" }, t("sources.span", { count: HOURS })) }));
  const look = () => into(health, async () => healthPanels(await page.api.get("/health")), 4);
  repeat(() => look().catch(() => {}), OFTEN, page.signal);
  await Promise.all([look(), into(sources, async () => listed(await page.api.get("/sources", { hours: HOURS })))]);
}

function healthPanels(found) {
  const { engines: engine, stages: stage, drift: drifts, deadletters } = found;
  return [wrong(found), h("div", { class: "two" }, engines(engine), stages(stage)), drift(drifts ?? []), dead(deadletters ?? [])];
}

/** What is wrong, and whether anybody looks at all; else that all is well. */
function wrong({ alerts, watched, problem, status }) {
  const notes = [
    watched === false && h("div", { class: "note" }, h("p", null, h("strong", null, t("sources.unwatched"))), h("p", null, remedy(t("sources.unwatched_fix")))),
    problem && h("div", { class: "note" }, h("p", null, plain(problem))),
    alerts.length > 0 && panel(t("sources.wrong"), flush(h("ul", { class: "troubles" }, alerts.map(fault)))),
  ].filter(Boolean);
  if (notes.length) return notes;
  return h("p", { class: "all-well" }, h("span", { class: "dot", "aria-hidden": "true" }), t(status === "ok" ? "sources.well" : "sources.degraded"));
}

function fault({ severity: level, since, says, fix, subject }) {
  return h("li", null,
    h("p", null, severity(level), " ", h("span", { class: "quiet small" }, rich("alert.since", { time: time(since, "both") }))),
    h("p", null, h("strong", null, plain(says[lang()] ?? subject))),
    fix[lang()] && h("p", null, remedy(plain(fix[lang()]))));
}

function remedy(fix) {
  return prose(t("words.system.fix", { fix }));
}

/** Calm where all is well, framed where it is not. */
function well(good, text) {
  return good ? h("span", { class: "state good" }, h("span", { class: "dot", "aria-hidden": "true" }), text) : tag(text, "bad");
}

function engines(found) {
  const rows = found.map((each) => [
    label("engine", each.name), well(serves(each), label("engine_state", each.state)), h("span", { class: "mono small" }, plain(each.address || "–")),
  ]);
  const heads = [t("sources.engine"), t("sources.state"), t("sources.address")];
  return panel(t("sources.engines"), flush(table(t("sources.engines"), heads, rows, { cards: true })));
}

function stages(found) {
  const counts = ["lag", "rate", "rejected", "memory"].map((each) => ({ text: t(`sources.${each}`), num: true }));
  const heads = [t("sources.stage"), t("sources.state"), ...counts, t("sources.delivered")];
  const rows = found.map((each) => [
    each.stage, well(each.running, t(each.running ? "sources.running" : "sources.stopped")),
    orNone(each.lag), orNone(each.per_second, (value) => t("sources.per_second", { count: number(value) })), orNone(each.rejected),
    orNone(each.memory_mib, (value) => `${number(Math.round(value))} MiB`),
    orNone(each.last_delivery_age, (value) => t("common.ago", { time: duration(value) })),
  ]);
  return panel(t("sources.stages"), flush(table(t("sources.stages"), heads, rows, { cards: true })));
}

function drift(found) {
  return found.length > 0 && panel(t("models.drift.title"), body(drifts(found)), { tone: "alarmed" });
}

function dead(found) {
  if (!found.length) return null;
  const heads = [t("sources.reason"), { text: t("sources.count"), num: true }];
  const rows = found.map((each) => [h("span", { class: "mono" }, plain(each.reason)), number(each.count)]);
  return panel(t("sources.dead"), flush(table(t("sources.dead"), heads, rows)));
}

function listed({ sources: all }) {
  if (!all.length) return empty(t("sources.none"), t("sources.none_fix"));
  const counted = all.some((each) => each.rejected !== null);
  const num = (name) => ({ text: t(`sources.${name}`), num: true });
  const heads = [t("sources.source"), t("sources.state"), num("documents"), num("negative"), t("sources.when"), t("sources.last"),
    ...(counted ? [num("rejected")] : []), t("sources.terms")];
  return table(t("sources.title"), heads, all.map((each) => line(each, counted)), { cards: true });
}

function line(each, counted) {
  const about = [label("kind", each.kind), ...each.languages.map((language) => label("language", language))];
  const behind = (more) => documents({ source: each.source, from: each.series[0]?.at, ...more });
  const share = each.documents ? ` (${percent(each.negative / each.documents)})` : "";
  return [
    [h("a", { href: documents({ source: each.source }) }, plain(each.source)), h("p", { class: "quiet small" }, join(about))],
    each.state === "ok" ? well(true, label("source_state", "ok")) : tag(label("source_state", each.state), TONES[each.state] ?? ""),
    h("a", { class: "figure-link", href: behind() }, number(each.documents)),
    h("a", { class: "figure-link", href: behind({ sentiment: "negative" }) }, number(each.negative), share),
    spark(each.series.map((point) => ({ value: point.documents })), t("sources.spark", { source: each.source, count: number(each.documents) })),
    [each.last ? time(each.last) : "–", each.usual_gap_seconds && h("p", { class: "quiet small" }, t("sources.usual_gap", { time: duration(each.usual_gap_seconds) }))],
    ...(counted ? [orNone(each.rejected)] : []),
    h("span", { class: "small quiet" }, terms(each).map((text) => h("div", null, text))),
  ];
}

/** How long its documents are kept, and whether models may learn from them. */
function terms({ retention_days: days, may_train: learns }) {
  return [
    days && t("sources.kept", { count: days, of: days }), learns !== null && t(learns ? "sources.may_train" : "sources.may_not_train"),
  ].filter(Boolean);
}
