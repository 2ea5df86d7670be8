/** What is said of rule files: why one cannot be written, faults with their lines, rules explained in words. */

import { h } from "../dom.js";
import { has, t } from "../i18n.js";
import { prose } from "./prose.js";
import { tag } from "./severity.js";

/** Why nothing can be saved, and what to do. @param {{why: string, why_said?: string}} found as GET /rules gives it */
export function readOnlyWords({ why, why_said: said }) {
  return prose(has(`rules.why.${why}`) ? t(`rules.why.${why}`) : said || t("rules.why.other"));
}

/**
 * Faults, each with its line, what is wrong and what was probably meant. `go(line)`: to the line, of faults of this text.
 * @param {{file?: string, line: number, column?: number|null, message: string, suggestion?: string|null}[]} faults
 */
export function faultList(faults, go) {
  return h("ul", { class: "faults" }, faults.map((fault) => h("li", null, place(fault, go), h("span", null, fault.message,
    fault.suggestion && [" ", h("strong", null, t("rules.meant", { suggestion: fault.suggestion }))]))));
}

function place({ file, line }, go) {
  const words = file ? `${file}:${line}` : t("rules.line", { line });
  return go && !file ? h("button", { type: "button", class: "text", onclick: () => go(line) }, words) : h("span", { class: "quiet nowrap" }, words);
}

/** A rule in sentences, with its name. @param {{name: string, explain: Record<string, string[]>, changed?: string}} of */
export function explained({ name, explain, changed }) {
  return h("section", { class: "explained" }, h("h3", null, h("span", { class: "mono" }, name), changed && changed !== "same" && [" ", tag(t(`rules.changed.${changed}`), "warn")]), sections(explain));
}

/** The same where its name stands above already: what it is for, then the sentences. @param {{about: string, explain: Record<string, string[]>}} of */
export function inWords({ about, explain }) {
  return h("div", { class: "explained" }, about && h("p", null, about), sections(explain, 3));
}

/** Sections in the order that people ask in; a section that has no name of ours goes by its own. */
function sections(explain, level = 4) {
  return Object.entries(explain).map(([name, lines]) => lines.length > 0 && [
    h(`h${level}`, { class: "explained-head" }, has(`rules.section.${name}`) ? t(`rules.section.${name}`) : name), h("ul", null, lines.map((line) => h("li", null, line)))]);
}
