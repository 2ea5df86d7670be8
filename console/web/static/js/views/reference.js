/** The API as it describes itself: every request with what it takes, what it answers, and a line of curl to copy. */

import { raw } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { command } from "../parts/command.js";
import { heading, panel } from "../parts/layout.js";
import { prose } from "../parts/prose.js";
import { into } from "../parts/states.js";
import { table } from "../parts/table.js";

const METHODS = ["get", "post", "put", "delete"];
const DEPTH = 3; // of objects within objects that are told

export async function show(root, params, page) {
  page.title(t("reference.title"));
  const body = h("div", { class: "view" });
  const words = t("reference.search");
  const field = h("input", { type: "search", placeholder: words, "aria-label": words, dataset: { search: "" }, value: params.q ?? "", oninput: () => narrow(body, field.value) });
  const first = command(`curl -H "Authorization: Bearer $TOKEN" ${location.origin}/api/v1/me`);
  root.append(heading(t("reference.title"), { lead: t("reference.about"), beside: field }), h("div", { class: "panel panel-body" }, h("p", null, t("reference.token")), first), body);
  await into(body, async () => {
    const answer = await raw("/api/openapi.json", page.signal);
    return groups(await answer.json());
  }, 8);
  narrow(body, field.value);
}

function groups(description) {
  const found = new Map();
  for (const [path, methods] of Object.entries(description.paths)) {
    const group = path.replace(/^\/api\/v1\//, "").split("/")[0];
    const made = METHODS.filter((method) => methods[method]).map((method) => operation(path, method, methods[method], description));
    found.set(group, [...(found.get(group) ?? []), ...made]);
  }
  return [...found].map(([group, operations]) => panel(`/${group}`, operations, { id: `api-${group}` }));
}

function narrow(body, text) {
  const wanted = text.trim().toLowerCase();
  for (const each of body.querySelectorAll("details.operation")) each.hidden = Boolean(wanted) && !each.dataset.text.includes(wanted);
  for (const section of body.querySelectorAll("section")) section.hidden = !section.querySelector("details.operation:not([hidden])");
}

function operation(path, method, of, description) {
  const detail = h("div", { class: "panel-body" });
  const about = of.description ?? of.summary ?? "";
  const found = h("details", { class: "operation", dataset: { item: "", text: `${method} ${path} ${about}`.toLowerCase() } },
    h("summary", null, h("span", { class: `method ${method}` }, method.toUpperCase()), h("code", { class: "path" }, path), h("span", { class: "quiet about" }, prose(first(about)))),
    detail);
  found.addEventListener("toggle", () => {
    if (found.open && !detail.childElementCount) detail.append(...details(path, method, of, description));
  });
  return found;
}

function details(path, method, of, description) {
  const body = of.requestBody?.content?.["application/json"]?.schema;
  const answer = Object.entries(of.responses).find(([status]) => status.startsWith("2"));
  const returned = answer?.[1].content?.["application/json"]?.schema;
  return [
    (of.description ?? "").split(/\n\s*\n/).filter(Boolean).map((part) => h("p", { class: "prose" }, prose(part))),
    of.parameters?.length && [h("h3", null, t("reference.parameters")), parameters(of.parameters, description)],
    body && [h("h3", null, t("reference.body")), fields(body, description)],
    returned && [h("h3", null, t("reference.answer", { status: answer[0] })), fields(returned, description)],
    h("h3", null, t("reference.example")), command(curl(path, method, body, description)),
    h("p", { class: "quiet small" }, t("reference.refusals", { statuses: Object.keys(of.responses).filter((status) => !status.startsWith("2")).join(", ") })),
  ].flat(2).filter(Boolean);
}

function parameters(found, description) {
  const heads = [t("reference.name"), t("reference.where"), t("reference.type"), t("reference.meaning")];
  const rows = found.map((each) => [
    name(each.name, each.required), h("span", { class: "quiet" }, each.in), type(each.schema, description), prose(each.description ?? each.schema?.description ?? ""),
  ]);
  return table(t("reference.parameters"), heads, rows);
}

/** The first paragraph on one line. */
function first(text) {
  return text.split(/\n\s*\n/)[0].replace(/\s+/g, " ");
}

function name(text, required) {
  return h("span", null, h("code", null, text), required ? h("span", { class: "quiet small" }, ` ${t("reference.required")}`) : "");
}

function resolve(schema, description) {
  if (schema?.$ref) return description.components.schemas[schema.$ref.split("/").pop()] ?? {};
  const one = schema?.anyOf?.find((each) => each.type !== "null");
  return one && schema.anyOf.length <= 2 ? resolve(one, description) : (schema ?? {});
}

/** The only values that there may be. */
function values(schema) {
  return schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
}

function shape(found, description) {
  if (found.type === "array") return `${resolve(found.items, description).title ?? found.items?.type ?? ""}[]`;
  return found.format ?? (found.properties && found.title) ?? found.type ?? "";
}

/** A type in a few words: `integer 1–200, default 50`, `"open" | "all"`. */
function type(schema, description) {
  const found = resolve(schema, description);
  const options = [found, ...(found.anyOf ?? [])].flatMap(values);
  const parts = [options.length ? options.map((each) => JSON.stringify(each)).join(" | ") : shape(found, description)];
  if (found.minimum !== undefined || found.maximum !== undefined) parts.push(`${found.minimum ?? ""}–${found.maximum ?? ""}`);
  if (found.maxLength) parts.push(t("reference.at_most", { count: found.maxLength }));
  const preset = schema?.default ?? found.default;
  if (preset !== undefined && preset !== "" && preset !== null) parts.push(t("reference.preset", { value: JSON.stringify(preset) }));
  if (schema?.anyOf?.some((each) => each.type === "null")) parts.push("null");
  return h("code", { class: "small" }, parts.filter(Boolean).join(", "));
}

function fields(schema, description, depth = 0) {
  const found = resolve(schema, description);
  if (found.type === "array") return [h("p", { class: "quiet small" }, t("reference.list_of")), fields(found.items, description, depth)];
  if (!found.properties) return h("p", null, type(schema, description));
  const required = new Set(found.required ?? []);
  const rows = Object.entries(found.properties).map(([key, of]) => [
    name(key, required.has(key)), type(of, description),
    [prose(first(of.description ?? resolve(of, description).description ?? "")), within(of, description, depth)],
  ]);
  return [
    found.description && !depth ? h("p", { class: "quiet" }, prose(first(found.description))) : "",
    table(t("reference.fields"), [t("reference.name"), t("reference.type"), t("reference.meaning")], rows),
  ];
}

function within(schema, description, depth) {
  const found = resolve(schema, description);
  const inner = found.type === "array" ? resolve(found.items, description) : found;
  if (!inner.properties || depth >= DEPTH) return "";
  return h("details", { class: "small" }, h("summary", null, t("reference.fields")), fields(inner, description, depth + 1));
}

function sample(schema, description, depth = 0) {
  const found = resolve(schema, description);
  if (schema?.examples?.length) return schema.examples[0];
  if (found.examples?.length) return found.examples[0];
  if (found.default !== undefined) return found.default;
  if (found.enum) return found.enum[0];
  if (found.type === "object" && found.properties && depth < DEPTH) {
    return Object.fromEntries((found.required ?? []).map((key) => [key, sample(found.properties[key], description, depth + 1)]));
  }
  return { integer: found.minimum ?? 1, number: 1, boolean: true, array: [], object: {} }[found.type] ?? "…";
}

function curl(path, method, body, description) {
  const lines = [`curl -H "Authorization: Bearer $TOKEN"`];
  if (method !== "get") lines[0] += ` -X ${method.toUpperCase()}`;
  if (method === "post") lines.push(`  -H "Idempotency-Key: $(uuidgen)"`);
  if (body) lines.push(`  -H "Content-Type: application/json" -d '${JSON.stringify(sample(body, description)).replaceAll("'", "'\\''")}'`);
  return [...lines, `  "${location.origin}${path.replace(/\{(\w+)\}/g, (_, part) => part.toUpperCase())}"`].join(" \\\n");
}
