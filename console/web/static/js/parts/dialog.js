/** Dialogs: the browser's own <dialog>, so focus stays inside, Escape closes, and focus goes back afterwards. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { prose } from "./prose.js";
import { fix, message } from "./states.js";

let serial = 0;

/**
 * Opens a dialog.
 * @param {string} title @param {any} body @param {{wide?: boolean}} [options]
 * @returns {HTMLDialogElement} closes with `.close()`
 */
export function open(title, body, { wide = false } = {}) {
  serial += 1;
  const id = `dialog-${serial}`;
  const close = h("button", { type: "button", class: "ghost icon", "aria-label": t("shell.close"), onclick: () => dialog.close() }, "×");
  const dialog = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": id },
    h("div", { class: "dialog-head" }, h("h2", { id }, title), close), h("div", { class: "dialog-body" }, body));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Closes what is open: it belongs to what is no longer shown. */
export function closeAll() {
  for (const each of document.querySelectorAll("dialog[open]")) each.close();
}

/**
 * A form in a dialog. `send(values)` does it; while it is under way the button waits, and a refusal is told in place.
 * @param {{title: string, about?: any, fields: HTMLElement[], button: string, danger?: boolean, send: (values: FormData) => Promise<any>}} of
 * @returns {Promise<any>} what `send` gave, or null where the dialog was closed
 */
export function ask({ title, about, fields, button, danger = false, send }) {
  return new Promise((resolve) => {
    let answer = null;
    const trouble = h("div", { class: "failure", role: "alert", hidden: true });
    const submit = h("button", { class: danger ? "danger" : "primary" }, button);
    const cancel = h("button", { type: "button", onclick: () => dialog.close() }, t("shell.cancel"));
    const form = h("form", { method: "dialog", class: "form" }, about && h("p", { class: "quiet" }, about), fields, trouble,
      h("div", { class: "actions" }, cancel, submit));
    const dialog = open(title, form);
    dialog.addEventListener("close", () => resolve(answer));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (submit.disabled) return;
      submit.disabled = true;
      trouble.hidden = true;
      try {
        answer = await send(new FormData(form));
        dialog.close();
      } catch (error) {
        trouble.replaceChildren(h("p", { class: "failure-title" }, message(error)), h("p", null, prose(fix(error))));
        trouble.hidden = false;
        submit.disabled = false;
      }
    });
    form.querySelector("input,textarea,select")?.focus();
  });
}

/** A labelled field. @param {string} name @param {string} text @param {HTMLElement} control @param {string} [hint] */
export function field(text, control, hint) {
  serial += 1;
  control.id ||= `field-${serial}`;
  if (hint) control.setAttribute("aria-describedby", `${control.id}-hint`);
  return h("div", { class: "field" }, h("label", { for: control.id }, text), control,
    hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint));
}
