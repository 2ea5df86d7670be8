/** What views are laid out with: a heading, framed parts, and how these are filled. */

import { h } from "../dom.js";

/** The heading of a view. @param {any} title @param {{lead?: any, crumbs?: any, beside?: any}} [of] `beside`: at the other end */
export function heading(title, { lead, crumbs, beside } = {}) {
  return h("header", { class: "head" },
    h("div", null, crumbs && h("p", { class: "crumbs" }, crumbs), h("h1", null, title), lead && h("p", { class: "quiet" }, lead)), beside);
}

/**
 * A framed part with a heading. @param {any} title @param {any} children see `body` and `flush`
 * @param {{beside?: any, about?: any, tone?: string, id?: string}} [of] `about`: small print below the title; `tone`: further classes
 */
export function panel(title, children, { beside, about, tone = "", id } = {}) {
  const named = h("h2", { id: id && `${id}-title` }, title);
  return h("section", { class: `panel ${tone}`.trim(), id, "aria-labelledby": id && `${id}-title` },
    h("div", { class: "panel-head" }, about ? h("div", null, named, about) : named, beside), children);
}

/** The inside of a panel, away from its frame. */
export function body(...children) {
  return h("div", { class: "panel-body" }, children);
}

/** The same for what goes up to the frame: tables, lists of rows. */
export function flush(...children) {
  return h("div", { class: "panel-body flush" }, children);
}
