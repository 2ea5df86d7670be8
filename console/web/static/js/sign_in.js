/** The door: a token, kept for the tab or for later visits. */

import { get, signIn, signOut } from "./api.js";
import { h } from "./dom.js";
import { LANGUAGES, choose, lang, t } from "./i18n.js";
import { field } from "./parts/dialog.js";
import { prose } from "./parts/prose.js";
import { fix, message } from "./parts/states.js";

/** @param {{error?: Error, done: (me: any) => void, spoken: () => void}} of `done` after the token was taken, `spoken` after a change of language */
export function signInForm({ error, done, spoken }) {
  const token = h("input", { type: "password", name: "token", required: true, autocomplete: "current-password", spellcheck: "false" });
  const stay = h("input", { type: "checkbox", name: "stay" });
  const trouble = h("div", { class: "failure", role: "alert", hidden: true });
  const tell = (found) => {
    const known = found.status === 401 ? { code: "token" } : found;
    trouble.replaceChildren(h("p", { class: "failure-title" }, message(known)), h("p", null, prose(fix(known))));
    trouble.hidden = false;
  };
  if (error) tell(error);
  const form = h("form", null, h("input", { type: "text", name: "username", autocomplete: "username", value: "token", hidden: true, "aria-hidden": "true" }),
    h("p", { class: "brand" }, h("img", { src: "/static/icon.svg", alt: "" }), "Tocsin"),
    h("h1", null, t("shell.sign_in.title")), trouble,
    field(t("shell.sign_in.token"), token, prose(t("shell.sign_in.hint"))),
    h("label", null, stay, " ", t("shell.sign_in.stay")),
    h("div", { class: "actions" }, other(spoken), h("button", { class: "primary" }, t("shell.sign_in.button"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    signIn(token.value.trim(), stay.checked);
    try {
      done(await get("/me"));
    } catch (found) {
      signOut();
      tell(found);
      token.select();
    }
  });
  return h("main", { class: "sign-in" }, form);
}

function other(spoken) {
  const next = LANGUAGES.find((each) => each !== lang());
  return h("button", { type: "button", class: "ghost", lang: next === "zh" ? "zh-CN" : "en", onclick: () => choose(next).then(spoken) },
    t("shell.other_language"));
}
