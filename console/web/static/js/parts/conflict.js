/** Two texts of one file side by side; lines that only one of them has are marked. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { open } from "./dialog.js";

/** @param {string} theirs @param {string} mine @returns {Promise<"theirs"|"mine"|"">} the one that goes on in the editor */
export function conflict(theirs, mine) {
  return new Promise((resolve) => {
    let chosen = "";
    const choose = (which) => () => { chosen = which; dialog.close(); };
    const dialog = open(t("rules.conflict.title"), h("div", { class: "form" },
      h("p", null, t("rules.conflict.about")),
      h("div", { class: "conflict" }, side(t("rules.conflict.theirs"), theirs, mine), side(t("rules.conflict.mine"), mine, theirs)),
      h("div", { class: "actions" }, h("button", { type: "button", onclick: choose("theirs") }, t("rules.conflict.take")), h("button", { type: "button", class: "primary", onclick: choose("mine") }, t("rules.conflict.keep")))), { wide: true });
    dialog.addEventListener("close", () => resolve(chosen));
  });
}

function side(title, text, other) {
  const known = new Set(other.split("\n"));
  const lines = text.split("\n").map((line) => (known.has(line) ? `${line}\n` : h("mark", null, `${line}\n`)));
  return h("section", null, h("h3", null, title), h("pre", { tabindex: "0" }, lines));
}
