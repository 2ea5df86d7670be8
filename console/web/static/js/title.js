/** What the tab says: the view, before it how many alerts ring, which its icon shows as well. */

const NAME = "Tocsin";
const ICONS = { calm: "/static/icon.svg", rings: "/static/icon_rings.svg" };
let view = "";
let ringing = 0;

/** @param {string} text of the view; "" at the door */
export function title(text) {
  view = text;
  tell();
}

/** @param {number} count of alerts that ring */
export function rings(count) {
  ringing = count;
  tell();
}

function tell() {
  document.title = `${ringing ? `(${ringing}) ` : ""}${view && `${view} · `}${NAME}`;
  document.querySelector('link[rel="icon"]').href = ringing ? ICONS.rings : ICONS.calm;
}
