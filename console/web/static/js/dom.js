/**
 * Elements made by hand. Text becomes text nodes and nothing else: there is no way here to make markup of a string.
 */

const SVG = "http://www.w3.org/2000/svg";
const UNSEEN = 100; // ms; a page that is hidden has no frames
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "hidden", "open", "indeterminate", "readOnly"]);
const ADDRESS = /^https?:\/\/[^\s/?#@\\]+(?:[/?#]\S*)?$/i;

/**
 * An element. `props`: attributes; `class`; `style` as an object (set through the CSSOM); `dataset`; `on<event>` functions.
 * null, undefined and false leave an attribute out, true sets it empty. An `href` that is not of this page or http(s) is
 * left out; links that lead elsewhere open apart and tell the other side nothing.
 * @param {string} tag
 * @param {Record<string, any>|null} [props]
 * @param {...any} children nodes, strings, numbers, arrays of them; null, undefined and false are nothing
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  append(element, children);
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function" && name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name.startsWith("on") || name === "srcdoc") throw new TypeError(`${name} takes a function`);
  else if (name === "style") Object.assign(element.style, value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "href" && element instanceof HTMLAnchorElement) address(element, String(value));
  else if (PROPERTIES.has(name)) element[name] = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function address(element, value) {
  if (value.startsWith("#") || (value.startsWith("/") && !value.startsWith("//"))) element.setAttribute("href", value);
  else if (ADDRESS.test(value)) {
    element.setAttribute("href", value);
    element.setAttribute("target", "_blank");
    element.setAttribute("rel", "noopener noreferrer");
  }
}

/** Appends children as `h` takes them. */
export function append(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Puts `children` in the place of all that `element` holds. */
export function replace(element, ...children) {
  element.replaceChildren();
  return append(element, ...children);
}

/** Whether an address may be a link that leads elsewhere: http or https with a host, no user name, no blanks. */
export function isAddress(value) {
  return typeof value === "string" && value.length <= 2048 && ADDRESS.test(value);
}

/** Text that only screen readers tell. */
export function hidden(...children) {
  return h("span", { class: "sr-only" }, ...children);
}

/** Until what was put on the page is painted, or at once where nobody sees it. @returns {Promise<void>} */
export function painted() {
  return new Promise((done) => {
    setTimeout(done, UNSEEN);
    requestAnimationFrame(() => setTimeout(done));
  });
}
