/** Facets: for each field the values that were found with their numbers, of which several may be chosen. */

import { h } from "../dom.js";
import { number } from "../format.js";
import { t } from "../i18n.js";

const FEW = 6; // values shown of a field until more are asked for

/**
 * One field as a group of boxes. Values that are chosen and were not found again stay, without a number.
 * @param {{name: string, title: string, values: {value: string, words: string, count: number|null}[], chosen: string[],
 *   words: (value: string) => string, choose: (values: string[]) => void}} of
 * @returns {HTMLElement|null}
 */
export function facet({ name, title, values, chosen, words, choose }) {
  const known = new Set(values.map((each) => each.value));
  const gone = chosen.filter((value) => !known.has(value)).map((value) => ({ value, words: words(value), count: null }));
  const all = [...gone, ...values];
  if (!all.length) return null;
  const first = all.filter((each, at) => at < FEW || chosen.includes(each.value));
  const rest = all.filter((each) => !first.includes(each));
  const row = (each) => box(name, each, chosen, choose);
  return h("fieldset", { class: "facet" }, h("legend", null, title), first.map(row),
    rest.length > 0 && h("details", { dataset: { name } }, h("summary", null, t("documents.facet.more", { count: rest.length })), rest.map(row)));
}

function box(name, { value, words, count }, chosen, choose) {
  const change = (event) => choose(event.target.checked ? [...chosen, value] : chosen.filter((each) => each !== value));
  return h("label", { class: "facet-value" },
    h("input", { type: "checkbox", name, checked: chosen.includes(value), onchange: change, dataset: { value } }),
    h("span", { class: "facet-words" }, words),
    count !== null && h("span", { class: "facet-count" }, number(count)));
}
