/** Addresses within the page: `#/alerts/ID?state=open`. Pure. */

import { query } from "./api.js";

/** The parts of an address: `{view, id, params}`. @param {string} hash */
export function parse(hash) {
  const [path, text = ""] = split(hash.replace(/^#\/?/, ""), "?");
  const [view, rest = ""] = split(path, "/");
  return { view: view || "now", id: decode(rest), params: Object.fromEntries(new URLSearchParams(text)) };
}

/** An address: `link("alerts", {state: "open"}, id)`. What is empty is left out. @returns {string} */
export function link(view, params = {}, id = "") {
  return `#/${view}${id && `/${encodeURIComponent(id)}`}${query(params)}`;
}

/** The documents behind a number. @param {Record<string, any>} filter as GET /documents takes it; `from`, `to` ISO times */
export function documents(filter) {
  return link("documents", filter);
}

/** Where one reads about a subject. System subjects have no such place: "". */
export function subject(id, params = {}) {
  return id.startsWith("system:") ? "" : link("subjects", params, id);
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
