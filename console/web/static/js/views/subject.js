/** One company, topic or source over time: how much was said, how much of it is negative and how sure that is, of what and where. */

import { line, shares, stack } from "../charts.js";
import { append, h, painted, replace } from "../dom.js";
import { label, number, percent, plain, points, subjectName, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { card } from "../parts/document.js";
import { bars, figure, interval, orNone } from "../parts/figures.js";
import { body, panel } from "../parts/layout.js";
import { origins, severity, state, tag } from "../parts/severity.js";
import { hoursOf, spanSwitch, spanWords, WEEK } from "../parts/spans.js";
import { empty, into } from "../parts/states.js";
import { stories } from "../parts/stories.js";
import * as routes from "../routes.js";

const ALERTS = 20;
const DOCUMENTS = 5;
const STORIES = 8; // shown at once

export async function show(root, params, page) {
  const asked = hoursOf(params.hours);
  const found = await page.api.get(`/subjects/${encodeURIComponent(params.id)}`, { ...(params.from ? { from: params.from, to: params.to } : { hours: asked }), stories: false });
  const hours = params.from ? (new Date(found.to) - new Date(found.from)) / 3600e3 : asked;
  const name = plain(subjectName(found.subject, found.name));
  page.title(name);
  const behind = (more = {}) => routes.documents({ subject: found.subject, from: found.from, to: found.to, ...more });
  const of = { found, hours, behind };
  replace(root, header(found, name, hours));
  if (found.partial) append(root, h("p", { class: "note", role: "status" }, t("subject.partial")));
  if (!found.totals.documents) {
    append(root, h("section", { class: "panel" }, empty(t("subject.no_data"), t("subject.no_data_more", { span: spanWords(hours) }))));
    if (!found.previous.documents) return;
  }
  append(root, figures(of));
  await painted(); // the figures first: charts take as long again
  page.signal.throwIfAborted();
  const [told, alerts] = [body(), body()];
  const documents = h("div", { class: "panel-body documents" });
  if (found.totals.documents) append(root, h("div", { class: "charts" }, charts(of, page)), groups(of));
  append(root, h("div", { class: "columns" }, panel(t("subject.stories.title"), told), panel(t("subject.alerts.title"), alerts)));
  const all = t("subject.documents.all", { count: number(found.totals.documents), of: found.totals.documents });
  if (found.totals.documents) append(root, panel(t("subject.documents.title"), documents, { beside: h("a", { href: behind() }, all) }));
  await Promise.all([into(told, () => storiesOf(of, page)), into(alerts, () => alertsOf(of, page)), found.totals.documents && into(documents, () => newest(of, page))]);
}

function header(found, name, hours) {
  const address = (asked) => routes.subject(found.subject, { hours: asked === WEEK ? "" : asked });
  return h("header", { class: "head" },
    h("div", null, h("p", { class: "crumbs" }, h("a", { href: routes.link("subjects") }, t("subject.title"))),
      h("h1", null, name),
      h("p", { class: "facts under" }, tag(t(`subject.one.${found.kind}`)), h("span", { class: "mono" }, found.subject),
        h("span", null, rich("subject.period", { from: time(found.from, "stamp"), to: time(found.to, "stamp") })))),
    spanSwitch(hours, address));
}

function figures({ found, hours, behind }) {
  const { totals, previous } = found;
  const before = spanWords(hours);
  const link = (value, more) => h("a", { class: "figure-link", href: behind(more) }, number(value));
  return h("dl", { class: "figures panel" },
    figure(t("subject.figure.documents"), link(totals.documents), amountBefore(found, before)),
    figure(t("subject.figure.share"), orNone(totals.share, () => h("a", { class: "figure-link", href: behind({ sentiment: "negative" }) }, percent(totals.share))),
      interval(totals), totals.share !== null && t("subject.figure.between", { low: percent(totals.low), high: percent(totals.high) }), change(totals, previous, before)),
    figure(t("subject.figure.negative"), link(totals.negative, { sentiment: "negative" }), t("subject.figure.judged", { count: number(totals.judged) })),
    figure(t("subject.figure.open"),
      [link(totals.abstained, { sentiment: "abstained" }), h("span", { class: "quiet" }, " / "), link(totals.unjudged, { sentiment: "unjudged" })],
      t("subject.figure.open_more")));
}

/** How many there were in the span of the same length just before. */
function amountBefore({ subject, from, to, previous }, before) {
  const began = new Date(2 * new Date(from) - new Date(to)).toISOString();
  const words = t("subject.against.documents", { count: number(previous.documents), of: previous.documents, span: before });
  return h("a", { class: "plain", href: routes.documents({ subject, from: began, to: from }) }, words);
}

/** "+12 points against the 7 days before", and whether the intervals of both overlap. */
function change(totals, previous, before) {
  if (totals.share === null) return null;
  if (previous.share === null) return t("subject.against.nothing", { span: before });
  const apart = totals.low > previous.high || totals.high < previous.low;
  const told = { points: points(totals.share - previous.share), span: before, share: percent(previous.share) };
  return h("span", { class: apart ? "strong" : "" }, t(apart ? "subject.against.apart" : "subject.against.overlap", told));
}

function charts({ found }, page) {
  const judged = found.series.map((each) => (each.share === null ? { ...each, low: null, high: null } : each));
  const pick = (from, to) => page.go("documents", { subject: found.subject, from, to });
  return [
    panel(t("subject.chart.volume"), body(stack({ title: t("subject.chart.volume"), points: found.series, seconds: found.bucket_seconds, pick })),
      { beside: h("span", { class: "hint" }, t("subject.chart.drag")) }),
    panel(t("subject.chart.share"), body(line({
      title: t("subject.chart.share"), points: judged, write: shares, pick,
      lines: [{ key: "share", name: t("subject.chart.line"), low: "low", high: "high", stroke: "--negative" }],
    }))),
  ];
}

function groups({ found, behind }) {
  const group = (name, rows) => panel(t(`subject.group.${name}`), body(bars(rows, { empty: t("subject.group.none") })));
  const labelled = (kind, field) => (each) => {
    const value = each.label ?? each.lang;
    return { ...each, words: label(kind, value), href: behind({ [field]: value }) };
  };
  const source = (each) => ({ ...each, words: plain(each.source), href: behind({ source: each.source }), note: each.last && time(each.last) });
  return h("div", { class: "groups" },
    group("topics", found.topics.map(labelled("topic", "topic"))),
    group("risks", found.risks.filter((each) => each.label !== "none").map(labelled("risk", "risk"))),
    group("sources", found.sources.map(source)),
    group("languages", found.languages.map(labelled("language", "lang"))));
}

async function storiesOf({ found }, page) {
  const made = await page.api.get("/stories", { subject: found.subject, from: found.from, to: found.to });
  const rows = made.stories.map((each) => ({ ...each, title: [[each.headline, false]] }));
  const rest = rows.slice(STORIES);
  return [
    rows.length ? stories(rows.slice(0, STORIES)) : h("p", { class: "quiet" }, t("subject.stories.none")),
    rest.length > 0 && h("details", { class: "stories-more" }, h("summary", null, t("subject.more", { count: rest.length })), stories(rest)),
    made.stories_cut && h("p", { class: "hint" }, t("subject.stories.cut", { count: number(made.stories_of) })),
  ];
}

async function alertsOf({ found, hours }, page) {
  const asked = { subject: found.subject, state: "all", since: found.from, until: found.to, limit: ALERTS };
  const { alerts, next } = await page.api.get("/alerts", asked);
  if (!alerts.length) return h("p", { class: "quiet" }, t("subject.alerts.none", { span: spanWords(hours) }));
  return [h("ul", { class: "lines" }, alerts.map((each) => h("li", { dataset: { item: "" } },
    h("div", { class: "alert-line" }, severity(each.severity), origins(each), state(each.state)),
    h("a", { href: routes.link("alerts", {}, each.alert) }, h("span", { class: "mono" }, each.rule)),
    h("p", { class: "quiet small" }, rich("subject.alerts.since", { time: time(each.since, "both") }))))),
  next && h("p", { class: "hint" }, h("a", { href: routes.link("alerts", { state: "all", subject: found.subject }) }, t("subject.alerts.more")))];
}

async function newest({ found }, page) {
  const { documents } = await page.api.get("/documents", { subject: found.subject, from: found.from, to: found.to, limit: DOCUMENTS });
  return documents.map((each) => card(each, 3));
}
