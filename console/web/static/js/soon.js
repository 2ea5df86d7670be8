/** Several calls within a moment are one. */

const CALM = 300; // ms

/** @param {() => any} fn @param {AbortSignal} signal after which nothing is called */
export function soon(fn, signal) {
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(fn, CALM);
  };
}

/** Does it now and then while the page is seen. */
export function repeat(fn, every, signal) {
  const timer = setInterval(() => document.hidden || fn(), every);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
