/** Keys: some that hold everywhere, some of a view, and moving in lists with j and k. */

import { link } from "./routes.js";
import { help } from "./parts/help.js";

const PLACES = { n: "now", a: "alerts", s: "subjects", d: "documents", r: "rules", p: "replay", q: "sources", m: "models", u: "audit" };
const PATIENCE = 1200; // ms between g and what follows
let going = 0;
let mine = {};

/** The keys of the view that is shown: by key, what it does. @param {Record<string, (event: KeyboardEvent) => void>} found */
export function own(found) {
  mine = { ...mine, ...found };
}

/** Forgets the keys of the view. */
export function leave() {
  mine = {};
}

/** Starts listening. */
export function listen() {
  document.addEventListener("keydown", pressed);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
  const key = event.key;
  const act = found(key);
  if (!act) return;
  event.preventDefault();
  act(event);
}

function found(key) {
  if (Date.now() - going < PATIENCE && PLACES[key]) return () => { going = 0; location.hash = link(PLACES[key]); };
  if (Object.hasOwn(mine, key)) return mine[key];
  if (key === "g") return () => { going = Date.now(); };
  if (key === "?") return help;
  if (key === "/") return search;
  if (key === "j" || key === "k") return () => move(key === "j" ? 1 : -1);
  return null;
}

/** The search of the view where it has one (`[data-search]`), else that of documents. */
function search() {
  const field = document.querySelector("[data-search]");
  if (field) field.focus();
  else location.hash = link("documents", { focus: "search" });
}

/** Focus moves among what the view marks with `data-item`: a link, or something that holds one. */
function move(step) {
  const items = [...document.querySelectorAll("main [data-item]")].filter((item) => item.offsetParent);
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + step, 0), items.length - 1)];
  (next?.matches("a, button") ? next : next?.querySelector("a, button"))?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
