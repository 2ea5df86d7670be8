/** Starts the page: language, sign-in, the frame, and one view for each address. */

import * as api from "./js/api.js";
import { h, replace } from "./js/dom.js";
import { label, plain, refreshTimes, subjectName } from "./js/format.js";
import { load, preferred, t } from "./js/i18n.js";
import * as keys from "./js/keys.js";
import { load as loadNames } from "./js/names.js";
import * as open_alerts from "./js/open_alerts.js";
import { closeAll } from "./js/parts/dialog.js";
import { SEVERITIES } from "./js/parts/severity.js";
import { failure, waiting } from "./js/parts/states.js";
import { steadily } from "./js/parts/steady.js";
import { announce, clear, toast } from "./js/parts/toast.js";
import * as place from "./js/place.js";
import { link, parse } from "./js/routes.js";
import { frame } from "./js/shell.js";
import { signInForm } from "./js/sign_in.js";
import * as stream from "./js/stream.js";
import { rings, title } from "./js/title.js";

/** Views by the first word of an address; with an id another view may stand for one thing of the list. */
const VIEWS = {
  now: ["now"], alerts: ["alerts", "alert"], subjects: ["subjects", "subject"], documents: ["documents", "document"],
  rules: ["rules"], replay: ["replay"], sources: ["sources"], models: ["models"], audit: ["audit"], api: ["reference"],
};
const TIMES = 20_000; // ms between refreshes of relative times
const UNSEEN = 120_000; // ms that a hidden page goes on listening
const PATIENCE = 400; // ms that what stands there stays while the same view is made anew
const AT_REST = 1000; // ms after the first view
const app = document.getElementById("app");
const modules = new Map(); // of views, by name
let me = null;
let shell = null;
let unseen = 0;
let framed = new AbortController();
let session = new AbortController();
let shown = { path: "", stop: new AbortController() };

async function start() {
  takeToken();
  api.onLost(() => shell && leave("lost")); // at the door the form tells why it was refused
  const speaking = load(preferred());
  const asked = api.token() ? api.get("/me") : null;
  asked?.catch(() => {}); // told by `enter`
  const naming = asked && loadNames(preferred());
  if (asked) Promise.resolve(module(parse(location.hash))).catch(() => {}); // fetched beside the rest
  await speaking;
  if (asked) await enter(asked, naming);
  else askToken();
}

/** `/#token=…` signs in; the token leaves the address, and so the history, before anything else happens. @returns {boolean} */
function takeToken() {
  const match = /^#token=(.+)$/.exec(location.hash);
  if (!match) return false;
  history.replaceState(null, "", `${location.pathname}#/now`);
  api.signIn(decodeURIComponent(match[1]), false);
  return true;
}

function askToken(error) {
  title("");
  replace(app, signInForm({ error, done: enter, spoken: () => askToken(error) }));
}

/** Enters with the token that is kept; whoever it does not fit is asked for one. */
async function enter(asked = api.get("/me"), naming = loadNames()) {
  try {
    me = await asked;
  } catch (error) {
    if (error.status === 401) return askToken(error);
    return replace(app, h("div", { class: "sign-in" }, failure(error, () => enter())));
  }
  await naming;
  session.abort();
  session = new AbortController();
  build();
  stream.start();
  open_alerts.watch(tellCount, session.signal);
  stream.on("alert", tellOfAlert, session.signal);
  open_alerts.begin(session.signal);
  await route();
  setTimeout(foresee, AT_REST);
}

/** What people open next from Now is fetched before they press. What cannot be had is asked for again when it is needed. */
function foresee() {
  for (const view of ["alert", "subject", "documents", "document"]) Promise.resolve(fetched(view)).catch(() => {});
}

/** How many ring, beside the word Alerts and in the title. */
function tellCount(found) {
  if (!found) return;
  const ringing = found.alerts.filter((each) => each.state !== "pending").length;
  shell?.count(ringing);
  rings(ringing);
}

/** An alert that is new or has grown more severe is told wherever one is: to screen readers, and as a link to whoever looks elsewhere. */
function tellOfAlert(alert) {
  const before = open_alerts.openAlerts()?.alerts.find((each) => each.alert === alert.alert);
  const grown = alert.state === "updated" && before && SEVERITIES.indexOf(alert.severity) < SEVERITIES.indexOf(before.severity);
  if (alert.state !== "firing" && !grown) return;
  const origin = alert.demo ? t("words.demo") : alert.replay ? t("words.replay") : "";
  const words = `${origin}${label("severity", alert.severity)}: ${plain(subjectName(alert.subject, alert.name))}`;
  announce(words);
  const { view, id } = parse(location.hash);
  if (view === "now" || (view === "alerts" && (!id || id === alert.alert))) return;
  toast(h("a", { href: link("alerts", {}, alert.alert) }, words), alert.severity === "critical" ? "bad" : "");
}

function build() {
  framed.abort();
  framed = new AbortController();
  shell = frame({ me, signOut, signal: framed.signal, anew });
  replace(app, shell.element);
}

/** The same place, in another language. */
async function anew() {
  await loadNames();
  if (!shell) return; // signed out meanwhile
  build();
  shown.path = "";
  route();
  tellCount(open_alerts.openAlerts());
}

function signOut() {
  history.replaceState(null, "", `${location.pathname}#/now`);
  leave();
}

/** Back to the door. The address stays, so that whoever signs in again is where they were. @param {string} [code] why, where nobody asked for it */
function leave(code) {
  shell = null;
  stream.stop();
  for (const life of [session, framed, shown.stop]) life.abort();
  shown.path = "";
  keys.leave();
  closeAll();
  clear();
  rings(0);
  api.signOut();
  askToken(code && Object.assign(new Error(), { code }));
}

/** The module of the view that an address means: itself where it has come before, else a promise; nothing where there is none. */
function module({ view, id }) {
  const names = Object.hasOwn(VIEWS, view) ? VIEWS[view] : null;
  return names && fetched(names[id && names[1] ? 1 : 0]);
}

function fetched(name) {
  return modules.get(name) ?? import(`./js/views/${name}.js`).then((found) => {
    modules.set(name, found);
    return found;
  });
}

/** Shows the view of the address. */
async function route() {
  if (!shell) return;
  const address = parse(location.hash);
  if (!Object.hasOwn(VIEWS, address.view)) return location.replace(link("now"));
  const path = `${address.view}/${address.id}`;
  const same = path === shown.path;
  shown.stop.abort();
  const stop = new AbortController();
  shown = { path, stop };
  place.leave();
  if (!same) closeAll();
  shell.mark(address.view);
  keys.leave();
  const root = h("div", { class: "view" });
  const done = draw(root, address, page(stop.signal));
  if (same) await Promise.race([done, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  if (stop.signal.aborted) return;
  steadily(shell.main, () => shell.main.replaceChildren(root));
  if (!same) {
    scrollTo(0, 0);
    shell.main.focus({ preventScroll: true });
  }
  await done;
  if (!stop.signal.aborted) place.settle();
}

async function draw(root, address, own) {
  const wait = setTimeout(() => root.childElementCount || root.append(waiting(5)), PATIENCE / 2);
  try {
    let found = module(address);
    if (found instanceof Promise) found = await found; // else what the view asks for is on its way before the old one is torn down
    root.replaceChildren(); // grey lines, where the module took long
    if (!own.signal.aborted) await found.show(root, { ...address.params, id: address.id }, own);
  } catch (error) {
    if (own.signal.aborted || error.name === "AbortError") return;
    if (!error.code) console.error(error);
    replace(root, failure(error, route));
  } finally {
    clearTimeout(wait);
  }
}

/**
 * What a view gets as `page`: `api` whose readings end when the view is left; `signal`; `me`; `onStream(event, fn)`;
 * `title(text)`; `announce(text)` to screen readers; `keys({a: fn})` while the view is shown; `go(view, params, id)`;
 * `again()` makes the view anew.
 */
function page(signal) {
  return {
    api: api.client(signal),
    signal,
    me,
    announce,
    onStream: (event, fn) => stream.on(event, fn, signal),
    title,
    keys: (found) => keys.own(found),
    go: (view, params, id) => { location.hash = link(view, params, id); },
    again: route,
  };
}

/** Paper is light: charts are drawn anew for it, and as they were afterwards. */
function printed() {
  const root = document.documentElement;
  const look = root.dataset.theme;
  root.dataset.theme = "light";
  dispatchEvent(new Event("themechange"));
  addEventListener("afterprint", () => {
    if (look) root.dataset.theme = look;
    else delete root.dataset.theme;
    dispatchEvent(new Event("themechange"));
  }, { once: true });
}

/** A page that nobody sees for long lets go of its stream: a browser has few connections to one host, and shares them among tabs. */
function seen() {
  clearTimeout(unseen);
  if (document.hidden) {
    unseen = setTimeout(stream.stop, UNSEEN);
    return;
  }
  refreshTimes();
  if (api.token() && shell && stream.state() === "wait") stream.start();
}

/** A link within the page is followed at once: the browser itself waits a frame before it tells that the address has changed. */
function follow(event) {
  const href = event.target.closest?.("a[href^='#/']")?.getAttribute("href");
  const plainly = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!shell || !href || !plainly || event.defaultPrevented || href === location.hash) return;
  event.preventDefault();
  history.pushState(null, "", href);
  route();
}

addEventListener("click", follow);
addEventListener("hashchange", () => (takeToken() ? enter() : route()));
addEventListener("beforeprint", printed);
place.keep();
keys.listen();
setInterval(refreshTimes, TIMES);
document.addEventListener("visibilitychange", seen);
start().catch((error) => {
  console.error(error);
  app.textContent = "Tocsin does not answer. Load the page again. / Tocsin 没有响应，请重新加载页面。";
});
