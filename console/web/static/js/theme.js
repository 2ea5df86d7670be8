/* Runs before the first paint, so that a chosen look does not flash. Not a module: modules wait for the page. */
(() => {
  const kept = localStorage.getItem("tocsin.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
