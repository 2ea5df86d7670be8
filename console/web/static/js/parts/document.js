/** A document as it stands in lists, and the small pieces that the whole document shows as well. */

import { h, isAddress } from "../dom.js";
import { label, marked, number, percent, plain, subjectName, time } from "../format.js";
import { t } from "../i18n.js";
import * as routes from "../routes.js";
import { tones } from "./figures.js";
import { origins, tag } from "./severity.js";

/**
 * A card: title and excerpt with hits marked, what the model says and how surely, companies with the reason, where it
 * is from. @param {any} document as GET /documents gives it @param {number} [level] of its heading on the page
 */
export function card(document, level = 2) {
  const address = routes.link("documents", {}, document.id);
  const excerpt = document.title.length ? marked(document.excerpt) : [];
  return h("article", { class: "document", dataset: { item: address } },
    h(`h${level}`, { class: "document-title", lang: document.lang }, h("a", { href: address }, titleOf(document))),
    excerpt.length > 0 && h("p", { class: "document-excerpt", lang: document.lang }, excerpt),
    h("div", { class: "document-judged" }, judged(document), companies(document)),
    h("p", { class: "facts" }, facts(document)));
}

/** The title with its hits; of a text without one, such as a post, its beginning; or that there is none. */
export function titleOf({ title: own, excerpt = [] }) {
  const title = marked(own.length ? own : excerpt);
  return title.length ? title : h("span", { class: "quiet" }, t("documents.untitled"));
}

/** Sentiment with its probability, topic and kind of risk event with theirs; or that no model judged it, and why. */
function judged({ sentiment, unjudged, topic, risk }) {
  if (!sentiment) return tag(unjudged ? t("documents.unjudged_why", { why: plain(unjudged) }) : t("documents.unjudged"), "warn");
  return [
    h("span", { class: "judged" }, tones(sentiment), sentimentWords(sentiment)),
    topic && tag([label("topic", topic.label), " ", h("span", { class: "sure" }, percent(topic.confidence))]),
    risk && risk.label !== "none" && tag([label("risk", risk.label), " ", h("span", { class: "sure" }, percent(risk.confidence))], "bad"),
  ];
}

/** "Negative 90 %": the likeliest, or that the model would not say. */
export function sentimentWords(sentiment) {
  if (sentiment.abstained) return h("span", { class: "tone" }, label("sentiment", "abstained"));
  return h("span", { class: `tone ${sentiment.label}` }, `${label("sentiment", sentiment.label)} ${percent(sentiment[sentiment.label])}`);
}

function companies({ entities }) {
  return (entities ?? []).map((each) =>
    h("a", { class: "tag company", href: routes.subject(`entity:${each.id}`), title: reason(each) },
      plain(subjectName(`entity:${each.id}`, each.name)), " ", h("span", { class: "sure" }, each.relevance.toFixed(2))));
}

/** Why a company is taken to be meant: "named in the title as “Quenlith”". */
export function reason({ where, matched, relevance }) {
  return t("documents.reason", { where: t(`documents.where.${where}`), matched: plain(matched), relevance: relevance.toFixed(2) });
}

/** Where it is from, when, and what is particular about it. */
function facts(document) {
  return [
    origins(document),
    h("a", { href: routes.documents({ source: document.source }) }, plain(document.source)),
    h("span", null, label("kind", document.kind)),
    h("span", null, label("language", document.lang)),
    time(document.collected_at, "both"),
    document.stale === "stale" && tag(t("documents.stale.stale"), "warn"),
    document.stale === "unknown" && tag(t("documents.stale.unknown")),
    maskedWords(document.masked) && h("span", null, maskedWords(document.masked)),
    document.model && h("span", { class: "mono" }, `${document.model.name} ${document.model.version}`),
    original(document.url),
  ];
}

/** "2 phone numbers, 1 e-mail address masked", or nothing. @param {Record<string, number>} masked */
export function maskedWords(masked) {
  const parts = Object.entries(masked ?? {}).map(([kind, count]) => t(`documents.masked.${kind}`, { count, amount: number(count) }));
  return parts.length ? t("documents.masked.all", { parts: parts.join(t("words.comma")) }) : "";
}

/** A link to where it was published; nothing where the address is not one to follow. @param {string} url */
export function original(url) {
  return isAddress(url) && h("a", { href: url, class: "original" }, t("documents.original"), h("span", { "aria-hidden": "true" }, " ↗"));
}
