/** One alert in a list: how bad, what and why, since when, in whose hands, how good its rule is. */

import { h } from "../dom.js";
import { marked, plain, segments, things, time } from "../format.js";
import { rich, t } from "../i18n.js";
import { link } from "../routes.js";
import { name, why } from "./alert_words.js";
import { measured } from "./measured.js";
import { origins, severity, state } from "./severity.js";

/** @param {any} alert as GET /alerts gives it */
export function alertRow(alert) {
  const over = alert.state === "resolved";
  return h("li", { class: `alert-row ${alert.severity} ${over ? "over" : ""}`, dataset: { item: "", alert: alert.alert } },
    h("div", { class: "alert-bad" }, severity(alert.severity), alert.state !== "firing" && alert.state !== "updated" && alert.state !== "amended" && state(alert.state)),
    h("div", { class: "alert-what" },
      h("p", { class: "alert-name" }, h("a", { href: link("alerts", {}, alert.alert) }, name(alert)), " ", origins(alert)),
      h("p", { class: "alert-why" }, over && alert.status.worst ? rich("alert.at_worst", { figures: h("span", null, why({ ...alert, ...alert.status.worst, state: "firing" })) }) : why(alert)),
      told(alert)),
    h("div", { class: "alert-when" }, h("p", null, over ? rich("alert.ended", { time: time(alert.at) }) : time(alert.since)), h("p", { class: "quiet small" }, time(over ? alert.at : alert.since, "clock"))),
    h("div", { class: "alert-care" }, care(alert.status)),
    h("div", { class: "alert-rule" }, h("a", { class: "plain small mono", href: link("alerts", { state: "all", rule: alert.rule }) }, plain(alert.rule)), h("p", null, measured(alert.measured))));
}

/** What the columns say; on a phone every row tells it by itself. */
export function alertHeads() {
  return h("div", { class: "alert-heads", "aria-hidden": "true" }, ["severity", "what", "when", "care", "rule"].map((name) => h("span", null, t(`alerts.heads.${name}`))));
}

function told(alert) {
  const first = alert.evidence?.find((each) => each.headline);
  if (!first || alert.state === "resolved") return null;
  const copies = first.copies > 1 ? ` · ${things("copy", first.copies)}` : "";
  return h("p", { class: "alert-story" }, h("a", { class: "plain", href: link("documents", {}, first.document) }, marked(segments(first.headline, first.highlights))),
    h("span", { class: "quiet" }, ` — ${plain(first.source)}${copies}`));
}

/** Who has it in hand, until when it is silent, how people marked it. @param {any} status of the alert */
export function care(status) {
  const held = status.acknowledged;
  const found = [];
  if (held) found.push(h("p", { class: "held" }, t("alert.held", { author: plain(held.author) })));
  if (status.open && status.silences.length) found.push(h("p", { class: "quiet" }, t("alert.silenced")));
  if (status.right || status.wrong) found.push(h("p", { class: "quiet" }, t("alert.marked", { right: status.right, wrong: status.wrong })));
  if (!found.length && status.open) found.push(h("p", { class: "nobody" }, t("alert.nobody")));
  return found;
}
