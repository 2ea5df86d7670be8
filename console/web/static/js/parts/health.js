/** How Tocsin itself is, in a line: calm when all is well, loud about what is not. */

import { h, replace } from "../dom.js";
import { label, plain } from "../format.js";
import { lang, t } from "../i18n.js";
import { link } from "../routes.js";
import { shape } from "./severity.js";
import { message } from "./states.js";

const UP = new Set(["serving", "external"]);

/** Whether an engine serves. @param {{state: string}} engine */
export function serves(engine) {
  return UP.has(engine.state);
}

/** Puts the line into `host`. */
export async function strip(host, page) {
  if (!host.childElementCount) replace(host, h("p", { class: "health" }, h("span", { class: "sign" }, t("now.health.asked"))));
  try {
    const health = await page.api.get("/health");
    const ill = health.engines.filter((engine) => !serves(engine));
    const idle = health.stages.filter((stage) => stage.running === false);
    const late = health.stages.filter((stage) => stage.lag > 1000);
    replace(host, h("a", { class: `health ${health.status}`, href: link("sources") }, chip(!ill.length, ill.length ? t("now.health.engines_ill", { names: ill.map((engine) => label("engine", engine.name)).join(t("words.comma")) }) : t("now.health.engines", { count: health.engines.length })),
      chip(!idle.length && !late.length, idle.length ? t("now.health.stages_ill", { names: idle.map((stage) => stage.stage).join(t("words.comma")) }) : late.length ? t("now.health.stages_late", { names: late.map((stage) => stage.stage).join(t("words.comma")) }) : t("now.health.stages", { count: health.stages.length })),
      health.alerts.slice(0, 2).map((alert) => chip(false, plain(alert.says[lang()] ?? alert.subject), alert.severity))));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    replace(host, h("a", { class: "health degraded", href: link("sources") }, chip(false, t("now.health.unknown", { why: message(error) }))));
  }
}

function chip(well, text, severity = "warning") {
  return h("span", { class: `sign ${well ? "well" : severity}` }, well ? h("span", { class: "dot", "aria-hidden": "true" }) : shape(severity), text);
}
