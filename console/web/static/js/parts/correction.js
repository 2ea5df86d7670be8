/** What a person says one label of a document should be: kept for training and review, as `tocsin feedback add` does. */

import { newKey } from "../api.js";
import { h } from "../dom.js";
import { label } from "../format.js";
import { t } from "../i18n.js";
import { ask, field } from "./dialog.js";
import { toast } from "./toast.js";

const TONES = ["negative", "neutral", "positive"];
const NOTE = 1000;

/** A button that asks for the correction; what is missing, where the role does not allow it. */
export function correction(document, page) {
  if (page.me && page.me.role === "read") return h("p", { class: "hint" }, t("documents.correct.role"));
  return h("p", { class: "actions start" }, h("button", { type: "button", onclick: () => correct(document, page) }, t("documents.correct.button")));
}

async function correct(document, page) {
  const { labels } = await page.api.get("/models");
  const choices = { sentiment: labels?.sentiment ?? TONES, topic: labels?.topic ?? [], risk: labels?.risk ?? [] };
  const head = h("select", { name: "head" }, Object.keys(choices).filter((each) => choices[each].length).map((value) => h("option", { value }, t(`documents.head.${value}`))));
  const value = h("select", { name: "label" });
  const judged = h("p", { class: "hint" });
  const fill = () => {
    value.replaceChildren(...choices[head.value].map((each) => h("option", { value: each }, label(head.value, each))));
    const said = document[head.value]?.label;
    judged.textContent = said ? t("documents.correct.judged", { label: label(head.value, said) }) : t("documents.correct.unjudged");
    if (said) value.value = said;
  };
  head.addEventListener("change", fill);
  fill();
  const note = h("textarea", { name: "note", rows: 3, maxlength: NOTE });
  const key = newKey();
  const done = await ask({
    title: t("documents.correct.title"), about: t("documents.correct.about"), button: t("documents.correct.send"),
    fields: [field(t("documents.correct.head"), head), judged, field(t("documents.correct.label"), value), field(t("documents.correct.note"), note, t("documents.correct.note_hint"))],
    send: (said) => page.api.post(`/documents/${encodeURIComponent(document.id)}/label`, Object.fromEntries(said), { key }),
  });
  if (done) toast(t("documents.correct.done"), "good");
}
