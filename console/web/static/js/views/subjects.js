/** Subjects: companies, topics, sources and the market, with how much was said of each and how much of it is negative. */

import { append, h } from "../dom.js";
import { number, percent, plain, subjectName, time } from "../format.js";
import { t } from "../i18n.js";
import { bar, interval } from "../parts/figures.js";
import { hoursOf, spanSwitch, spanWords, WEEK } from "../parts/spans.js";
import { heading } from "../parts/layout.js";
import { moreButton } from "../parts/more.js";
import { segmented } from "../parts/segmented.js";
import { empty, into } from "../parts/states.js";
import * as routes from "../routes.js";

const KINDS = ["", "entity", "topic", "list", "source", "market"];
const PAGE = 50;

export async function show(root, params, page) {
  page.title(t("subject.title"));
  const asked = { q: params.q ?? "", kind: KINDS.includes(params.kind) ? params.kind : "", hours: hoursOf(params.hours, WEEK) };
  const list = h("div", { class: "panel subjects" });
  append(root,
    heading(t("subject.title"), { lead: t("subject.lead") }),
    h("div", { class: "subjects-filters" }, search(asked), kinds(asked), spanSwitch(asked.hours, (hours) => address({ ...asked, hours }))), list);
  await into(list, () => subjects(asked, page), 6);
}

function address({ q, kind, hours }) {
  return routes.link("subjects", { q, kind, hours: hours === WEEK ? "" : hours });
}

function search(asked) {
  const words = t("subject.search");
  const field = h("input", { type: "search", name: "q", value: asked.q, maxlength: 200, placeholder: words, "aria-label": words, dataset: { search: "" } });
  const go = (event) => {
    event.preventDefault();
    window.location.hash = address({ ...asked, q: field.value.trim() });
  };
  return h("form", { class: "search", role: "search", onsubmit: go }, field, h("button", null, t("subject.find")));
}

function kinds(asked) {
  return segmented(t("subject.kind.label"), KINDS.map((kind) => ({ words: t(`subject.kind.${kind || "all"}`), href: address({ ...asked, kind }), chosen: kind === asked.kind })));
}

async function subjects(asked, page) {
  const fetched = (cursor) => page.api.get("/subjects", { ...asked, limit: PAGE, cursor });
  const first = await fetched();
  const span = { from: first.from, to: first.to };
  if (!first.subjects.length) return empty(t("subject.none"), t(asked.q || asked.kind ? "subject.none_found" : "subject.none_yet", { span: spanWords(asked.hours) }));
  const most = Math.max(...first.subjects.map((each) => (each.kind === "market" ? 0 : each.documents)), 1); // the market is all of them
  const body = h("tbody", null, first.subjects.map((each) => row(each, most, asked, span)));
  return [first.partial && h("p", { class: "note", role: "status" }, t("subject.partial")), table(body), moreButton(first.next, async (cursor) => {
    const found = await fetched(cursor);
    const rows = found.subjects.map((each) => row(each, most, asked, span));
    body.append(...rows);
    return { rows, next: found.next };
  })];
}

function table(body) {
  const heads = ["name", "documents", "negative", "share", "last"].map((name) =>
    h("th", { scope: "col", class: `subjects-${name}` }, t(`subject.column.${name}`)));
  return h("div", { class: "table-scroll" }, h("table", { class: "list" }, h("thead", null, h("tr", null, heads)), body));
}

function row(of, most, { hours }, span) {
  const to = routes.subject(of.subject, { hours: hours === WEEK ? "" : hours });
  const behind = (more = {}) => routes.documents({ subject: of.subject, ...span, ...more });
  return h("tr", { dataset: { item: to } },
    h("th", { scope: "row", class: "subjects-name" }, h("a", { href: to }, plain(subjectName(of.subject, of.name))),
      " ", of.kind !== "market" && h("span", { class: "subjects-kind" }, t(`subject.one.${of.kind}`))),
    h("td", { class: "subjects-documents" }, h("div", { class: "measured-row" }, h("a", { class: "n", href: behind() }, number(of.documents)), bar(of.documents, of.negative, most))),
    h("td", { class: "subjects-negative" }, h("a", { class: "n", href: behind({ sentiment: "negative" }) }, number(of.negative))),
    h("td", { class: "subjects-share" }, h("div", { class: "measured-row" }, h("span", { class: "n" }, percent(of.share)), interval(of))),
    h("td", { class: "subjects-last" }, of.last && time(of.last)));
}
