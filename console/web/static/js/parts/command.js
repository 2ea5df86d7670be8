/** A command to copy into a terminal. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { toast } from "./toast.js";

/** @param {string} text */
export function command(text) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t("shell.copied"), "good");
    } catch {
      getSelection().selectAllChildren(shown); // a page without HTTPS may not write: what is selected can be copied by hand
      toast(t("shell.copy_by_hand"));
    }
  };
  const shown = h("code", null, text);
  return h("div", { class: "command" }, h("pre", { tabindex: "0" }, shown), h("button", { type: "button", onclick: copy }, t("shell.copy")));
}
