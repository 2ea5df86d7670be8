/** One result of a replay: what it read, how good each rule was, over which settings, what it found, missed and rang for nothing. */

import { raw } from "../api.js";
import { append, h, isAddress, replace } from "../dom.js";
import { duration, label, number, percent, plain, subjectName, time } from "../format.js";
import { rich, t } from "../i18n.js";
import * as routes from "../routes.js";
import { curves } from "./curve.js";
import { download } from "./download.js";
import { orNone } from "./figures.js";
import { body, flush, heading, panel } from "./layout.js";
import { rate, share } from "./measures.js";
import { severity, tag } from "./severity.js";
import { fix, message } from "./states.js";
import { table } from "./table.js";
import { toast } from "./toast.js";

const AROUND = 12 * 3600e3; // ms to both sides of an alert in which its documents lie
const WORST = 5; // misses and false alarms of a rule

export async function showResult(root, params, page) {
  const result = await page.api.get(`/replays/${encodeURIComponent(params.id)}`);
  const name = result.title || result.sources.join(t("words.comma")) || t("replay.unnamed");
  page.title(name);
  const rules = Object.entries(result.rules);
  const asked = rules.some(([each]) => each === params.rule) ? params.rule : "";
  replace(root, header(name, result, params.id, page), caveats(result), figures(rules));
  const curve = curves(result);
  if (curve) append(root, panel(t("replay.curve.title"), body(curve)));
  if (result.events.length) append(root, panel(t("replay.events"), flush(events(result, rules))));
  const found = rules.map(([each, of]) => findings(each, of, result, each === asked));
  append(root, h("section", { class: "findings" }, h("h2", null, t("replay.findings")), found));
  if (asked) root.querySelector(`[data-rule="${CSS.escape(asked)}"]`)?.scrollIntoView();
}

/** The whole report as one file; it needs the token, so no plain link leads to it. */
async function report(id, page) {
  try {
    const answer = await raw(`/api/v1/replays/${encodeURIComponent(id)}/report`, page.signal);
    download(`tocsin-replay-${id}.html`, await answer.blob());
  } catch (error) {
    if (error.name !== "AbortError") toast([message(error), t("words.gap"), fix(error)], "bad");
  }
}

function header(name, result, id, page) {
  const fact = (key, value) => [h("dt", null, t(`replay.fact.${key}`)), h("dd", null, value)];
  const models = Object.entries(result.models).map(([model, count]) => h("div", null,
    h("span", { class: "mono" }, model), " ", h("span", { class: "quiet" }, t("replay.judged", { count: number(count), of: count }))));
  return [heading([name, " ", h("span", { class: "origin replay" }, t("common.replay"))], {
    crumbs: h("a", { href: routes.link("replay") }, t("replay.title")),
    beside: h("button", { type: "button", onclick: () => report(id, page) }, t("replay.report")),
  }), h("section", { class: "panel" }, h("dl", { class: "dl panel-body" },
    fact("period", rich("words.period", { first: time(result.begin, "stamp"), last: time(result.end, "stamp") })),
    fact("read", t("replay.read", { mentions: number(result.mentions), subjects: number(result.subjects), days: number(Math.round(result.subject_days)) })),
    fact("sources", h("span", { class: "mono" }, result.sources.join(t("words.comma")))),
    fact("models", models),
    fact("made", [time(result.made_at, "both"), " ", h("span", { class: "mono quiet" }, result.code)])))];
}

/** What the data cannot show. */
function caveats({ said: { caveats: sentences, labelled } }) {
  const list = h("ul", { class: "dots" }, sentences.map((each) => h("li", null, each)));
  return panel(t("replay.caveats"), body(labelled && h("p", null, labelled), list), { tone: "caveats" });
}

function figures(rules) {
  const numbers = ["found", "alerts", "false", "delay", "controls"].map((name) => ({ text: t(`replay.column.${name}`), num: true }));
  const heads = [t("replay.column.rule"), t("replay.column.precision"), t("replay.column.recall"), ...numbers];
  const part = (some, all) => (all ? t("replay.of", { part: number(some), whole: number(all) }) : "–");
  const rows = rules.map(([name, of]) => [
    h("div", null, h("a", { class: "mono", href: "#findings", onclick: (event) => jump(event, name) }, name), h("div", { class: "quiet small" }, label("type", of.type))),
    share(of.precision, of.precision_interval), share(of.recall, of.recall_interval), part(of.found, of.events),
    h("span", { title: t("replay.alerts_title") }, `${number(of.true)} / ${number(of.repeats)} / ${number(of.false)}`),
    orNone(of.false_per_subject_day, rate), delays(of), part(of.controls_fired, of.controls)]);
  return panel(t("replay.rules"), [flush(table(t("replay.rules"), heads, rows, { cards: true })), h("p", { class: "hint panel-foot" }, t("replay.rules_about"))]);
}

function jump(event, name) {
  event.preventDefault();
  const section = document.querySelector(`[data-rule="${CSS.escape(name)}"]`);
  section.open = true;
  section.scrollIntoView();
  section.querySelector("summary").focus();
}

function delays(of) {
  if (of.delay_median_s === null) return "–";
  return h("div", null, duration(of.delay_median_s), of.delay_p90_s !== null && h("div", { class: "quiet small" }, t("replay.p90", { time: duration(of.delay_p90_s) })));
}

/** Each event of the truth, and what each rule made of it. */
function events(result, rules) {
  const named = rules.map(([name]) => ({ text: h("span", { class: "rule-head" }, name) }));
  const heads = [t("replay.event"), t("replay.kind.title"), { text: t("replay.documents"), num: true }, ...named];
  const rows = result.events.map((event, at) => [
    h("div", null, h("strong", null, subjectName(event.subject, event.name)),
      h("div", { class: "small" }, event.day_only ? event.onset.slice(0, 10) : time(event.onset, "stamp")), h("div", { class: "quiet small" }, plain(event.note))),
    tag(t(`replay.kind.${event.kind}`), event.kind === "control" ? "" : "warn"),
    h("a", { href: routes.documents({ subject: event.subject, from: event.begin, to: event.end }) }, number(event.documents)),
    ...rules.map(([, of]) => outcome(of.outcomes.find((each) => each.event === at), event))]);
  return table(t("replay.events"), heads, rows);
}

function outcome(of, event) {
  if (!of) return h("span", { class: "quiet" }, "–");
  if (event.kind === "control") return of.found ? h("span", { class: "bad" }, t("replay.rang")) : h("span", { class: "quiet" }, t("replay.quiet"));
  if (!of.found) return h("span", { class: "bad" }, t("replay.missed"));
  const delay = of.delay_s ?? of.public_delay_s;
  return h("span", { class: "good" }, t("replay.found"), delay !== null && ` ${duration(delay)}`);
}

/** The worst of a rule: events it missed (those told most), and what it rang for nothing (furthest beyond its bound). */
function findings(name, of, result, open) {
  const unfound = of.outcomes.filter((each) => !each.found).map((each) => result.events[each.event]);
  const missed = unfound.filter((event) => event.kind === "negative").sort((a, b) => b.documents - a.documents);
  const wrong = of.episodes.filter((each) => each.judged === "false" || each.judged === "control").sort((a, b) => b.beyond - a.beyond);
  const tally = t("replay.finding", { missed: number(missed.length), wrong: number(wrong.length) });
  return h("details", { class: "panel", open, dataset: { rule: name } },
    h("summary", { class: "panel-head" }, h("span", { class: "mono" }, name), h("span", { class: "quiet" }, tally)),
    h("div", { class: "panel-body pair" }, worst("replay.misses", missed, miss, t("replay.no_miss")), worst("replay.wrongs", wrong, episode, t("replay.no_wrong"))));
}

/** The first few of a list, and how many there are. */
function worst(title, all, line, none) {
  return h("section", null, h("h3", null, t(title, { count: number(all.length) })),
    all.length ? h("ul", { class: "lines" }, all.slice(0, WORST).map(line)) : h("p", { class: "quiet" }, none),
    all.length > WORST && h("p", { class: "hint" }, t("replay.first", { shown: WORST, count: number(all.length) })));
}

function miss(event) {
  const href = routes.documents({ subject: event.subject, from: event.begin, to: event.end });
  return h("li", { dataset: { item: "" } }, h("p", null, h("a", { href }, subjectName(event.subject, event.name)), " ", time(event.onset, "stamp")),
    h("p", { class: "small" }, plain(event.note)),
    h("p", { class: "facts" }, h("span", null, t("replay.event_documents", { count: number(event.documents), of: event.documents }))), told(event.told));
}

/** An alert as a line with what it was about. @param {any} each an Episode */
function episode(each) {
  const day = new Date(each.at).getTime();
  const href = routes.documents({ subject: each.subject, from: new Date(day - AROUND).toISOString(), to: new Date(day + AROUND).toISOString() });
  return h("li", { dataset: { item: "" } },
    h("p", { class: "alert-line" }, severity(each.severity), h("a", { href }, subjectName(each.subject, each.name)), time(each.at, "stamp"),
      tag(t(`replay.as.${each.judged}`), { true: "good", false: "bad", control: "bad" }[each.judged] ?? "")),
    h("p", { class: "facts" }, h("span", null, t("replay.beyond", { times: each.beyond.toFixed(1) }))), told(each.documents));
}

function told(documents) {
  return documents.slice(0, 2).map((each) => h("p", { class: "small" }, headline(each),
    " ", h("span", { class: "quiet" }, plain(each.source), each.negative !== null && ` · ${t("words.story.negative", { share: percent(each.negative) })}`)));
}

function headline({ url, document, headline: words }) {
  const href = isAddress(url) ? url : document && routes.link("documents", {}, document);
  return href ? h("a", { href }, plain(words)) : plain(words);
}
