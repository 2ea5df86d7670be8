/** What people do with an alert: dialogs that ask what must be said, and do it once however often the button is pressed. */

import { newKey } from "../api.js";
import { h } from "../dom.js";
import { plain } from "../format.js";
import { t } from "../i18n.js";
import { name } from "./alert_words.js";
import { ask, field } from "./dialog.js";
import { toast } from "./toast.js";

const HELD = ["", "1h", "4h", "1d"];
const SILENT = ["1h", "30m", "4h", "1d", "7d"];
const REASON = 1000; // characters that the API takes

/** Whether this caller may; else why not is told on the buttons. @param {{role: string}} me */
export function may(me) {
  return me.role === "operate" || me.role === "admin";
}

/** @param {any} event newest step of the alert @param {any} page @returns {Promise<any>} null: nothing was done */
export function acknowledge(event, page) {
  const lasting = choice("for", HELD.map((value) => [value, value ? t(`alert.lasting.${value}`) : t("alert.lasting.worse")]));
  return act(page, event, "acknowledge", [field(t("alert.reason_optional"), reason(false)), field(t("alert.acknowledge.lasting"), lasting)],
    (values) => ["/acknowledge", { reason: values.get("reason"), for: values.get("for") }]);
}

/** Marks it wrong or right. @param {boolean} right */
export function mark(event, page, right) {
  return act(page, event, right ? "right" : "wrong", [field(t("alert.reason_optional"), reason(false))],
    (values) => ["/mark", { right, reason: values.get("reason") }]);
}

/** Tells those who are told when nobody acknowledges. */
export function escalate(event, page) {
  return act(page, event, "escalate", [field(t("alert.reason"), reason(true))], (values) => ["/escalate", { reason: values.get("reason") }]);
}

/** Silences it, its rule on its subject, or all about its subject. */
export function silence(event, page) {
  const length = choice("for", SILENT.map((value) => [value, t(`alert.lasting.${value}`)]));
  const scopes = scopesOf(event);
  const scope = choice("scope", Object.keys(scopes).map((which) => [which, t(`alert.silence.scope.${which}`, { rule: event.rule, name: name(event) })]));
  return act(page, event, "silence", [field(t("alert.silence.for"), length), field(t("alert.silence.what"), scope), field(t("alert.reason"), reason(true), t("alert.silence.hint"))],
    (values) => [null, { match: scopes[values.get("scope")], for: values.get("for"), reason: values.get("reason") }]);
}

/** A name that ends in `*` would silence more than it says, so only the alert itself can be meant then. */
function scopesOf(event) {
  const starred = event.rule.endsWith("*") || event.subject.endsWith("*");
  const whole = { alert: [event.alert] };
  return starred ? { alert: whole } : { rule: { rule: [event.rule], subject: [event.subject] }, subject: { subject: [event.subject] }, alert: whole };
}

async function act(page, event, what, fields, request) {
  const keys = new Map(); // the same words again, after no answer, are the same request
  const send = (values) => {
    const [path, body] = request(values);
    for (const name_ of Object.keys(body)) if (body[name_] === "") delete body[name_];
    const text = JSON.stringify([path, body]);
    if (!keys.has(text)) keys.set(text, newKey());
    return page.api.post(path === null ? "/silences" : `/alerts/${event.alert}${path}`, body, { key: keys.get(text) });
  };
  const done = await ask({ title: t(`alert.${what}.title`), about: [h("strong", null, name(event)), " · ", plain(event.rule), h("br"), t(`alert.${what}.about`)], fields,
    button: t(`alert.${what}.button`), danger: what === "wrong" || what === "escalate", send });
  if (done) toast(t(`alert.${what}.done`), "good");
  return done;
}

function reason(required) {
  return h("textarea", { name: "reason", rows: 2, maxlength: REASON, required });
}

function choice(name_, options) {
  return h("select", { name: name_ }, options.map(([value, text]) => h("option", { value }, text)));
}
