/** What companies are called in the language of the page, where the list of companies knows it. Held once for the whole page. */

import { get } from "./api.js";
import { lang } from "./i18n.js";

let chinese = {};

/** Reads the names that `wanted` needs. Without an answer companies are called what they were: no view waits for names in vain. */
export async function load(wanted = lang()) {
  if (wanted !== "zh") return;
  chinese = await get("/names").then((found) => found.zh, () => chinese);
}

/** The company's name for the readers of the page. @param {string} id without `entity:` @param {string} name as it came */
export function companyName(id, name) {
  return lang() === "zh" && Object.hasOwn(chinese, id) ? chinese[id] : name;
}
