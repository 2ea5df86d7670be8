/**
 * One rule file: its text in an editor, checked while one types, explained in words beside it, tried on the past before it
 * is saved. What was typed and not saved is kept for this tab, so that looking something up loses nothing.
 */

import { newKey } from "../api.js";
import { h, replace } from "../dom.js";
import { t } from "../i18n.js";
import * as routes from "../routes.js";
import { conflict } from "./conflict.js";
import { ask, field } from "./dialog.js";
import { download } from "./download.js";
import { editor } from "./editor.js";
import { body, heading, panel } from "./layout.js";
import { explained, faultList, readOnlyWords } from "./rule_words.js";
import { tag } from "./severity.js";
import { fix, message } from "./states.js";
import { toast } from "./toast.js";
import { whatIf } from "./whatif.js";

const PATIENCE = 300; // ms after the last letter
const DRAFT = "tocsin.rules.";
const REASON = 1000;
const TEMPLATE = `rules:
  - name: my-rule
    about: What it is for, in a sentence.
    type: threshold
    scope: {subject: entity}
    window: 1h
    at_least: 5
    min_sources: 2
    severity: {warning: 1, critical: 3}
`;

export async function showFile(root, params, page, found) {
  page.title(params.id);
  const there = found.files.find((file) => file.name === params.id);
  const file = there ?? { name: params.id, hash: "", text: TEMPLATE, writable: found.writable, rules: [] };
  const draft = draftOf(file);
  const checked = file.name.startsWith("preset:") ? "" : file.name;
  const it = { file, page, text: draft?.text ?? file.text, was: draft?.was ?? file.hash, fresh: !there, why: found, ok: false, checked };
  it.status = h("p", { class: "check-status", role: "status" });
  it.faults = h("div");
  it.words = h("div", { class: "panel-body explanations", tabindex: "0", role: "region", "aria-label": t("rules.in_words") });
  it.editor = editor(it.text, { label: t("rules.text_of", { file: file.name }), help: t("rules.editor_help"), changed: (text) => typed(it, text) });
  it.save = h("button", { type: "button", class: "primary", onclick: () => save(it) }, t("rules.save"));
  replace(root, header(it), note(it, draft),
    h("div", { class: "editing" },
      panel(t("rules.text"), body(it.editor.node, it.faults, actions(it)), { beside: it.status }),
      panel(t("rules.in_words"), it.words)),
    whatIf(page, () => ({ text: it.editor.area.value, file: it.checked, ok: it.ok })));
  await check(it);
  const line = Number(params.line);
  if (line > 1) requestAnimationFrame(() => it.editor.go(line));
}

function header(it) {
  return heading([h("span", { class: "mono" }, it.file.name), " ", it.fresh && tag(t("rules.new"), "warn"), !it.file.writable && tag(t("rules.read_only"))],
    { crumbs: h("a", { href: routes.link("rules") }, t("rules.title")) });
}

/** What keeps the text from being saved; that an unsaved text was found. */
function note(it, draft) {
  const drop = () => {
    forget(it);
    it.page.again();
  };
  const lines = [
    !it.file.writable && h("p", null, readOnlyWords(it.why)),
    it.file.writable && it.page.me.role !== "admin" && h("p", null, t("rules.needs_admin")),
    draft && h("p", null, t("rules.draft"), " ", h("button", { type: "button", class: "text", onclick: drop }, t("rules.draft_drop"))),
  ].filter(Boolean);
  return lines.length > 0 && h("div", { class: "note" }, lines);
}

function actions(it) {
  const download = h("button", { type: "button", onclick: () => downloaded(it) }, t("rules.download"));
  it.save.disabled = true;
  return h("div", { class: "actions" }, download, it.save);
}

function typed(it, text) {
  it.text = text;
  if (text === it.file.text) forget(it);
  else sessionStorage.setItem(DRAFT + it.file.name, JSON.stringify({ text, was: it.was }));
  clearTimeout(it.timer);
  it.timer = setTimeout(() => check(it).catch(() => {}), PATIENCE);
}

function draftOf(file) {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT + file.name) ?? "null");
  return kept && kept.text !== file.text ? kept : null;
}

function forget(it) {
  sessionStorage.removeItem(DRAFT + it.file.name);
}

/** Asks what the text means; an answer to an older text is dropped. */
async function check(it) {
  const text = it.editor.area.value;
  const turn = (it.turn = (it.turn ?? 0) + 1);
  try {
    const found = await it.page.api.post("/rules/check", { text, file: it.checked });
    if (turn === it.turn) tell(it, text, found);
  } catch (error) {
    if (error.name === "AbortError" || turn !== it.turn) return;
    it.status.replaceChildren(tag(message(error), "bad"), " ", fix(error));
  }
}

function tell(it, text, found) {
  const warnings = found.warnings ?? [];
  it.ok = found.ok;
  it.editor.mark([...found.faults, ...warnings].filter((fault) => !fault.file));
  const count = found.faults.length;
  it.status.replaceChildren(found.ok ? tag(t("rules.good", { count: found.rules.length }), "good") : tag(t("rules.faults", { count }), "bad"));
  const gone = found.gone ?? [];
  it.faults.replaceChildren(...[
    count > 0 && faultList(found.faults, it.editor.go),
    warnings.length > 0 && [h("h3", null, t("rules.warnings")), faultList(warnings, it.editor.go)],
    gone.length > 0 && h("p", { class: "hint" }, t("rules.gone", { names: gone.join(t("words.comma")) })),
  ].flat().filter(Boolean));
  const none = () => h("p", { class: "quiet" }, t(found.ok ? "rules.empty_file" : "rules.not_yet"));
  if (found.ok || !it.words.childElementCount) replace(it.words, found.rules.length ? found.rules.map(explained) : none());
  it.words.classList.toggle("behind", !found.ok);
  it.save.disabled = !(found.ok && it.file.writable && it.page.me.role === "admin" && (it.fresh || text !== it.file.text));
}

/** The text as a file of its own: possible whatever may be saved. */
function downloaded(it) {
  const name = it.file.name.replace(/^preset:/, "").replace(/(\.yaml)?$/, ".yaml");
  download(name, new Blob([it.editor.area.value], { type: "application/yaml" }));
}

async function save(it) {
  const text = it.editor.area.value;
  const key = newKey();
  const reason = h("input", { name: "reason", required: true, maxlength: REASON, autocomplete: "off" });
  let changed = null;
  const done = await ask({
    title: t("rules.save_title", { file: it.file.name }), about: t("rules.save_about"), button: t("rules.save_button"),
    fields: [field(t("rules.reason"), reason, t("rules.reason_hint"))],
    send: async (values) => {
      try {
        return await it.page.api.put(`/rules/files/${encodeURIComponent(it.file.name)}`, { text, was: it.was, reason: values.get("reason") }, { key });
      } catch (error) {
        if (error.code !== "file_changed") throw error;
        changed = true;
        return null;
      }
    },
  });
  if (changed) return resolve(it, text);
  if (!done) return null;
  forget(it);
  toast(t("rules.saved"), "good");
  return it.page.again();
}

/** Somebody saved in between: both texts side by side, and which of them goes on. */
async function resolve(it, mine) {
  const now = (await it.page.api.get("/rules")).files.find((file) => file.name === it.file.name) ?? { hash: "", text: "" };
  const chosen = await conflict(now.text, mine);
  if (!chosen) return;
  it.was = now.hash;
  it.file = { ...it.file, text: now.text, hash: now.hash };
  it.editor.area.value = chosen === "theirs" ? now.text : mine;
  it.editor.area.dispatchEvent(new Event("input"));
}
