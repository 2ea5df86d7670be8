/** Audit: everything that people did, newest first, with who, when and why. */

import { h } from "../dom.js";
import { plain, subjectName, time } from "../format.js";
import { t } from "../i18n.js";
import { did } from "../parts/alert_facts.js";
import { heading } from "../parts/layout.js";
import { moreButton } from "../parts/more.js";
import { empty, into } from "../parts/states.js";
import { link } from "../routes.js";
import { soon } from "../soon.js";

const PAGE = 50;

export async function show(root, params, page) {
  page.title(t("shell.views.audit"));
  const host = h("div", { class: "panel" });
  root.append(heading(t("shell.views.audit"), { lead: t("audit.about") }), host);
  const draw = () => into(host, () => first(host, page), 6);
  const renew = soon(() => draw().catch(() => {}), page.signal);
  page.onStream("operation", renew);
  page.onStream("missed", renew);
  await draw();
}

/** The newest; what is there already stays, with the pages that were asked for. */
async function first(host, page) {
  const found = await page.api.get("/audit", { limit: PAGE });
  if (!found.operations.length) return empty(t("audit.none"), t("audit.none_more"));
  const shown = host.querySelector("ol.audit");
  if (shown) {
    const known = new Set(Array.from(shown.children, (each) => each.dataset.id));
    shown.prepend(...found.operations.filter((each) => !known.has(each.id)).map(row));
    return null;
  }
  const list = h("ol", { class: "audit" }, found.operations.map(row));
  return [list, moreButton(found.next, async (cursor) => {
    const next = await page.api.get("/audit", { limit: PAGE, cursor });
    const rows = next.operations.map(row);
    list.append(...rows);
    return { rows, next: next.next };
  })];
}

function row(done) {
  const why = done.reason || done.note;
  return h("li", { class: "audit-row", dataset: { item: "", id: done.id } },
    h("div", { class: "audit-when" }, time(done.at, "clock"), h("p", { class: "quiet small" }, time(done.at))),
    h("div", null, h("p", null, h("strong", null, plain(done.author)), " ", did(done)), why && h("p", null, `“${plain(why)}”`)),
    h("div", { class: "audit-place" }, place(done)));
}

/** Where one reads about what it was done to. */
function place(done) {
  const leads = (view, id, words) => h("a", { href: link(view, {}, id), class: "mono small" }, plain(words));
  if (done.alert && done.subject) {
    return [h("a", { href: link("alerts", {}, done.alert) }, plain(subjectName(done.subject, done.name))), h("p", { class: "mono small quiet" }, plain(done.rule))];
  }
  if (done.alert) return leads("alerts", done.alert, done.alert.slice(0, 8));
  if (done.document) return leads("documents", done.document, done.document.slice(0, 8));
  return done.file && leads("rules", done.file, done.file);
}
