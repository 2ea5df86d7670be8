/** Models: which versions judge, how good they are on what they never learnt from, what they are (their card), and drift. */

import { h, replace } from "../dom.js";
import { label, number, percent } from "../format.js";
import { t } from "../i18n.js";
import { drifts } from "../parts/drift.js";
import { body, flush, heading, panel } from "../parts/layout.js";
import { markdown } from "../parts/markdown.js";
import { prose } from "../parts/prose.js";
import { tag } from "../parts/severity.js";
import { empty } from "../parts/states.js";
import { table } from "../parts/table.js";
import * as routes from "../routes.js";

const TONES = { live: "good", shadow: "warn", damaged: "bad" };

export async function show(root, params, page) {
  page.title(t("models.title"));
  const found = await page.api.get("/models");
  replace(root,
    heading(t("models.title"), { lead: t("models.lead") }),
    found.triton === "away" && h("p", { class: "note", role: "status" }, prose(t("models.away"))),
    drift(found.drift), overview(found.models), found.models.map(model));
}

/** Whether the texts still look like those the models were measured on. */
function drift(found) {
  const told = found.length ? drifts(found) : h("p", null, t("models.drift.none"));
  return panel(t("models.drift.title"), body(told, h("p", { class: "hint" }, t("models.drift.about"))), { tone: found.length ? "alarmed" : "" });
}

function overview(models) {
  if (!models.length) return h("section", { class: "panel" }, empty(t("models.none"), t("models.none_more")));
  const heads = ["model", "version", "state", "languages", "base", "licence", "judged"].map((name) => t(`models.column.${name}`));
  const rows = models.map((each) => [
    h("a", { href: `#/models/${encodeURIComponent(each.name)}`, onclick: (event) => jump(event, each) }, h("span", { class: "mono" }, each.name)),
    h("span", { class: "mono" }, each.version || each.number), state(each),
    each.languages.map((code) => label("language", code)).join(t("words.comma")),
    each.base, h("span", { class: "nowrap" }, each.licence),
    each.languages.length > 0 && h("a", { href: routes.documents({ lang: each.languages }) }, t("models.documents")),
  ]);
  return panel(t("models.versions"), flush(table(t("models.versions"), heads, rows, { cards: true })));
}

function state({ state: value, serving }) {
  const unserved = value === "live" && serving === false && tag(t("models.not_serving"), "bad");
  return h("span", { class: "tags" }, tag(t(`models.state.${value}`), TONES[value] ?? ""), unserved);
}

function idOf({ name, version }) {
  return `model-${name}-${version}`.replace(/[^\w-]/g, "-");
}

function jump(event, each) {
  event.preventDefault();
  const section = document.getElementById(idOf(each));
  section?.scrollIntoView();
  section?.focus({ preventScroll: true });
}

function model(each) {
  const named = `${each.name} ${each.version || each.number}`;
  const card = each.card ? markdown(each.card.replace(/^# .*\n/, ""), 4, named) : h("p", { class: "quiet" }, t("models.no_card"));
  const made = panel(h("span", { class: "mono" }, named), body(
    each.fault && h("p", { class: "note" }, each.fault), abstains(each),
    h("h3", null, t("models.quality")), quality(each, named),
    h("details", { class: "model-card" }, h("summary", null, t("models.card")), h("div", { class: "prose", lang: "en" }, card))),
  { beside: state(each), id: idOf(each) });
  made.tabIndex = -1;
  return made;
}

/** Below which probability a sentiment is no judgement, by language. */
function abstains({ abstains_below: below }) {
  const parts = Object.entries(below).map(([code, value]) => `${label("language", code)} ${percent(value)}`);
  return parts.length > 0 && h("p", { class: "quiet" }, t("models.abstains", { parts: parts.join(t("words.comma")) }));
}

function quality({ quality: rows }, named) {
  if (!rows.length) return h("p", { class: "quiet" }, t("models.unmeasured"));
  const digits = (value) => value.toFixed(3);
  const numbers = ["accuracy", "rows", "learnt"].map((name) => ({ text: t(`models.column.${name}`), num: true }));
  const heads = [t("models.column.dataset"), t("models.column.what"), t("models.column.f1"), ...numbers];
  const cells = rows.map((row) => [
    h("span", { class: "mono" }, row.dataset), t(`documents.head.${row.what}`),
    h("span", { class: "figure-line" }, digits(row.macro_f1), scale(row.macro_f1)),
    digits(row.accuracy), number(row.rows), row.learnt ? number(row.learnt) : h("strong", null, t("models.never")),
  ]);
  return [h("div", { class: "quality" }, table(`${t("models.quality")}: ${named}`, heads, cells)), h("p", { class: "hint" }, t("models.f1_about"))];
}

/** A value from 0 to 1 as a length. */
function scale(value) {
  return h("span", { class: "scale", "aria-hidden": "true" }, h("span", { style: { width: percent(value) } }));
}
