// Runs before the page that is measured: when something new is painted, and how long after the press that asked for it.
(() => {
  let pressed = 0;
  for (const name of ["click", "keydown"]) addEventListener(name, (event) => { pressed = event.timeStamp; }, true);

  const painted = (done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(); // what is sent from a frame arrives after its paint
    port1.onmessage = () => done(performance.now());
    port2.postMessage(null);
  });

  /** The time at which `there()` holds and is painted, in ms since the navigation began. */
  window.when = (there) => new Promise((done) => {
    const look = () => {
      if (!there()) return;
      watcher.disconnect();
      painted(done);
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
    look();
  });

  /** The same, in ms since the last press. */
  window.after = (there) => window.when(there).then((at) => at - pressed);

  window.first = window.when(() => document.querySelector(".alert-row") && document.querySelector("table.heat tbody tr"));
  window.largest = 0;
  new PerformanceObserver((list) => { window.largest = list.getEntries().at(-1).startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
})();
