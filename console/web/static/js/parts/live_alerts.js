/**
 * A list of alerts that is kept up to date. What changes in a row is shown at once; rows that come or go while somebody reads
 * wait behind a button, so that nothing moves under the hand.
 */

import { h, replace } from "../dom.js";
import { t } from "../i18n.js";
import { alertRow } from "./alert_row.js";
import { steadily } from "./steady.js";

const READING = 120; // px scrolled down from which somebody reads

/**
 * @returns {{list: HTMLElement, button: HTMLElement, tell: (alerts: any[]) => void, add: (alerts: any[]) => HTMLElement[]}}
 *   `tell`: what there is now; `add`: rows of a further page, after which nothing comes in by itself
 */
export function liveAlerts() {
  const list = h("ul", { class: "alert-list" });
  const button = h("button", { type: "button", class: "fresh", hidden: true });
  let shown = new Map();
  let whole = true;
  const draw = (alerts, added) => {
    const first = !shown.size;
    shown = new Map(alerts.map((each) => [each.alert, mark(each)]));
    whole = true;
    button.hidden = true;
    steadily(list, () => replace(list, alerts.map((each) => row(each, !first && added.has(each.alert)))));
  };
  const tell = (alerts) => {
    const added = new Set(alerts.filter((each) => !shown.has(each.alert)).map((each) => each.alert));
    const moved = added.size > 0 || (whole && alerts.length !== shown.size);
    const busy = !whole || list.matches(":hover") || list.contains(document.activeElement) || scrollY > READING;
    if (!shown.size || !alerts.length || (!busy && whole)) return draw(alerts, added);
    steadily(list, () => alerts.forEach((each) => renew(list, each, shown)));
    button.hidden = !moved;
    button.textContent = added.size ? t("alerts.fresh", { count: added.size }) : t("alerts.renew");
    button.onclick = () => draw(alerts, added);
    return null;
  };
  const add = (alerts) => {
    const rows = alerts.filter((each) => !shown.has(each.alert)).map((each) => row(each, false));
    alerts.forEach((each) => shown.set(each.alert, mark(each)));
    whole = false;
    list.append(...rows);
    return rows;
  };
  return { list, button, tell, add };
}

/** What a row shows of an alert changes with these. */
function mark({ sequence, status }) {
  return JSON.stringify([sequence, status]);
}

function row(alert, fresh) {
  const made = alertRow(alert);
  if (fresh) made.classList.add("new");
  return made;
}

function renew(list, alert, shown) {
  if (!shown.has(alert.alert) || shown.get(alert.alert) === mark(alert)) return;
  shown.set(alert.alert, mark(alert));
  list.querySelector(`[data-alert="${CSS.escape(alert.alert)}"]`)?.replaceWith(row(alert, false));
}
