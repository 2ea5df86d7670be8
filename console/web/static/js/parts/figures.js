/** Figures as small drawings, each of which also says in words what it draws. Negative is hatched, not only coloured. */

import { h, hidden } from "../dom.js";
import { label, number, percent } from "../format.js";
import { t } from "../i18n.js";

/** A number, or a dash for what could not be computed. @param {number|null|undefined} value @param {Function} [how] */
export function orNone(value, how = number) {
  return value === null || value === undefined ? "–" : how(value);
}

/** A part of a whole as a length. */
function length(part, whole) {
  return whole > 0 ? `${Math.min(100, Math.max(0, (100 * part) / whole)).toFixed(2)}%` : "0";
}

/** The words of a share with its interval: "34 %, 95 % interval 31 % to 37 %". */
function intervalWords({ share, low, high }) {
  return t("subject.interval", { share: percent(share), low: percent(low), high: percent(high) });
}

/**
 * A share from 0 to 100 %: its 95 % interval as a band, itself as a mark. Where nothing was judged, that is said.
 * @param {{share: number|null, low?: number, high?: number}} of
 */
export function interval({ share, low, high }) {
  if (share === null || share === undefined) return h("span", { class: "quiet" }, t("subject.unjudged"));
  const words = intervalWords({ share, low, high });
  return h("span", { class: "interval", role: "img", "aria-label": words, title: words },
    h("span", { class: "interval-band", style: { left: length(low, 1), width: length(high - low, 1) } }),
    h("span", { class: "interval-mark", style: { left: length(share, 1) } }));
}

/** The length of `whole` and of its hatched `part` against the longest, `most`. What it says stands beside it. */
export function bar(whole, part, most) {
  return h("span", { class: "measure", "aria-hidden": "true" },
    h("span", { class: "measure-all", style: { width: length(whole, most) } }),
    h("span", { class: "measure-bad", style: { width: length(part, most) } }));
}

/**
 * Values with their documents, the most first, as bars. `href`: the documents; the negative ones among them follow from it.
 * @param {{words: any, href: string, documents: number, negative: number, note?: any}[]} rows
 * @param {{most?: number, empty: string}} options `most` are shown, the others when asked for
 */
export function bars(rows, { most = 6, empty }) {
  if (!rows.length) return h("p", { class: "quiet" }, empty);
  const longest = Math.max(...rows.map((row) => row.documents));
  const list = (some) => h("ul", { class: "bars" }, some.map((row) => barRow(row, longest)));
  const rest = rows.slice(most);
  return [
    h("div", { class: "bars-head", "aria-hidden": "true" }, h("span", null, t("subject.of.documents")), h("span", null, t("subject.of.negative"))),
    list(rows.slice(0, most)),
    rest.length > 0 && h("details", { class: "bars-more" }, h("summary", null, t("subject.more", { count: rest.length })), list(rest)),
  ];
}

function barRow({ words, href, documents, negative, note }, longest) {
  return h("li", null,
    h("span", { class: "bars-name" }, h("a", { href }, words), note && h("span", { class: "quiet" }, " ", note)),
    bar(documents, negative, longest),
    h("span", { class: "bars-count" }, number(documents), hidden(` ${t("subject.of.documents")}`)),
    h("a", { class: "bars-bad", href: `${href}&sentiment=negative` }, number(negative), hidden(` ${t("subject.of.negative")}`)));
}

/** A headline figure of a <dl>: its name, its value, and what stands below. */
export function figure(words, value, ...below) {
  return h("div", { class: "figure" }, h("dt", null, words), h("dd", null, h("div", { class: "figure-value" }, value),
    below.filter(Boolean).map((each) => h("div", { class: "figure-below" }, each))));
}

const TONES = ["negative", "neutral", "positive"];

/** The three probabilities of a judgement as one bar. @param {{negative: number, neutral: number, positive: number}} of */
export function tones(of) {
  const words = TONES.map((tone) => `${label("sentiment", tone)} ${percent(of[tone])}`).join(t("words.comma"));
  return h("span", { class: "tones", role: "img", "aria-label": words, title: words },
    TONES.map((tone) => h("span", { class: tone, style: { width: length(of[tone], 1) } })));
}
