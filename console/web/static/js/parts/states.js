/** What stands where nothing stands: empty, waiting, refused. */

import { h } from "../dom.js";
import { has, t } from "../i18n.js";
import { prose } from "./prose.js";
import { steadily } from "./steady.js";

const turns = new WeakMap(); // by host, how often something was asked for it

/** Nothing there, said in words. @param {string} title @param {any} [more] what it means or what to do */
export function empty(title, more) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), more && h("p", { class: "quiet" }, typeof more === "string" ? prose(more) : more));
}

/** Grey lines while something is awaited. @param {number} [lines] */
export function waiting(lines = 3) {
  const bars = Array.from({ length: lines }, () => h("div", { class: "bar" }));
  return h("div", { class: "waiting", role: "status", "aria-label": t("shell.waiting") }, bars);
}

/** A refusal: what happened, what to do, and a button that tries again. @param {Error} error @param {() => void} [again] */
export function failure(error, again) {
  return h("div", { class: "failure", role: "alert" },
    h("p", { class: "failure-title" }, message(error)),
    fix(error) && h("p", null, prose(fix(error))),
    again && h("p", null, h("button", { type: "button", onclick: again }, t("shell.again"))));
}

/** The words of an error, for a line of text. @param {Error & {code?: string}} error */
export function message(error) {
  if (error.message && error.code) return error.message;
  return has(`shell.error.${error.code}`) ? t(`shell.error.${error.code}`) : t("shell.error.fault", { name: error.name });
}

/** What to do about an error, or "". */
export function fix(error) {
  return error.fix || (has(`shell.fix.${error.code}`) ? t(`shell.fix.${error.code}`) : "");
}

/**
 * Puts what `make()` promises into `host`: grey lines until then, a failure with "try again" where it is refused. Null leaves
 * what is there. An answer that a later one overtook is dropped.
 */
export async function into(host, make, lines = 3) {
  const turn = (turns.get(host) ?? 0) + 1;
  turns.set(host, turn);
  if (!host.childElementCount) host.replaceChildren(waiting(lines));
  try {
    const found = await make();
    if (turn === turns.get(host) && found !== null) steadily(host, () => host.replaceChildren(...[found].flat(Infinity).filter(Boolean)));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (turn === turns.get(host)) host.replaceChildren(failure(error, () => into(host, make, lines).catch(() => {})));
  }
}
