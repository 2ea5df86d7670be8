/** Two results against each other: by rule what differs, and what of it is more than chance. */

import { append, h } from "../dom.js";
import { duration, number, plain, subjectName, time } from "../format.js";
import { t } from "../i18n.js";
import * as routes from "../routes.js";
import { orNone } from "./figures.js";
import { rate } from "./measures.js";
import { episode } from "./replay_result.js";
import { tag } from "./severity.js";
import { table } from "./table.js";

const SHOWN = 10;
const WRITE = { recall: twoDigits, precision: twoDigits, false_per_subject_day: rate, delay_median_s: duration, controls_fired: number };
const TONES = { better: "good", worse: "bad" };

function twoDigits(value) {
  return value.toFixed(2);
}

export async function showComparison(root, { a, b }, page) {
  page.title(t("replay.compare.title"));
  const found = await page.api.get("/replays/compare", { a, b });
  append(root,
    h("header", { class: "head" }, h("div", null, h("p", { class: "crumbs" }, h("a", { href: routes.link("replay") }, t("replay.title"))), h("h1", null, t("replay.compare.title")),
      h("p", { class: "quiet" }, t("replay.compare.sides", { before: side(found, "a", a), after: side(found, "b", b) })))),
    h("p", null, h("a", { class: "button", href: routes.link("replay", { a: b, b: a }) }, t("replay.compare.swap"))),
    caveats(found), found.pairs.map(pair), only(found));
}

function side(found, which, id) {
  return found[which]?.name ?? found[which === "a" ? "before" : "after"] ?? id;
}

function caveats({ caveats: sentences = [] }) {
  return sentences.length > 0 && h("div", { class: "note" }, h("ul", { class: "dots" }, sentences.map((each) => h("li", null, each))));
}

function pair(of) {
  const name = of.before === "*" ? t("replay.compare.all") : of.before === of.after ? of.before : `${of.before} → ${of.after}`;
  const changed = of.before_hash && of.after_hash && of.before_hash !== of.after_hash;
  const rows = of.changes.map((each) => [t(`replay.figure.${each.figure}`), orNone(each.before, WRITE[each.figure]), orNone(each.after, WRITE[each.figure]), verdict(each)]);
  const heads = [t("replay.compare.figure"), { text: t("rules.whatif.before"), num: true }, { text: t("rules.whatif.after"), num: true }, t("replay.compare.verdict")];
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", { class: of.before === "*" ? "" : "mono" }, name), changed && tag(t("rules.changed.changed"), "warn")),
    h("div", { class: "panel-body flush" }, table(name, heads, rows)),
    h("div", { class: "panel-body" },
      h("p", null, t("replay.compare.alerts", { same: number(of.same), gained: number(size(of.gained)), lost: number(size(of.lost)), moved: number(size(of.moved)) })),
      h("div", { class: "pair" }, events("events_gained", of.events_gained), events("events_lost", of.events_lost), alerts("gained", of.gained), alerts("lost", of.lost))));
}

function size(of) {
  return Array.isArray(of) ? of.length : (of ?? 0);
}

function verdict({ verdict: said, p, n, of }) {
  const looked = of ?? n;
  return h("span", null, tag(t(`replay.verdict.${said}`), TONES[said] ?? ""), " ", h("span", { class: "quiet small" }, p !== null && p !== undefined ? t("replay.compare.p", { p: p < 0.001 ? "<0.001" : p.toFixed(3), n: orNone(looked) }) : ""));
}

function events(name, found) {
  if (!size(found)) return null;
  return h("section", null, h("h3", null, t(`replay.compare.${name}`, { count: number(found.length), of: found.length })),
    h("ul", { class: "lines" }, found.slice(0, SHOWN).map((each) => h("li", null, h("a", { href: routes.documents({ subject: each.subject, from: each.begin, to: each.end }) }, subjectName(each.subject, each.name)), " ", time(each.onset, "stamp"), h("p", { class: "small quiet" }, plain(each.note))))));
}

function alerts(name, found) {
  if (!Array.isArray(found) || !found.length) return null;
  return h("section", null, h("h3", null, t(`rules.whatif.${name}`, { count: number(found.length), of: found.length })), h("ul", { class: "lines" }, found.slice(0, SHOWN).map(episode)),
    found.length > SHOWN && h("p", { class: "hint" }, t("replay.first", { shown: SHOWN, count: number(found.length) })));
}

function only({ only_before: before = [], only_after: after = [] }) {
  const line = (key, names) => names.length > 0 && h("p", { class: "hint" }, t(key, { rules: names.join(t("words.comma")) }));
  return [line("replay.compare.only_before", before), line("replay.compare.only_after", after)];
}
