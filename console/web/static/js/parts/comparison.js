/** Two results against each other: by rule what differs, and what of it is more than chance. */

import { h, replace } from "../dom.js";
import { duration, number, time } from "../format.js";
import { rich, t } from "../i18n.js";
import * as routes from "../routes.js";
import { orNone } from "./figures.js";
import { body, flush, heading, panel } from "./layout.js";
import { rate } from "./measures.js";
import { tag } from "./severity.js";
import { table } from "./table.js";
import { alertLine, movedLine } from "./whatif.js";

const SHOWN = 10;
const ALL = "*"; // the rules of a set, taken as one
const WRITE = { recall: twoDigits, precision: twoDigits, false_per_subject_day: rate, delay_median_s: duration, controls_fired: number };
const TONES = { better: "good", worse: "bad" };

function twoDigits(value) {
  return value.toFixed(2);
}

/** @param {HTMLElement} root @param {{a: string, b: string}} params ids: before, after */
export async function showComparison(root, { a, b }, page) {
  page.title(t("replay.compare.title"));
  const [found, all] = await Promise.all([page.api.get("/replays/compare", { a, b }), page.api.get("/replays")]);
  const side = (id) => all.results.find((each) => each.id === id);
  replace(root,
    heading(t("replay.compare.title"), {
      crumbs: h("a", { href: routes.link("replay") }, t("replay.title")),
      beside: h("a", { class: "button", href: routes.link("replay", { a: b, b: a }) }, t("replay.compare.swap")),
    }),
    h("dl", { class: "dl panel panel-body" }, told("before", a, side(a)), told("after", b, side(b))),
    caveats(found), found.pairs.map(pair), only(found));
}

function told(which, id, of) {
  return [h("dt", null, t(`rules.whatif.${which}`)), h("dd", null, h("a", { href: routes.link("replay", {}, id) }, of?.name || id), " ",
    of && h("span", { class: "quiet small" }, rich("replay.made", { time: time(of.at, "both") }), " ", h("span", { class: "mono" }, of.code)))];
}

function caveats({ caveats_said: sentences }) {
  return sentences.length > 0 && h("div", { class: "note" }, h("ul", { class: "dots" }, sentences.map((each) => h("li", null, each))));
}

function pair(of) {
  const name = of.rule === ALL ? t("replay.compare.all") : of.rule;
  const written = (each, side) => orNone(each[side], WRITE[each.figure]);
  const rows = of.changes.map((each) => [t(`replay.figure.${each.figure}`), written(each, "before"), written(each, "after"), verdict(each)]);
  const numbers = ["before", "after"].map((side) => ({ text: t(`rules.whatif.${side}`), num: true }));
  const heads = [t("replay.compare.figure"), ...numbers, t("replay.compare.verdict")];
  const tally = { same: number(of.same), gained: number(of.gained_count), lost: number(of.lost_count), moved: number(of.moved_count) };
  const text = tag(t(of.same_text ? "replay.compare.same_text" : "rules.changed.changed"), of.same_text ? "" : "warn");
  return panel(of.rule === ALL ? name : h("span", { class: "mono" }, name), [flush(table(name, heads, rows)), body(
    h("p", null, t("replay.compare.alerts", tally)),
    h("div", { class: "pair" }, alerts("gained", of.gained, of.gained_count, alertLine), alerts("lost", of.lost, of.lost_count, alertLine),
      alerts("moved", of.moved, of.moved_count, movedLine)))], { beside: of.rule !== ALL && text });
}

/** What of the difference is more than chance, and what the test looked at. */
function verdict({ before, after, p, n, better, more_than_chance: sure }) {
  const said = before === null || after === null ? "unknown" : before === after ? "same" : !sure ? "chance" : better ? "better" : "worse";
  const test = p !== null && t("replay.compare.p", { p: p < 0.001 ? "<0.001" : p.toFixed(3), n: number(n) });
  return [tag(t(`replay.verdict.${said}`), TONES[said] ?? ""), test && h("span", { class: "quiet small nowrap" }, " ", test)];
}

function alerts(name, found, count, line) {
  if (!count) return null;
  return h("section", null, h("h3", null, t(`rules.whatif.${name}`, { count: number(count), of: count })),
    h("ul", { class: "lines" }, found.slice(0, SHOWN).map((each) => line(each))),
    count > SHOWN && h("p", { class: "hint" }, t("replay.first", { shown: SHOWN, count: number(count) })));
}

function only({ only_a: before, only_b: after }) {
  const line = (key, names) => names.length > 0 && h("p", { class: "hint" }, t(key, { rules: names.join(t("words.comma")) }));
  return [line("replay.compare.only_before", before), line("replay.compare.only_after", after)];
}
