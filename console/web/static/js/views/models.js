/** Models: which versions judge, how good they are on what they never learnt from, what they are (their card), and drift. */

import { append, h } from "../dom.js";
import { label, time } from "../format.js";
import { lang, t } from "../i18n.js";
import { orNone } from "../parts/figures.js";
import { markdown } from "../parts/markdown.js";
import { tag } from "../parts/severity.js";
import { empty } from "../parts/states.js";
import { table } from "../parts/table.js";
import * as routes from "../routes.js";

const TONES = { live: "good", shadow: "warn" };

export async function show(root, params, page) {
  page.title(t("models.title"));
  const found = await page.api.get("/models");
  append(root,
    h("header", { class: "head" }, h("div", null, h("h1", null, t("models.title")), h("p", { class: "quiet" }, t("models.lead")))),
    drift(found.drift ?? []), overview(found.models), ...found.models.map(model));
}

/** Whether the texts still look like those the models were measured on. */
function drift(found) {
  const body = found.length ? h("ul", { class: "lines" }, found.map(drifted)) : h("p", null, t("models.drift.none"));
  return h("section", { class: found.length ? "panel alarmed" : "panel" }, h("div", { class: "panel-head" }, h("h2", null, t("models.drift.title"))),
    h("div", { class: "panel-body" }, body, h("p", { class: "hint" }, t("models.drift.about"))));
}

function drifted(each) {
  const said = each.says?.[lang()] ?? t("models.drift.one", { model: each.model ?? each.subject ?? "", feature: each.feature ?? "" });
  return h("li", null, h("p", null, said), each.fix?.[lang()] && h("p", { class: "quiet" }, each.fix[lang()]),
    each.since && h("p", { class: "facts" }, time(each.since, "both")));
}

function overview(models) {
  if (!models.length) return h("section", { class: "panel" }, empty(t("models.none"), t("models.none_more")));
  const rows = models.map((each) => [
    h("a", { href: `#/models/${encodeURIComponent(each.name)}`, onclick: (event) => jump(event, each) }, h("span", { class: "mono" }, each.name)),
    h("span", { class: "mono" }, each.version), tag(t(`models.state.${each.state}`), TONES[each.state] ?? ""),
    each.languages.map((code) => label("language", code)).join(t("words.comma")),
    h("a", { href: routes.documents({ lang: each.languages[0] }) }, t("models.documents")),
  ]);
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, t("models.versions"))), h("div", { class: "panel-body flush" },
    table(t("models.versions"), ["model", "version", "state", "languages", "judged"].map((name) => t(`models.column.${name}`)), rows)));
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
  const card = each.card ? markdown(each.card.replace(/^# .*\n/, ""), 4) : h("p", { class: "quiet" }, t("models.no_card"));
  return h("section", { class: "panel", id: idOf(each), tabindex: "-1" },
    h("div", { class: "panel-head" }, h("h2", null, h("span", { class: "mono" }, `${each.name} ${each.version}`)), tag(t(`models.state.${each.state}`), TONES[each.state] ?? "")),
    h("div", { class: "panel-body" }, h("h3", null, t("models.quality")), quality(each.quality ?? []),
      h("details", { class: "model-card" }, h("summary", null, t("models.card")), h("div", { class: "prose", lang: "en" }, card))));
}

function quality(rows) {
  if (!rows.length) return h("p", { class: "quiet" }, t("models.unmeasured"));
  const cells = rows.map((row) => [row.dataset, row.what, orNone(row.macro_f1, (value) => value.toFixed(3)), orNone(row.rows)]);
  const heads = [t("models.column.dataset"), t("models.column.what"), { text: t("models.column.f1"), num: true }, { text: t("models.column.rows"), num: true }];
  return [table(t("models.quality"), heads, cells), h("p", { class: "hint" }, t("models.f1_about"))];
}
