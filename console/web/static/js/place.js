/** How far down somebody was: kept with each entry of the history, so that Back and Forward lead to the same lines. */

const CALM = 150; // ms after the last movement
let timer = 0;
let held = false;

/** Starts keeping. The browser's own way is switched off: it moves before there is anything to move to. */
export function keep() {
  history.scrollRestoration = "manual";
  addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(write, CALM);
  }, { passive: true });
  addEventListener("click", write, true); // a link may lead away before that
}

/** Something else is about to be shown: what moves meanwhile is nobody's doing. */
export function leave() {
  clearTimeout(timer);
  held = true;
}

/** It is shown: goes to where one was, if one was here before. */
export function settle() {
  held = false;
  const y = history.state?.y;
  if (y !== undefined) scrollTo(0, y);
}

function write() {
  clearTimeout(timer);
  const y = Math.round(scrollY);
  if (!held && (history.state?.y ?? 0) !== y) history.replaceState({ ...history.state, y }, "");
}
