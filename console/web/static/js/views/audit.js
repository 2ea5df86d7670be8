/** Audit: everything that people did, newest first, with who, when and why. */

import { h } from "../dom.js";
import { plain, time } from "../format.js";
import { t } from "../i18n.js";
import { did } from "../parts/alert_facts.js";
import { empty, failure, into } from "../parts/states.js";
import { link } from "../routes.js";

const PAGE = 50;

export async function show(root, params, page) {
  page.title(t("shell.views.audit"));
  const list = h("div", { class: "panel" });
  root.append(h("div", { class: "head" }, h("div", null, h("h1", null, t("shell.views.audit")), h("p", { class: "quiet" }, t("audit.about")))), list);
  const draw = () => into(list, () => first(page));
  page.onStream("operation", () => draw().catch(() => {}));
  await draw();
}

async function first(page) {
  const found = await page.api.get("/audit", { limit: PAGE });
  if (!found.operations.length) return empty(t("audit.none"), t("audit.none_more"));
  const list = h("ol", { class: "audit" }, found.operations.map(row));
  return [list, more(found.next, list, page)];
}

function more(next, list, page) {
  if (!next) return null;
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const found = await page.api.get("/audit", { limit: PAGE, cursor: next });
      list.append(...found.operations.map(row));
      host.replaceWith(...[more(found.next, list, page)].filter(Boolean));
    } catch (error) {
      if (error.name !== "AbortError") host.append(failure(error));
    }
  } }, t("alerts.more"));
  const host = h("div", { class: "panel-body load-more" }, button);
  return host;
}

function row(done) {
  const place = done.alert ? link("alerts", {}, done.alert) : done.document ? link("documents", {}, done.document) : done.file ? link("rules", {}, done.file) : "";
  return h("li", { class: "audit-row", dataset: { item: "" } },
    h("div", { class: "audit-when" }, time(done.at, "clock"), h("p", { class: "quiet small" }, time(done.at))),
    h("div", null, h("p", null, h("strong", null, plain(done.author)), " ", did(done)), done.reason || done.note ? h("p", null, `“${plain(done.reason || done.note)}”`) : null),
    h("div", { class: "audit-place" }, place && h("a", { href: place, class: "mono small" }, plain((done.alert ?? done.document ?? done.file).slice(0, done.file ? 60 : 8)))));
}
