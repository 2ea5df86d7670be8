// Runs before every page of the tests: what the page must not do becomes an error of its console, and tests may ask
// whether the view of the address stands there.
(() => {
  document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));
  for (const name of ["alert", "confirm", "prompt"]) window[name] = (...words) => console.error(`ran: ${name}(${words})`);

  let at = location.hash;
  let left = null;
  let frames = 0;
  addEventListener("hashchange", () => {
    at = location.hash;
    left = document.querySelector("main > .view");
  });
  for (const name of ["pushState", "replaceState"]) {
    const own = history[name].bind(history);
    history[name] = (...of) => {
      own(...of);
      at = location.hash;
    };
  }

  /** Whether the view stands there for some frames, and no part of it is still being fetched. */
  window.rested = () => {
    const view = document.querySelector("main > .view");
    const there = view?.querySelector("h1, .failure") && view !== left && at === location.hash;
    frames = there && !document.querySelector(".waiting, [aria-busy=true]") ? frames + 1 : 0;
    return frames > 4 && !(frames = 0);
  };

  const clipped = (one) => {
    for (let up = one.parentElement; up; up = up.parentElement) if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };

  /** What stands out of the screen to the right, unless it lies in something that scrolls by itself. */
  window.overflow = () => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return Array.from(document.querySelectorAll("body *"))
      .filter((one) => one.getBoundingClientRect().right > width + 1 && !clipped(one)).slice(0, 5)
      .map((one) => `${one.tagName}.${one.getAttribute("class")}: ${one.textContent.slice(0, 60)}`);
  };

  /** Links that would run something, or lead where they do not say. */
  window.elsewhere = () =>
    Array.from(document.querySelectorAll("main [href], main [src], main [action]"))
      .map((one) => one.href || one.src || one.action)
      .filter((href) => !href.startsWith(`${location.origin}/`) && (!/^https?:\/\/[^@]+$/.test(href) || /evil/.test(href)));

  /** Whether what has the focus shows it. */
  window.seen = () => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement !== document.body && (style.outlineStyle !== "none" || style.boxShadow !== "none");
  };
})();
