/**
 * Markdown as nodes: headings, paragraphs, lists, tables, fenced and inline code, bold, links to http(s). Nothing is read as
 * HTML; whatever else stands in the text stays text.
 */

import { h, isAddress } from "../dom.js";
import { t } from "../i18n.js";

const FENCE = /^```/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*(?:[-*]|\d+\.)\s+(.*)$/;
const ROW = /^\s*\|(.*)\|\s*$/;
const DIVIDER = /^[\s|:-]+$/;
const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\(([^)\s]+)\)|<(https?:\/\/[^\s<>]+)>/g;
const LAST = 6; // level of headings

/** The text as nodes. @param {string} text @param {number} top level of its first headings on the page @param {string} of whose it is @returns {Node[]} */
export function markdown(text, top, of) {
  const lines = text.split(/\r?\n/);
  const found = [];
  for (let at = 0; at < lines.length;) {
    if (!lines[at].trim()) { at += 1; continue; }
    const [node, next] = block(lines, at, top, of);
    found.push(node);
    at = next;
  }
  return found;
}

function block(lines, at, top, of) {
  const heading = HEADING.exec(lines[at]);
  if (FENCE.test(lines[at])) return fence(lines, at);
  if (heading) return [h(`h${Math.min(LAST, top + heading[1].length - 1)}`, null, inline(heading[2])), at + 1];
  if (ROW.test(lines[at])) return table(lines, at, of);
  if (ITEM.test(lines[at])) return list(lines, at);
  return paragraph(lines, at);
}

/** One line: code, bold and links as such, everything else as text. */
function inline(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(text.slice(from, match.index), piece(match));
    from = match.index + match[0].length;
  }
  found.push(text.slice(from));
  return found;
}

function piece([, code, bold, words, target, bare]) {
  if (code) return h("code", null, code);
  if (bold) return h("strong", null, inline(bold));
  if (bare) return h("a", { href: bare }, bare);
  return isAddress(target) ? h("a", { href: target }, inline(words)) : h("span", null, inline(words));
}

function endOf(lines, at, holds) {
  let end = at;
  while (end < lines.length && holds(lines[end])) end += 1;
  return end;
}

function fence(lines, at) {
  const end = endOf(lines, at + 1, (line) => !FENCE.test(line));
  return [h("pre", { tabindex: "0" }, h("code", null, lines.slice(at + 1, end).join("\n"))), end + 1];
}

function table(lines, at, of) {
  const end = endOf(lines, at, (line) => ROW.test(line));
  const rows = lines.slice(at, end).filter((line) => !DIVIDER.test(line)).map((line) => ROW.exec(line)[1].split("|").map((each) => each.trim()));
  const [heads, ...body] = rows.length ? rows : [[]];
  return [h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": t("models.table", { of, line: at + 1 }) }, h("table", null,
    h("thead", null, h("tr", null, heads.map((each) => h("th", { scope: "col" }, inline(each))))),
    h("tbody", null, body.map((row) => h("tr", null, row.map((each) => h("td", null, inline(each)))))))), end];
}

function list(lines, at) {
  const end = endOf(lines, at, (line) => ITEM.test(line) || /^\s+\S/.test(line));
  const items = [];
  for (const line of lines.slice(at, end)) {
    const item = ITEM.exec(line);
    if (item) items.push(item[1]);
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return [h("ul", null, items.map((each) => h("li", null, inline(each)))), end];
}

function paragraph(lines, at) {
  const begins = (line) => FENCE.test(line) || HEADING.test(line) || ROW.test(line) || ITEM.test(line);
  const end = endOf(lines, at + 1, (line) => line.trim() && !begins(line));
  return [h("p", null, inline(lines.slice(at, end).map((line) => line.trim()).join(" "))), end];
}
