/** How good a rule was on history: the badge beside everything that it says. */

import { h } from "../dom.js";
import { duration } from "../format.js";
import { lang, t } from "../i18n.js";

/** @param {any|null} badge as the API gives it @param {{long?: boolean}} [options] `long`: the whole sentence */
export function measured(badge, { long = false } = {}) {
  if (!badge) return h("span", { class: "measured" }, t("common.unmeasured"));
  const sentence = badge.text?.[lang()] ?? "";
  if (long && sentence) return h("span", { class: "measured" }, sentence);
  const parts = [
    badge.precision !== null && t("common.measured.precision", { value: badge.precision.toFixed(2) }),
    badge.recall !== null && t("common.measured.recall", { value: badge.recall.toFixed(2) }),
    badge.delay_median_s !== null && t("common.measured.delay", { value: duration(badge.delay_median_s) }),
  ];
  return h("span", { class: "measured", title: sentence }, parts.filter(Boolean).join(" · "));
}
