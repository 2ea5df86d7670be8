/** What the rules of a text would have rung in the last days, against those in force. Nothing is written, nobody is told. */

import { del } from "../api.js";
import { h } from "../dom.js";
import { duration, number, percent, plain, subjectName, time } from "../format.js";
import { rich, t } from "../i18n.js";
import * as routes from "../routes.js";
import { orNone } from "./figures.js";
import { body, panel } from "./layout.js";
import { severity, tag } from "./severity.js";
import { failure } from "./states.js";
import { table } from "./table.js";

const MOST = 90; // days
const USUAL = 7;
const PACE = 1000; // ms between two looks at how far it is
const SHOWN = 50;

/** @param {any} page @param {() => {text: string, file: string, ok: boolean}} draft what to try @returns {HTMLElement} */
export function whatIf(page, draft) {
  const days = h("input", { type: "number", name: "days", min: 1, max: MOST, value: USUAL, required: true, "aria-label": t("rules.whatif.days_label") });
  const start = h("button", { class: "primary" }, t("rules.whatif.start"));
  const host = h("div", { class: "whatif-result" });
  const run = async (event) => {
    event.preventDefault();
    const { text, file, ok } = draft();
    if (!ok) return host.replaceChildren(h("p", { class: "note" }, t("rules.whatif.faulty")));
    start.disabled = true;
    try {
      await tried(page, host, { text, file, days: Number(days.value) });
    } catch (error) {
      if (error.name !== "AbortError") host.replaceChildren(failure(error));
    }
    start.disabled = false;
    return null;
  };
  return panel(t("rules.whatif.title"), body(h("p", { class: "quiet" }, t("rules.whatif.about")),
    h("form", { class: "whatif-form", onsubmit: run }, rich("rules.whatif.last", { days }), start), host), { id: "whatif" });
}

async function tried(page, host, asked) {
  const { job } = await page.api.post("/rules/whatif", asked);
  const bar = h("progress", { max: 1, "aria-label": t("rules.whatif.progress") });
  const said = h("p", { class: "quiet", role: "status" }, t("rules.whatif.waiting"));
  let over = false;
  const cancel = () => del(`/jobs/${job}`).catch(() => {});
  page.signal.addEventListener("abort", () => over || cancel(), { once: true }); // whoever leaves waits for nothing
  if (page.signal.aborted) cancel();
  host.replaceChildren(h("div", { class: "progress" }, bar, said, h("button", { type: "button", onclick: cancel }, t("rules.whatif.cancel"))));
  try {
    const found = await ended(page, job, bar, said);
    over = true;
    host.replaceChildren(...[outcome(found)].flat(Infinity).filter(Boolean));
    page.announce(host.querySelector(".whatif-tally")?.textContent ?? "");
  } finally {
    over = true;
  }
}

async function ended(page, job, bar, said) {
  for (;;) {
    const found = await page.api.get(`/jobs/${job}`);
    if (!["waiting", "running"].includes(found.state)) return found;
    if (found.progress === null || found.progress === undefined) bar.removeAttribute("value");
    else bar.value = found.progress;
    said.textContent = [found.said || t(`rules.whatif.${found.state}`), found.progress ? percent(found.progress) : ""].filter(Boolean).join(" · ");
    await new Promise((resolve) => setTimeout(resolve, PACE));
  }
}

function outcome({ state, result, error }) {
  if (state === "cancelled") return h("p", { class: "quiet" }, t("rules.whatif.cancelled"));
  if (state === "failed") return failure(Object.assign(new Error(error?.message ?? ""), { code: error?.code ?? "failed", fix: error?.fix ?? "" }));
  if (!result.documents) return h("p", { class: "note" }, t("rules.whatif.no_data"));
  const tally = { gained: number(result.gained_count), lost: number(result.lost_count), moved: number(result.moved_count), kept: number(result.kept) };
  const documents = h("a", { href: routes.documents({ from: result.from, to: result.to }) },
    t("rules.whatif.documents", { count: number(result.documents), of: result.documents }));
  const over = rich("rules.whatif.over", { documents, from: time(result.from, "stamp"), to: time(result.to, "stamp") });
  return [
    h("p", { class: "whatif-tally" }, t("rules.whatif.tally", tally)),
    h("p", { class: "hint" }, over, t("words.gap"), short(result.history)),
    byRule(result), list("gained", result.gained, result.gained_count, alertLine), list("lost", result.lost, result.lost_count, alertLine),
    list("moved", result.moved, result.moved_count, movedLine),
  ];
}

/** That rules want more history than there is, so that live they may ring otherwise. */
function short({ short: rules, days, wanted_days: wanted }) {
  return rules.length > 0 && t("rules.whatif.short", { rules: rules.join(t("words.comma")), days: number(Math.floor(days)), wanted: number(Math.round(wanted)) });
}

function byRule({ rules }) {
  const rows = rules.map(({ name, before, after, differs }) =>
    [h("span", { class: "mono" }, name), orNone(before), orNone(after), difference(before, after, differs)]);
  const heads = [t("rules.column.rule"), ...["before", "after", "difference"].map((name) => ({ text: t(`rules.whatif.${name}`), num: true }))];
  return table(t("rules.whatif.by_rule"), heads, rows);
}

/** How many more or fewer; a rule that stays as it is need not have been played. */
function difference(before, after, differs) {
  if (!differs) return h("span", { class: "quiet" }, t("rules.changed.same"));
  if (before === null || after === null) return t(before === null ? "rules.changed.new" : "rules.whatif.no_more");
  const by = after - before;
  return by ? h("strong", null, `${by > 0 ? "+" : "−"}${number(Math.abs(by))}`) : "±0";
}

function list(name, found, count, line) {
  if (!count) return null;
  const rest = count - Math.min(found.length, SHOWN);
  return h("section", { class: "whatif-alerts" }, h("h3", null, t(`rules.whatif.${name}`, { count: number(count), of: count })),
    h("ul", { class: "lines" }, found.slice(0, SHOWN).map((each) => line(each))),
    rest > 0 && h("p", { class: "hint" }, t("rules.whatif.rest", { count: number(rest) })));
}

/** An alert that would be, with its strongest document. @param {any} of an AlertBrief */
export function alertLine(of, extra = null) {
  const span = { from: of.since, to: of.until ?? "" };
  const headline = of.document ? h("a", { class: "plain", href: routes.link("documents", {}, of.document) }, plain(of.headline)) : plain(of.headline);
  return h("li", { dataset: { item: "" } },
    h("div", { class: "alert-line" }, severity(of.severity), h("a", { href: routes.documents({ subject: of.subject, ...span }) }, subjectName(of.subject, of.name)),
      h("span", { class: "mono quiet small" }, of.rule), time(of.since, "both"), extra),
    of.headline && h("p", { class: "small" }, headline));
}

/** The same alert at another time. @param {any} of a MovedBrief */
export function movedLine({ after, seconds }) {
  return alertLine(after, tag(t(seconds > 0 ? "rules.whatif.later" : "rules.whatif.earlier", { time: duration(Math.abs(seconds)) })));
}
