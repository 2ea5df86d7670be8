/** Now: what is burning, why, and how sure Tocsin is. */

import { h } from "../dom.js";

export async function show(root, params, page) {
  page.title(page.t("shell.views.now"));
  root.append(h("h1", null, page.t("shell.views.now")));
}
