/** One document: the whole text, what was made of it and how surely, what is like it, and which alerts it is evidence of. */

import { h, replace } from "../dom.js";
import { label, number, percent, plain, subjectName, time } from "../format.js";
import { t } from "../i18n.js";
import { maskedWords, original, reason, sentimentWords, titleOf } from "../parts/document.js";
import { tones } from "../parts/figures.js";
import { correction } from "../parts/correction.js";
import { body, panel } from "../parts/layout.js";
import { origins, severity, state, tag } from "../parts/severity.js";
import { empty, into } from "../parts/states.js";
import * as routes from "../routes.js";

const COMPANIES = 3; // whose alerts are looked through
const BEFORE = 24 * 3600e3;
const AFTER = 48 * 3600e3; // an alert may fire long after a document that its window still holds

export async function show(root, params, page) {
  const found = await page.api.get(`/documents/${encodeURIComponent(params.id)}`);
  page.title(found.title.map(([text]) => plain(text)).join("") || t("documents.one"));
  const similar = body();
  const alerts = body();
  replace(root,
    header(found),
    h("div", { class: "columns" },
      h("div", { class: "view" }, text(found), panel(t("documents.similar.title"), similar)),
      h("div", { class: "view" }, panel(t("documents.judgement"), judgement(found, page)), panel(t("documents.companies"), companies(found)),
        panel(t("documents.alerts.title"), alerts), panel(t("documents.origin"), origin(found)))));
  await Promise.all([
    into(similar, () => similarTo(found, page)),
    into(alerts, () => alertsOf(found, page)),
  ]);
}

function header(found) {
  return h("header", { class: "head" }, h("div", { class: "document-head" },
    h("p", { class: "crumbs" }, h("a", { href: routes.documents({}) }, t("documents.title"))),
    h("h1", { lang: found.lang }, titleOf(found)),
    h("p", { class: "facts" }, origins(found), h("a", { href: routes.documents({ source: found.source }) }, plain(found.source)),
      h("span", null, label("kind", found.kind)), h("span", null, label("language", found.lang)), time(found.collected_at, "both"),
      found.stale !== "fresh" && tag(t(`documents.stale.${found.stale}`), "warn"), original(found.url))));
}

/** The text, by paragraphs; why there is none, where there is none. */
function text(found) {
  const paragraphs = (found.text ?? "").split(/\n+/).map((each) => plain(each).trim()).filter(Boolean);
  const told = paragraphs.length ? paragraphs.map((each) => h("p", null, each)) : h("p", { class: "quiet" }, t("documents.no_text"));
  return h("section", { class: "panel", "aria-label": t("documents.text") }, h("div", { class: "panel-body document-text", lang: found.lang }, told,
    found.truncated && h("p", { class: "quiet" }, t("documents.truncated"))));
}

function judgement(found, page) {
  const { sentiment, topic, risk, model } = found;
  const why = found.unjudged ? t("documents.unjudged_why", { why: found.unjudged }) : t("documents.unjudged");
  const rows = sentiment ? [
    fact(t("documents.head.sentiment"), h("div", { class: "judged" }, sentimentWords(sentiment), tones(sentiment)), h("div", { class: "quiet small" }, threeTones(sentiment))),
    topic && fact(t("documents.head.topic"), h("a", { href: routes.documents({ topic: topic.label }) }, label("topic", topic.label)), sure(topic)),
    risk && fact(t("documents.head.risk"), h("a", { href: routes.documents({ risk: risk.label }) }, label("risk", risk.label)), sure(risk)),
    model && fact(t("documents.model"), h("a", { class: "mono", href: routes.link("models") }, `${model.name} ${model.version}`)),
  ] : [fact(t("documents.head.sentiment"), tag(why, "warn"))];
  return h("div", { class: "panel-body" }, h("dl", { class: "dl" }, rows), correction(found, page));
}

function fact(name, ...values) {
  return [h("dt", null, name), h("dd", null, values.filter(Boolean).map((each, at) => [at > 0 && " ", each]))];
}

function sure({ confidence }) {
  return h("span", { class: "quiet" }, percent(confidence));
}

function threeTones(sentiment) {
  return ["negative", "neutral", "positive"].map((tone) => `${label("sentiment", tone)} ${percent(sentiment[tone])}`).join(" · ");
}

function companies(found) {
  if (!found.entities.length) return h("p", { class: "panel-body quiet" }, t("documents.no_companies"));
  return h("ul", { class: "panel-body company-list" }, found.entities.map((each) => h("li", null,
    h("div", { class: "company-line" }, h("a", { href: routes.subject(`entity:${each.id}`) }, plain(subjectName(`entity:${each.id}`, each.name))),
      h("span", { class: "n", title: t("documents.relevance") }, each.relevance.toFixed(2))),
    h("p", { class: "quiet small" }, reason(each)),
    each.sentiment && h("p", { class: "judged small" }, t("documents.towards"), " ", tones(each.sentiment), h("span", null, threeTones(each.sentiment))))));
}

function origin(found) {
  const author = found.author ? h("span", { class: "mono", title: t("documents.author_about") }, found.author) : t("documents.no_author");
  const published = found.published_at
    ? [time(found.published_at, "stamp"), " ", h("span", { class: "quiet" }, t(`documents.how.${found.published_how}`))] : t("documents.unpublished");
  return h("dl", { class: "panel-body dl" },
    fact(t("documents.facet.source"), h("a", { href: routes.documents({ source: found.source }) }, plain(found.source))),
    fact(t("documents.author"), author),
    fact(t("documents.published"), published),
    fact(t("documents.collected"), time(found.collected_at, "stamp")),
    fact(t("documents.age"), t(`documents.stale.${found.stale}`)),
    fact(t("documents.masking"), maskedWords(found.masked) || t("documents.nothing_masked")),
    found.retention_days && fact(t("documents.retention"), t("documents.days", { count: number(found.retention_days), of: found.retention_days })),
    fact(t("documents.id"), h("span", { class: "mono" }, found.id)),
    found.url && fact(t("documents.address"), h("a", { href: found.url }, plain(found.url))));
}

async function similarTo(found, page) {
  const { documents } = await page.api.get(`/documents/${encodeURIComponent(found.id)}/similar`, { limit: 8 });
  if (!documents.length) return empty(t("documents.similar.none"));
  return h("ul", { class: "lines" }, documents.map((each) => h("li", { dataset: { item: each.id } },
    h("a", { href: routes.link("documents", {}, each.id) }, titleOf(each)),
    h("p", { class: "facts" }, each.sentiment && sentimentWords(each.sentiment), h("span", null, plain(each.source)), time(each.collected_at)))));
}

/** The alerts about its companies and its topic that rang around its time: first those that name it as evidence. */
async function alertsOf(found, page) {
  const named = found.entities.slice(0, COMPANIES).map((each) => `entity:${each.id}`);
  const subjects = [...named, found.topic && `topic:${found.topic.label}`].filter(Boolean);
  const at = new Date(found.collected_at).getTime();
  const span = { since: new Date(at - BEFORE).toISOString(), until: new Date(at + AFTER).toISOString() };
  const pages = await Promise.all(subjects.map((subject) => page.api.get("/alerts", { subject, state: "all", limit: 50, ...span })));
  const all = [...new Map(pages.flatMap((each) => each.alerts).map((each) => [each.alert, each])).values()];
  const evidence = all.filter((alert) => alert.evidence.some((each) => each.document === found.id));
  const others = all.filter((alert) => !evidence.includes(alert));
  if (!all.length) return h("p", { class: "quiet" }, t("documents.alerts.none"));
  return [
    evidence.length ? h("p", null, t("documents.alerts.evidence", { count: evidence.length })) : h("p", { class: "quiet" }, t("documents.alerts.no_evidence")),
    lines(evidence),
    others.length > 0 && h("details", { class: "others", open: !evidence.length },
      h("summary", null, t("documents.alerts.others", { count: others.length })), lines(others)),
  ];
}

function lines(alerts) {
  return alerts.length > 0 && h("ul", { class: "lines" }, alerts.map((each) => h("li", { dataset: { item: each.alert } },
    h("div", { class: "alert-line" }, severity(each.severity), origins(each),
      h("a", { href: routes.link("alerts", {}, each.alert) }, subjectName(each.subject, each.name)), state(each.state)),
    h("p", { class: "facts" }, h("span", { class: "mono" }, each.rule), time(each.at)))));
}
