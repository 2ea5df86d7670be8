/** What the page says. Messages come from /static/messages/{lang}.json: keys below `web` in console/messages/*.yaml, and `words.*`. */

export const LANGUAGES = ["en", "zh"];
const HAN_FIRST = /^[\u4e00-\u9fff]/;
const HAN_LAST = /[\u4e00-\u9fff]$/;
const KEPT = "tocsin.language";
let messages = {};
let language = "en";

/** The language of the page: `en` or `zh`. */
export function lang() {
  return language;
}

/** The language that was chosen before, or else the browser's. */
export function preferred() {
  const kept = localStorage.getItem(KEPT);
  if (LANGUAGES.includes(kept)) return kept;
  const first = navigator.languages?.[0] ?? navigator.language ?? "en";
  return first.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Reads the messages of a language and speaks it from now on. @param {string} wanted */
export async function load(wanted) {
  const answer = await fetch(`/static/messages/${wanted}.json`);
  if (!answer.ok) throw new Error(`messages: ${answer.status}`);
  messages = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
}

/** Chooses a language for this and later visits. @param {string} wanted */
export async function choose(wanted) {
  await load(wanted);
  localStorage.setItem(KEPT, wanted);
}

/** Whether there is a message. */
export function has(key) {
  return Object.hasOwn(messages, key);
}

/**
 * The message, its {placeholders} filled; of `one|many` the form that fits `values.count`. A key without a message is
 * shown as it is: a test finds it before a person does.
 * @param {string} key @param {Record<string, any>} [values] @returns {string}
 */
export function t(key, values = {}) {
  return rich(key, values).join("");
}

/** The same as parts, so that a value may be a node: `h("p", null, rich("now.newest", {time: time(at)}))`. @returns {any[]} */
export function rich(key, values = {}) {
  const found = [];
  let at = 0;
  const text = form(messages[key] ?? key, values.of ?? values.count);
  for (const match of text.matchAll(/\{(\w+)\}/g)) {
    found.push(text.slice(at, match.index), Object.hasOwn(values, match[1]) ? values[match[1]] : match[0]);
    at = match.index + match[0].length;
  }
  found.push(text.slice(at));
  return spaced(found.filter((part) => part !== ""));
}

/** In Chinese a number or a foreign name that is put in stands apart from the words around it, as within the sentences themselves. */
function spaced(parts) {
  if (language !== "zh") return parts;
  const text = (part) => (part instanceof Node ? part.textContent : String(part));
  const apart = (before, after) => (HAN_LAST.test(before) && /^[\w>]/.test(after)) || (/[\w%]$/.test(before) && HAN_FIRST.test(after));
  return parts.flatMap((part, at) => (at && apart(text(parts[at - 1]), text(part)) ? [" ", part] : [part]));
}

function form(text, count) {
  const bar = text.indexOf("|");
  if (bar < 0) return text;
  return count === 1 || count === "1" ? text.slice(0, bar) : text.slice(bar + 1);
}
