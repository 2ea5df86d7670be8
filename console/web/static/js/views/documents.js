/**
 * Documents: search in Chinese and English, filters of several values each, the whole state in the address so that it
 * can be shared. A change asks anew and keeps the focus where it is; the address follows.
 */

import { append, h, painted } from "../dom.js";
import { label, number, plain, subjectName } from "../format.js";
import { t } from "../i18n.js";
import { card } from "../parts/document.js";
import { facet } from "../parts/facets.js";
import { heading } from "../parts/layout.js";
import { moreButton } from "../parts/more.js";
import { empty, failure, waiting } from "../parts/states.js";
import { steadily } from "../parts/steady.js";
import { between, spanOf, timeFilter } from "../parts/times.js";
import * as routes from "../routes.js";

const PAGE = 20;
const FACETS = ["sentiment", "risk", "topic", "source", "lang", "kind", "stale"];
const LABELLED = { sentiment: "sentiment", risk: "risk", topic: "topic", lang: "language", kind: "kind" };
const ONE = ["q", "subject", "from", "to", "hours", "sort"];

export async function show(root, params, page) {
  page.title(t("documents.title"));
  const state = read();
  const host = {
    tally: h("p", { class: "tally", role: "status", tabindex: "-1" }), chips: h("div", { class: "chips" }), facets: h("div", { class: "facets" }),
    filters: h("span", { class: "chosen" }), list: h("div", { class: "documents" }), more: h("div"), time: h("div"),
  };
  const field = h("input", {
    type: "search", name: "q", value: state.q, maxlength: 300, dataset: { search: "" },
    placeholder: t("documents.placeholder"), "aria-label": t("documents.search"), "aria-describedby": "documents-hint",
  });
  const change = (part) => {
    Object.assign(state, part);
    window.history.pushState(null, "", address(state));
    ask(state, host, page, change);
  };
  field.addEventListener("search", () => !field.value && state.q && change({ q: "", sort: "" })); // its cross was pressed
  const go = (event) => {
    event.preventDefault();
    const q = field.value.trim();
    change({ q, sort: !q ? "" : state.q ? state.sort : "relevance" });
  };
  append(root,
    heading(t("documents.title")),
    h("form", { class: "search wide", role: "search", onsubmit: go }, field, h("button", { class: "primary" }, t("documents.find")),
      h("p", { class: "hint", id: "documents-hint" }, t("documents.hint"))),
    h("div", { class: "documents-layout" }, aside(host), h("div", { class: "documents-found" }, head(state, host, change), host.chips, host.list, host.more)));
  if (params.focus) field.focus();
  await ask(state, host, page, change);
}

/** The state that the address holds. A name that is repeated has several values. */
function read() {
  const found = new URLSearchParams(window.location.hash.split("?")[1] ?? "");
  const one = Object.fromEntries(ONE.map((name) => [name, found.get(name) ?? ""]));
  return { ...one, ...Object.fromEntries(FACETS.map((name) => [name, found.getAll(name).filter(Boolean)])) };
}

function address(state) {
  return routes.documents(state);
}

function aside(host) {
  const details = h("details", { class: "facets-fold", open: !window.matchMedia("(max-width: 860px)").matches },
    h("summary", null, t("documents.filters"), host.filters), host.time, host.facets);
  return h("aside", { "aria-label": t("documents.filters") }, details);
}

function head(state, host, change) {
  const select = h("select", { "aria-label": t("documents.sort.label"), onchange: (event) => change({ sort: event.target.value }) },
    ["newest", "relevance"].map((value) => h("option", { value, selected: (state.sort || "newest") === value }, t(`documents.sort.${value}`))));
  host.sort = select;
  return h("div", { class: "documents-head" }, host.tally, select);
}

/** Asks for the first page and shows it; what is on its way from an earlier question is dropped. */
async function ask(state, host, page, change) {
  const turn = (host.turn = (host.turn ?? 0) + 1);
  const asked = { ...state, ...spanOf(state), hours: undefined, limit: PAGE };
  host.sort.value = state.sort || "newest";
  host.list.setAttribute("aria-busy", "true");
  if (!host.list.childElementCount) host.list.replaceChildren(waiting(6));
  try {
    const found = await page.api.get("/documents", asked);
    if (turn !== host.turn) return;
    tell(state, host, page, change, asked, found);
    host.list.removeAttribute("aria-busy");
    await painted(); // what was looked for first, then what it could be narrowed to
    if (turn === host.turn) narrowing(state, host, change, found);
  } catch (error) {
    if (error.name === "AbortError" || turn !== host.turn) return;
    host.list.replaceChildren(failure(error, () => ask(state, host, page, change)));
    host.more.replaceChildren();
    host.tally.textContent = "";
  }
  if (turn === host.turn) host.list.removeAttribute("aria-busy");
}

function tell(state, host, page, change, asked, found) {
  const { value, exact } = found.total;
  host.tally.replaceChildren(t(exact ? "documents.total" : "documents.total_least", { count: number(value), of: value }));
  if (found.partial) host.tally.append(" ", h("span", { class: "warn-words" }, t("documents.partial")));
  const left = host.chips.contains(document.activeElement); // a chip that was taken away leaves the focus to the next
  host.chips.replaceChildren(...chips(state, found.facets, change));
  if (left) (host.chips.querySelector("button") ?? host.tally).focus();
  host.filters.replaceChildren(host.chips.childElementCount ? ` (${host.chips.querySelectorAll(".chip").length})` : "");
  host.list.replaceChildren(...(found.documents.length ? found.documents.map((each) => card(each)) : [nothing(state)]));
  more(host, page, asked, found.next);
}

function narrowing(state, host, change, found) {
  steadily(host.time, () => host.time.replaceChildren(timeFilter(state, change)));
  steadily(host.facets, () => host.facets.replaceChildren(...facets(state, found.facets, change)));
}

function nothing(state) {
  const narrowed = state.q || FACETS.some((name) => state[name].length) || state.subject || state.from || state.to || state.hours;
  return empty(t("documents.none"), t(narrowed ? "documents.none_found" : "documents.none_yet"));
}

/** The next page; one that comes after another question is dropped. */
function more(host, page, asked, next) {
  const { turn } = host;
  const button = moreButton(next, async (cursor) => {
    const found = await page.api.get("/documents", { ...asked, cursor });
    const rows = turn === host.turn ? found.documents.map((each) => card(each)) : [];
    host.list.append(...rows);
    return { rows, next: found.next };
  });
  host.more.replaceChildren(...[button].filter(Boolean));
}

/** How a value of a facet is called. */
function words(name, value, given) {
  if (LABELLED[name]) return label(LABELLED[name], value);
  if (name === "stale") return t(`documents.stale.${value}`);
  if (name === "subject") return plain(subjectName(value, given ?? value.slice(value.indexOf(":") + 1)));
  return plain(given || value);
}

function facets(state, found, change) {
  const fields = FACETS.map((name) => facet({
    name, title: t(`documents.facet.${name}`), chosen: state[name], choose: (values) => change({ [name]: values }),
    values: (found[name] ?? []).map((each) => ({ ...each, words: words(name, each.value, each.name) })), words: (value) => words(name, value),
  }));
  return [companies(state, found.subject ?? [], change), ...fields].filter(Boolean);
}

function companies(state, found, change) {
  return facet({
    name: "subject", title: t("documents.facet.subject"), chosen: state.subject ? [state.subject] : [],
    choose: (values) => change({ subject: values.at(-1) ?? "" }), words: (value) => words("subject", value),
    values: found.map((each) => ({ ...each, words: words("subject", each.value, each.name) })),
  });
}

/** What is asked for beside the words, each with a button that takes it away. */
function chips(state, found, change) {
  const named = (name, value) => (found[name] ?? []).find((each) => each.value === value)?.name;
  const all = [];
  if (state.subject) all.push(chip("subject", words("subject", state.subject, named("subject", state.subject)), () => change({ subject: "" })));
  const time = between(state);
  if (time) all.push(chip("time", time, () => change({ from: "", to: "", hours: "" })));
  for (const name of FACETS) {
    for (const value of state[name]) all.push(chip(name, words(name, value, named(name, value)), () => change({ [name]: state[name].filter((each) => each !== value) })));
  }
  if (all.length > 1) {
    const none = Object.fromEntries([...FACETS.map((name) => [name, []]), ["subject", ""], ["from", ""], ["to", ""], ["hours", ""]]);
    all.push(h("button", { type: "button", class: "ghost", onclick: () => change(none) }, t("documents.clear")));
  }
  return all;
}

function chip(name, value, remove) {
  return h("span", { class: "chip" }, h("span", { class: "quiet" }, `${t(`documents.facet.${name}`)}: `), value,
    h("button", { type: "button", class: "ghost icon", "aria-label": t("documents.remove", { what: value }), onclick: remove }, "×"));
}
