/** Rules: what is in force, how good each is (measured on history, and by people's marks), and the files to change them in. */

import { append, h, replace } from "../dom.js";
import { duration, label, number, percent, plain } from "../format.js";
import { t } from "../i18n.js";
import { ask, field } from "../parts/dialog.js";
import { interval, orNone } from "../parts/figures.js";
import { body, heading, panel } from "../parts/layout.js";
import { rate, share } from "../parts/measures.js";
import { showFile } from "../parts/rule_file.js";
import { faultList, inWords, readOnlyWords } from "../parts/rule_words.js";
import { SEVERITIES, severity, tag } from "../parts/severity.js";
import { empty } from "../parts/states.js";
import * as routes from "../routes.js";

const COLUMNS = ["rule", "severity", "precision", "recall", "delay", "false", "marks", "open"];
const NAME = "[A-Za-z0-9][A-Za-z0-9_.\\-]*\\.yaml";

export async function show(root, params, page) {
  const found = await page.api.get("/rules");
  if (params.id) {
    await showFile(root, params, page, found);
    return;
  }
  page.title(t("rules.title"));
  replace(root, header(found, page), files(found));
  if (found.faults.length) append(root, faulty(found.faults));
  const gone = params.rule && !found.rules.some((each) => each.name === params.rule);
  if (gone) append(root, h("p", { class: "note", role: "status" }, t("rules.unknown", { name: plain(params.rule) })));
  append(root, found.rules.length ? rules(found, params.rule) : h("section", { class: "panel" }, empty(t("rules.none"), t("rules.none_more"))));
  point(root.querySelector("tr.pointed"));
}

/** To the rule that the address names. */
function point(row) {
  if (!row) return;
  row.scrollIntoView({ block: "center" });
  row.querySelector("a").focus({ preventScroll: true });
}

function header(found, page) {
  const add = found.writable && h("button", { type: "button", onclick: () => newFile(page) }, t("rules.new_file"));
  return heading(t("rules.title"), { lead: t("rules.lead", { count: number(found.rules.length), of: found.rules.length }), beside: add });
}

async function newFile(page) {
  const name = h("input", { name: "name", required: true, pattern: NAME, maxlength: 80, placeholder: "desk.yaml", autocapitalize: "off", spellcheck: "false" });
  await ask({
    title: t("rules.new_file"), button: t("rules.new_open"), fields: [field(t("rules.new_name"), name, t("rules.new_hint"))],
    send: async (values) => page.go("rules", {}, values.get("name")),
  });
}

/** The files as a row of links; why they cannot be written, where they cannot. */
function files(found) {
  const links = found.files.map((file) => h("li", null,
    h("a", { href: routes.link("rules", {}, file.name) }, h("span", { class: "mono" }, file.name)),
    h("span", { class: "quiet" }, ` ${t("rules.in_file", { count: file.rules.length })}`), !file.writable && [" ", tag(t("rules.read_only"))]));
  return panel(t("rules.files"), body(h("ul", { class: "files" }, links), !found.writable && h("p", { class: "hint" }, readOnlyWords(found))));
}

function faulty(faults) {
  return panel(t("rules.faults_now"), body(h("p", null, t("rules.faults_now_more")), faultList(faults)), { tone: "alarmed" });
}

function rules(found, pointed) {
  const heads = COLUMNS.map((name) =>
    h("th", { scope: "col", class: ["delay", "false", "open"].includes(name) ? "num" : "" }, t(`rules.column.${name}`)));
  const rows = found.rules.map((each, at) => row(each, `rule-${at}`, each.name === pointed));
  return panel(t("rules.in_force"), h("div", { class: "table-scroll cards", tabindex: "0", role: "region", "aria-label": t("rules.in_force") },
    h("table", { class: "list rules" }, h("thead", null, h("tr", null, heads)), h("tbody", null, rows))), { beside: h("span", { class: "hint" }, t("rules.intervals")) });
}

/** A rule, and below it what it does in words, where that is asked for. */
function row(rule, id, pointed) {
  const to = routes.link("rules", { line: rule.line }, rule.file);
  const cell = (name, content, num = false) => h("td", { class: num ? "num" : "", dataset: { label: t(`rules.column.${name}`) } }, content);
  const told = h("tr", { id, class: "rule-words", hidden: !pointed }, h("td", { colspan: COLUMNS.length }, inWords(rule)));
  const toggle = () => {
    told.hidden = !told.hidden;
    ask.setAttribute("aria-expanded", String(!told.hidden));
  };
  const ask = h("button", { type: "button", class: "text small", "aria-expanded": String(pointed), "aria-controls": id, onclick: toggle }, t("rules.in_words"));
  return [h("tr", { class: [!rule.enabled && "off", pointed && "pointed"].filter(Boolean).join(" "), dataset: { item: to } },
    h("th", { scope: "row" }, h("a", { class: "mono", href: to }, rule.name), " ", !rule.enabled && tag(t("rules.off")),
      h("div", { class: "quiet small" }, [label("type", rule.kind), rule.scope].filter(Boolean).join(t("rules.dot"))),
      history(rule), ask),
    cell("severity", severities(rule.severity)), ...badge(rule.measured, cell),
    cell("marks", marks(rule.precision)),
    cell("open", rule.open ? h("a", { href: routes.link("alerts", { state: "open", rule: rule.name }) }, number(rule.open)) : h("span", { class: "quiet" }, "0"), true)), told];
}

/** What it was measured on, when and by which code; or that nobody has. */
function history({ measured }) {
  if (!measured) return h("div", { class: "quiet small" }, t("rules.unmeasured"));
  const words = {
    data: measured.data, from: measured.begin.slice(0, 10), to: measured.end.slice(0, 10), count: number(measured.events), of: measured.events,
    at: measured.made_at.slice(0, 10), code: measured.code,
  };
  return h("div", { class: "quiet small" }, t("rules.measured_on", words));
}

function severities(found) {
  const levels = typeof found === "string" ? [found] : Array.isArray(found) ? found : Object.keys(found ?? {});
  return h("span", { class: "severities" }, SEVERITIES.filter((each) => levels.includes(each)).map(severity));
}

function badge(measured, cell) {
  const none = (name, num) => cell(name, h("span", { class: "quiet" }, "–"), num);
  if (!measured) return [none("precision", false), none("recall", false), none("delay", true), none("false", true)];
  return [
    cell("precision", share(measured.precision, measured.precision_interval)), cell("recall", share(measured.recall, measured.recall_interval)),
    cell("delay", orNone(measured.delay_median_s, duration), true), cell("false", orNone(measured.false_per_subject_day, rate), true),
  ];
}

function marks(of) {
  if (!of || of.share === null) return h("span", { class: "quiet" }, t("rules.no_marks"));
  const words = t("rules.marked", { right: number(of.right), count: number(of.right + of.wrong), of: of.right + of.wrong });
  return h("div", { class: "figure-cell plain-share" }, h("span", null, percent(of.share), " ", h("span", { class: "quiet small" }, words)), interval(of));
}
