/** Replay: the past through the engine. Results that were kept, one of them in full, two of them against each other, named runs. */

import { h, replace } from "../dom.js";
import { duration, number, stamp, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { command } from "../parts/command.js";
import { showComparison } from "../parts/comparison.js";
import { orNone } from "../parts/figures.js";
import { flush, heading, panel } from "../parts/layout.js";
import { rate, share } from "../parts/measures.js";
import { prose } from "../parts/prose.js";
import { showResult } from "../parts/replay_result.js";
import { empty } from "../parts/states.js";
import { table } from "../parts/table.js";
import * as routes from "../routes.js";

const EXAMPLE = "tocsin replay archive.jsonl --rules desk.yaml --truth truth.yaml";
const NAMED = "tocsin replay kafka:mentions --truth truth.yaml --run march";

export async function show(root, params, page) {
  if (params.id) return showResult(root, params, page);
  if (params.a && params.b) return showComparison(root, params, page);
  page.title(t("replay.title"));
  const found = await page.api.get("/replays");
  replace(root,
    heading(t("replay.title"), { lead: t("replay.lead") }),
    found.results.length ? results(found.results) : h("section", { class: "panel" }, empty(t("replay.none"), t("replay.none_more"))),
    runs(found.runs), how());
  return null;
}

/** The results, of which two may be chosen to be compared. */
function results(found) {
  const chosen = [];
  const go = h("a", { class: "button primary", "aria-disabled": "true" }, t("replay.compare.button"));
  const choose = (id, on) => {
    if (on) chosen.push(id);
    else chosen.splice(chosen.indexOf(id), 1);
    if (chosen.length === 2) go.setAttribute("href", routes.link("replay", { a: chosen[0], b: chosen[1] }));
    else go.removeAttribute("href");
    go.setAttribute("aria-disabled", String(chosen.length !== 2));
  };
  const several = found.length > 1;
  const box = ({ id }) => h("label", { class: "choose" },
    h("input", { type: "checkbox", onchange: (event) => choose(id, event.target.checked) }), t("replay.compare.choose"));
  const one = (each) => panel(h("a", { href: routes.link("replay", {}, each.id) }, each.name || t("replay.unnamed")), flush(figures(each)),
    { tone: "result", about: facts(each), beside: several && box(each) });
  return h("section", { class: "results" },
    h("div", { class: "section-head" }, h("h2", null, t("replay.results")),
      several && h("div", { class: "compare-bar" }, h("span", { class: "quiet small" }, t("replay.compare.hint")), go)),
    found.map(one));
}

function facts(each) {
  return h("p", { class: "facts" }, h("span", null, rich("replay.made", { time: time(each.at, "both") })),
    h("span", null, t("replay.period", { from: each.from.slice(0, 10), to: each.to.slice(0, 10) })),
    h("span", null, t("replay.mentions", { count: number(each.mentions), of: each.mentions })),
    each.sources.length > 0 && h("span", { class: "mono" }, each.sources.join(t("words.comma"))), h("span", { class: "mono" }, each.code));
}

function figures({ rules, id, name, at }) {
  const numbers = ["false", "delay", "found"].map((each) => ({ text: t(`replay.column.${each}`), num: true }));
  const heads = [t("replay.column.rule"), t("replay.column.precision"), t("replay.column.recall"), ...numbers];
  const rows = rules.map((each) => [h("a", { class: "mono", href: routes.link("replay", { rule: each.name }, id) }, each.name),
    share(each.precision), share(each.recall),
    orNone(each.false_per_subject_day, rate), orNone(each.delay_median_s, duration),
    each.events ? t("replay.of", { part: number(each.found), whole: number(each.events) }) : "–"]);
  return table(t("replay.figures", { name: name || t("replay.unnamed"), at: stamp(at) }), heads, rows, { cards: true });
}

function runs(found) {
  if (!found.length) return null;
  const rows = found.map((each) => [
    h("span", { class: "mono" }, each.name), t(each.done ? "replay.run.done" : "replay.run.open"), each.reached ? time(each.reached, "stamp") : "–",
    h("span", { class: "mono" }, each.source), time(each.at, "both"),
  ]);
  const heads = ["name", "state", "reached", "source", "at"].map((name) => t(`replay.run.${name}`));
  return panel(t("replay.runs"), flush(table(t("replay.runs"), heads, rows, { cards: true })));
}

function how() {
  return panel(t("replay.how.title"), h("div", { class: "panel-body prose" },
    h("p", null, t("replay.how.about")), command(EXAMPLE), h("p", null, t("replay.how.run")), command(NAMED), h("p", { class: "hint" }, prose(t("replay.how.more")))));
}
