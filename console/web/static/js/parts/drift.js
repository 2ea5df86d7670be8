/** That texts have changed against those that a model knows, in words. */

import { h } from "../dom.js";
import { label, number, time } from "../format.js";
import { has, t } from "../i18n.js";

/** A list of what differs, each with how much and from how many texts. @param {any[]} found as GET /models and GET /health give it */
export function drifts(found) {
  return h("ul", { class: "lines" }, found.map(drifted));
}

function drifted({ subject, since, observed, expected, support, labels }) {
  const named = {
    feature: word("feature", labels.feature), lang: label("language", labels.lang), kind: label("kind", labels.kind), against: word("against", labels.against),
  };
  const figures = { observed: observed.toFixed(3), limit: expected?.toFixed(3), count: number(support), of: support };
  return h("li", null, h("p", null, t("models.drift.one", named)),
    h("p", { class: "facts" },
      h("span", { class: "mono" }, `${subject.replace(/^model:/, "")} ${labels.version ?? ""}`),
      h("span", null, t(expected === undefined ? "models.drift.apart" : "models.drift.figures", figures)), since && time(since, "both")));
}

function word(kind, value) {
  return has(`models.${kind}.${value}`) ? t(`models.${kind}.${value}`) : value;
}
