/** The keys, told. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { closeAll, open } from "./dialog.js";

const LINES = [
  [["/"], "search"], [["j"], "down"], [["k"], "up"], [["Enter"], "open"], [["a"], "acknowledge"], [["s"], "silence"], [["w"], "wrong"],
  [["g", "n"], "now"], [["g", "a"], "alerts"], [["g", "s"], "subjects"], [["g", "d"], "documents"], [["g", "r"], "rules"],
  [["g", "p"], "replay"], [["g", "q"], "sources"], [["g", "m"], "models"], [["g", "u"], "audit"], [["?"], "help"], [["Esc"], "close"],
];

/** Opens the list of keys. */
export function help() {
  closeAll(); // on a phone it is asked for from the sheet of views
  open(t("shell.keys.title"), h("dl", { class: "dl keys" }, LINES.map(([keys, what]) => [
    h("dt", null, keys.map((key, at) => [at ? " " : "", h("kbd", null, key)])), h("dd", null, t(`shell.keys.${what}`))])));
}
