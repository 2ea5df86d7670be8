/** The frame around every view: navigation, what is said above everything (demo, behind), whether the page is live. */

import { h, svg } from "./dom.js";
import { LANGUAGES, choose, lang, t } from "./i18n.js";
import { label, plain } from "./format.js";
import { help } from "./parts/help.js";
import { open } from "./parts/dialog.js";
import { link } from "./routes.js";
import * as stream from "./stream.js";

const GROUPS = [
  ["watch", ["now", "alerts"]], ["explore", ["subjects", "documents"]], ["quality", ["rules", "replay", "models"]],
  ["system", ["sources", "audit", "api"]],
];
const TABS = ["now", "alerts", "subjects", "documents"];
const ICONS = {
  now: "M8 2a5 5 0 0 0-5 5v3l-1.5 2h13L13 10V7a5 5 0 0 0-5-5ZM6.5 14h3", alerts: "M8 2 14.5 13.5h-13ZM8 6.5v3M8 11.5v.1",
  subjects: "M2.5 13.5v-11h7v11M9.5 6.5h4v7M1.5 13.5h13M5 5.5h2M5 8.5h2", documents: "M4 1.5h5.5L13 5v9.5H4ZM6 7h5M6 9.5h5M6 12h3",
  rules: "M2 4h7M12 4h2M2 12h2M7 12h7M9 4a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0ZM4 12a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0Z",
  replay: "M3 8a5 5 0 1 0 1.5-3.5L2.5 6.5M2.5 2.5v4h4", models: "M8 1.5 14 5v6l-6 3.5L2 11V5ZM2 5l6 3.5L14 5M8 8.5v6",
  sources: "M2 13a11 11 0 0 1 0-.1M2.5 9a4.5 4.5 0 0 1 4.5 4.5M2.5 5a8.5 8.5 0 0 1 8.5 8.5M2.5 1.5a12 12 0 0 1 11.5 12M3 13h.1",
  audit: "M3 2.5h10v11H3ZM5.5 6h5M5.5 8.5h5M5.5 11h3", api: "M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4", more: "M3 8h.1M8 8h.1M13 8h.1",
};

/**
 * Makes the frame. @param {{me: any, signOut: () => void, anew: () => void, signal: AbortSignal}} of `signal` ends it
 * @returns {{element: HTMLElement, main: HTMLElement, mark: (view: string) => void, count: (open: number) => void}}
 */
export function frame({ me, signOut, anew, signal }) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const lives = [live(), live()];
  const behind = h("div", { class: "banner behind", role: "alert", hidden: true }, t("shell.behind"));
  const above = h("div", { class: "above" }, h("header", { class: "topbar" }, brand(), lives[1]),
    h("aside", { "aria-label": t("shell.notices") }, me.demo && demo(me), behind));
  measure(above, signal);
  const element = h("div", null,
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, t("shell.skip")),
    h("div", { class: "frame" },
      h("header", { class: "side" }, brand(), h("nav", { class: "nav", "aria-label": t("shell.navigation") }, groups()),
        foot(me, lives[0], signOut, anew)),
      h("div", { class: "content" }, above, main)),
    tabs(me, signOut, anew));
  stream.on("state", (state) => lives.forEach((each) => tell(each, state)), signal);
  stream.on("tick", (tick) => { behind.hidden = tick.current; }, signal);
  return { element, main, mark: (view) => mark(element, view), count: (open) => count(element, open) };
}

/** Tells style sheets how high it is that lies over the top of the page. */
function measure(above, signal) {
  const { style } = document.documentElement;
  const watched = new ResizeObserver(() => style.setProperty("--above", `${above.offsetHeight}px`));
  watched.observe(above);
  signal.addEventListener("abort", () => { watched.disconnect(); style.removeProperty("--above"); }, { once: true });
}

function brand() {
  return h("a", { class: "brand", href: link("now") }, h("img", { src: "/static/icon.svg", alt: "" }), "Tocsin");
}

function demo(me) {
  return h("div", { class: "banner demo", role: "note" }, t("shell.demo", { namespace: plain(me.namespace) }));
}

function icon(name) {
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

function groups() {
  return GROUPS.map(([name, views]) => [h("p", { class: "nav-group", id: `nav-${name}` }, t(`shell.groups.${name}`)),
    h("ul", { "aria-labelledby": `nav-${name}` }, views.map((view) => h("li", null, place(view))))]);
}

function place(view) {
  return h("a", { href: link(view), dataset: { view } }, icon(view), h("span", null, t(`shell.views.${view}`)));
}

function tabs(me, signOut, anew) {
  const more = h("button", { type: "button", "aria-haspopup": "dialog" }, icon("more"), t("shell.more"));
  more.addEventListener("click", () => {
    const sheet = open("Tocsin", [h("nav", { class: "nav nav-sheet", "aria-label": t("shell.navigation") }, groups()), foot(me, live(), signOut, anew)]);
    sheet.addEventListener("click", (event) => event.target.closest("a, .switches button") && sheet.close());
  });
  return h("nav", { class: "tabbar", "aria-label": t("shell.navigation_short") }, TABS.map(place), more);
}

function live() {
  const found = h("p", { class: "live" }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { class: "live-text" }));
  tell(found, stream.state());
  return found;
}

function tell(host, state) {
  host.dataset.state = state;
  host.querySelector(".live-text").textContent = t(`shell.live.${state}`);
}

function foot(me, lively, signOut, anew) {
  const next = LANGUAGES.find((each) => each !== lang());
  const speak = h("button", { type: "button", class: "ghost", lang: next === "zh" ? "zh-CN" : "en", onclick: () => choose(next).then(anew) }, t("shell.other_language"));
  return h("div", { class: "side-foot" }, lively,
    h("p", { class: "quiet" }, `${plain(me.name)} · ${label("role", me.role)}`),
    h("div", { class: "switches" }, themes(), speak, h("button", { type: "button", class: "ghost", onclick: help }, t("shell.keys.title")),
      h("button", { type: "button", class: "ghost", onclick: signOut }, t("shell.sign_out"))),
    h("p", { class: "quiet" }, `Tocsin ${plain(me.version)}`));
}

/** Light, dark, or as the system has it: each press takes the next. */
function themes() {
  const root = document.documentElement;
  const order = ["", "light", "dark"];
  const button = h("button", { type: "button", class: "ghost" });
  const name = () => { button.textContent = t(`shell.theme.${root.dataset.theme || "system"}`); };
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(root.dataset.theme ?? "") + 1) % order.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    localStorage.setItem("tocsin.theme", next);
    name();
    dispatchEvent(new Event("themechange"));
  });
  name();
  return button;
}

function mark(element, view) {
  for (const each of element.querySelectorAll("[data-view]")) {
    if (each.dataset.view === view) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
}

function count(element, open) {
  for (const each of element.querySelectorAll('[data-view="alerts"]')) {
    each.querySelector(".count")?.remove();
    if (open) each.append(h("span", { class: "count" }, open, h("span", { class: "sr-only" }, ` ${t("shell.open_alerts")}`)));
  }
}
