/** Stories as people read them: headline with marked words, who tells it and how often. */

import { h, isAddress } from "../dom.js";
import { label, marked, percent, plain, things, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { documents, link } from "../routes.js";

/**
 * One story. Every headline leads to its document; the source leads outside where it has an address.
 * @param {{document: string, title: [string, boolean][], url?: string, source: string, copies: number, authors: number, sources?: number,
 *   first?: string, last?: string, negative?: number|null, share?: number, risk?: string, topic?: string}} story
 * @param {{filter?: Record<string, any>, number?: number}} [options] `filter`: documents behind it; `number` before the headline
 */
export function story(of, { position } = {}) {
  const heading = of.title.length ? marked(of.title) : t("words.story.untold");
  return h("li", { class: "story", dataset: { item: "" } },
    h("p", { class: "story-title" }, position > 0 && h("span", { class: "quiet" }, `${position}. `), h("a", { href: link("documents", {}, of.document) }, heading)),
    h("p", { class: "facts" }, isAddress(of.url) ? h("a", { href: of.url }, plain(of.source), " ↗") : h("a", { class: "plain", href: documents({ source: of.source }) }, plain(of.source)),
      h("span", null, things("copy", of.copies)), h("span", null, things("author", of.authors)), of.sources ? h("span", null, things("source", of.sources)) : null,
      of.share ? h("span", null, t("words.story.share", { share: percent(of.share) })) : null,
      of.risk && of.risk !== "none" && h("a", { class: "plain", href: documents({ risk: of.risk }) }, label("risk", of.risk)),
      of.negative ? negative(of.negative) : null, period(of.first, of.last)));
}

/** A list of stories. @param {any[]} found as `story` takes them @param {{numbered?: boolean}} [options] */
export function stories(found, { numbered = false } = {}) {
  return h("ol", { class: "stories" }, found.map((each, at) => story(each, { position: numbered ? at + 1 : 0 })));
}

/** How negative a model found it, as a bar and a number. @param {number} share */
export function negative(share) {
  return h("span", { class: "nowrap" }, h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${share * 100}%` } })), " ",
    t("words.story.negative", { share: percent(share) }));
}

function period(first, last) {
  if (!first) return null;
  return h("span", null, !last || first.slice(0, 16) === last.slice(0, 16) ? time(first, "both") : rich("words.period", { first: time(first, "clock"), last: time(last, "both") }));
}
