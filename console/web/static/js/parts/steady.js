/** Puts other content where somebody may be at work: what had the focus has it again, and what was open stays open. */

/** @param {HTMLElement} host @param {() => void} put gives `host` its new content */
export function steadily(host, put) {
  const active = document.activeElement;
  const focused = active && active !== host && host.contains(active) ? sign(active) : null;
  const opened = new Set(Array.from(host.querySelectorAll("details[open]"), sign));
  put();
  if (opened.size) for (const each of host.querySelectorAll("details")) each.open ||= opened.has(sign(each));
  if (focused && !host.contains(document.activeElement)) {
    Array.from(host.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")).find((each) => sign(each) === focused)?.focus({ preventScroll: true });
  }
}

/** What makes an element the same one in other content: not where it stands, but what it is for. */
function sign(element) {
  const { dataset } = element;
  const words = element.matches("details") ? element.querySelector("summary") : element.matches("a, button, summary") ? element : null;
  return [element.tagName, element.getAttribute("name"), dataset.name, dataset.value, element.getAttribute("href"),
    element.getAttribute("href") || dataset.name || dataset.value ? "" : words?.textContent].join("|");
}
