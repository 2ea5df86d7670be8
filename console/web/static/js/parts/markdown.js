// Markdown as DOM nodes: headings, paragraphs, lists, tables, fenced and inline code, bold, links to http(s) only.
// Nothing is parsed as HTML: whatever else stands in the text stays text.

import { h } from "../dom.js";

const FENCE = /^```/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*[-*]\s+(.*)$/;
const ROW = /^\s*\|(.*)\|\s*$/;
const RULE = /^[\s|:-]+$/;
const INLINE = /(`[^`]+`)|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s<>)\]]+[^\s<>)\].,;:])/g;

/** The nodes of one line: code, bold and links as such, everything else as text. */
export function inline(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(text.slice(from, match.index), piece(match));
    from = match.index + match[0].length;
  }
  found.push(text.slice(from));
  return found.filter((each) => each !== "");
}

function piece([whole, code, bold, words, target, bare]) {
  if (code) return h("code", {}, code.slice(1, -1));
  if (bold) return h("strong", {}, ...inline(bold));
  if (bare) return outside(bare, bare);
  return isWeb(target) ? outside(target, words) : words + (words ? "" : whole);
}

/** Whether an address is one a page may link to. */
export function isWeb(address) {
  return /^https?:\/\//i.test(address ?? "");
}

function outside(address, words) {
  return h("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }, words);
}

/** The text as a list of nodes; `top` is the level of its first headings on the page. */
export function markdown(text, top = 3) {
  const lines = text.split(/\r?\n/);
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) at += 1;
    else {
      const [node, next] = block(lines, at, top);
      found.push(node);
      at = next;
    }
  }
  return found;
}

function block(lines, at, top) {
  const heading = HEADING.exec(lines[at]);
  if (FENCE.test(lines[at])) return fence(lines, at);
  if (heading) return [h(`h${Math.min(6, top + heading[1].length - 1)}`, {}, ...inline(heading[2])), at + 1];
  if (ROW.test(lines[at])) return table(lines, at);
  if (ITEM.test(lines[at])) return list(lines, at);
  return paragraph(lines, at);
}

function fence(lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  return [h("pre", { class: "code", tabindex: "0" }, h("code", {}, lines.slice(at + 1, end).join("\n"))), end + 1];
}

function cells(line) {
  return ROW.exec(line)[1].split("|").map((each) => each.trim());
}

function table(lines, at) {
  let end = at;
  while (end < lines.length && ROW.test(lines[end])) end += 1;
  const rows = lines.slice(at, end).filter((line) => !RULE.test(line)).map(cells);
  const [head, ...body] = rows;
  const first = h("tr", {}, ...head.map((each) => h("th", { scope: "col" }, ...inline(each))));
  const rest = body.map((row) => h("tr", {}, ...row.map((each) => h("td", {}, ...inline(each)))));
  return [h("div", { class: "scroll", tabindex: "0" }, h("table", {}, h("thead", {}, first), h("tbody", {}, ...rest))), end];
}

function list(lines, at) {
  const items = [];
  let end = at;
  for (; end < lines.length && lines[end].trim(); end += 1) {
    const item = ITEM.exec(lines[end]);
    if (item) items.push(item[1]);
    else if (/^\s/.test(lines[end])) items[items.length - 1] += ` ${lines[end].trim()}`;
    else break;
  }
  return [h("ul", {}, ...items.map((each) => h("li", {}, ...inline(each)))), end];
}

function paragraph(lines, at) {
  let end = at;
  const words = [];
  while (end < lines.length && lines[end].trim() && (end === at || !begins(lines[end]))) words.push(lines[end++].trim());
  return [h("p", {}, ...inline(words.join(" "))), end];
}

function begins(line) {
  return FENCE.test(line) || HEADING.test(line) || ROW.test(line) || ITEM.test(line);
}
