/** Starts the page: language, sign-in, the frame, and one view for each address. */

import * as api from "./js/api.js";
import { h, replace } from "./js/dom.js";
import { label, plain, refreshTimes, subjectName } from "./js/format.js";
import { load, preferred, t } from "./js/i18n.js";
import * as keys from "./js/keys.js";
import * as open_alerts from "./js/open_alerts.js";
import { failure, waiting } from "./js/parts/states.js";
import { announce, toast } from "./js/parts/toast.js";
import { link, parse } from "./js/routes.js";
import { frame } from "./js/shell.js";
import { signInForm } from "./js/sign_in.js";
import * as stream from "./js/stream.js";

/** Views by the first word of an address; with an id another view may stand for one thing of the list. */
const VIEWS = {
  now: ["now"], alerts: ["alerts", "alert"], subjects: ["subjects", "subject"], documents: ["documents", "document"],
  rules: ["rules"], replay: ["replay"], sources: ["sources"], models: ["models"], audit: ["audit"], api: ["reference"],
};
const TIMES = 20_000; // ms between refreshes of relative times
const UNSEEN = 120_000; // ms that a hidden page goes on listening
const PATIENCE = 400; // ms that what stands there stays while the same view is made anew
const app = document.getElementById("app");
let me = null;
let shell = null;
let unseen = 0;
let framed = new AbortController();
let session = new AbortController();
let shown = { path: "", stop: new AbortController() };

async function start() {
  takeToken();
  await load(preferred());
  api.onLost(() => shell && signOut()); // at the door the form tells why it was refused
  if (api.token()) await enter();
  else askToken();
}

/** `/#token=…` signs in; the token leaves the address, and so the history, before anything else happens. */
function takeToken() {
  const match = /^#token=(.+)$/.exec(location.hash);
  if (!match) return;
  history.replaceState(null, "", `${location.pathname}#/now`);
  api.signIn(decodeURIComponent(match[1]), false);
}

function askToken(error) {
  document.title = "Tocsin";
  replace(app, signInForm({ error, done: enter, spoken: () => askToken(error) }));
}

/** Enters with the token that is kept; whoever it does not fit is asked for one. */
async function enter() {
  try {
    me = await api.get("/me");
  } catch (error) {
    if (error.status === 401) return askToken(error);
    return replace(app, h("div", { class: "sign-in" }, failure(error, enter)));
  }
  session.abort();
  session = new AbortController();
  build();
  stream.start();
  open_alerts.watch(tellCount, session.signal);
  stream.on("alert", tellOfAlert, session.signal);
  open_alerts.begin(session.signal);
  await route();
}

/** How many ring, beside the word Alerts. */
function tellCount(found) {
  if (found) shell?.count(found.alerts.filter((each) => each.state !== "pending").length);
}

/** A new alert is told wherever one is: to screen readers, and as a link to whoever does not look at Now. */
function tellOfAlert(alert) {
  if (alert.state !== "firing") return;
  const origin = alert.demo ? t("words.demo") : alert.replay ? t("words.replay") : "";
  const words = `${origin}${label("severity", alert.severity)}: ${plain(subjectName(alert.subject, alert.name))}`;
  announce(words);
  if (parse(location.hash).view !== "now") toast(h("a", { href: link("alerts", {}, alert.alert) }, words), alert.severity === "critical" ? "bad" : "");
}

function build() {
  framed.abort();
  framed = new AbortController();
  shell = frame({ me, signOut, signal: framed.signal, anew: () => { build(); shown.path = ""; route(); tellCount(open_alerts.openAlerts()); } });
  replace(app, shell.element);
}

function signOut() {
  shell = null;
  stream.stop();
  session.abort();
  shown.stop.abort();
  shown.path = "";
  api.signOut();
  askToken();
}

/** Shows the view of the address. */
async function route() {
  if (!shell) return;
  const { view, id, params } = parse(location.hash);
  const names = VIEWS[view];
  if (!names) return location.replace(link("now"));
  const path = `${view}/${id}`;
  const same = path === shown.path;
  shown.stop.abort();
  const stop = new AbortController();
  shown = { path, stop };
  shell.mark(view);
  keys.leave();
  const root = h("div", { class: "view" });
  const done = draw(root, names[id && names[1] ? 1 : 0], { ...params, id }, page(stop.signal));
  if (same) await Promise.race([done, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  if (stop.signal.aborted) return;
  shell.main.replaceChildren(root);
  if (!same) {
    scrollTo(0, 0);
    shell.main.focus({ preventScroll: true });
  }
}

async function draw(root, name, params, own) {
  const wait = setTimeout(() => root.childElementCount || root.append(waiting(5)), PATIENCE / 2);
  try {
    const { show } = await import(`./js/views/${name}.js`);
    if (!own.signal.aborted) await show(root, params, own);
  } catch (error) {
    if (own.signal.aborted || error.name === "AbortError") return;
    if (!error.code) console.error(error);
    replace(root, failure(error, route));
  } finally {
    clearTimeout(wait);
  }
}

/**
 * What a view gets as `page`: `api` whose requests end when the view is left; `t`; `signal`; `me`; `onStream(event, fn)`;
 * `title(text)`; `announce(text)` to screen readers; `keys({a: fn})` while the view is shown; `go(view, params, id)`, and with
 * `{quiet: true}` only the address changes; `again()` makes the view anew.
 */
function page(signal) {
  return {
    api: api.client(signal),
    t,
    signal,
    me,
    announce,
    onStream: (event, fn) => stream.on(event, fn, signal),
    title: (text) => { document.title = `${text} · Tocsin`; },
    keys: (found) => keys.own(found),
    go: (view, params, id, { quiet = false } = {}) => {
      if (quiet) history.replaceState(null, "", link(view, params, id));
      else location.hash = link(view, params, id);
    },
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

addEventListener("hashchange", () => {
  takeToken();
  route();
});
addEventListener("beforeprint", printed);
keys.listen();
setInterval(refreshTimes, TIMES);
document.addEventListener("visibilitychange", seen);
start().catch((error) => {
  console.error(error);
  app.textContent = "Tocsin does not answer. Load the page again. / Tocsin 没有响应，请重新加载页面。";
});
