/** The API with the token of whoever signed in. Nothing but this file knows the token. */

import { lang } from "./i18n.js";

const PREFIX = "/api/v1";
const KEPT = "tocsin.token";
const TRIES = 3; // of a request that came too fast
let lost = () => {};

/** A refusal of the API: a stable `code`, words for people (`message`, `fix`), the HTTP `status` (0: no answer). */
export class ApiError extends Error {
  /** @param {{code: string, message: string, fix: string}} told @param {number} status of HTTP, 0 where there was no answer */
  constructor(told, status) {
    super(told.message);
    this.code = told.code;
    this.fix = told.fix;
    this.status = status;
  }
}

/** The token, or "". */
export function token() {
  return sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT) ?? "";
}

/** Keeps the token for this tab, or with `stay` for later visits too. @param {string} value @param {boolean} stay */
export function signIn(value, stay) {
  signOut();
  (stay ? localStorage : sessionStorage).setItem(KEPT, value);
}

/** Forgets the token. */
export function signOut() {
  sessionStorage.removeItem(KEPT);
  localStorage.removeItem(KEPT);
}

/** What to do when the API no longer takes the token. @param {() => void} fn */
export function onLost(fn) {
  lost = fn;
}

/** A new Idempotency-Key: the same key does the same only once, however often it is sent. @returns {string} */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Headers that every request has. */
function headers() {
  return { Authorization: `Bearer ${token()}`, "Accept-Language": lang() };
}

/**
 * An API whose readings end with `signal`: what `page.api` is. What was asked to be done goes on: its answer is awaited even
 * where the view is made anew meanwhile, as it is by the news of that very deed.
 * @param {AbortSignal} [signal]
 * @returns {{get: Function, post: Function, put: Function, del: Function}}
 *   get(path, params), post(path, body, {key}), put(path, body, {key}), del(path); path without /api/v1.
 *   Each gives the answer's JSON or throws ApiError.
 */
export function client(signal) {
  return {
    get: (path, params) => send("GET", path + query(params), { signal }),
    post: (path, body, options) => send("POST", path, { body, ...options }),
    put: (path, body, options) => send("PUT", path, { body, ...options }),
    del: (path) => send("DELETE", path, {}),
  };
}

export const { get, post, put, del } = client();

/** An answer as it comes: the stream, a file. Throws ApiError. @param {string} url whole path @returns {Promise<Response>} */
export async function raw(url, signal) {
  const answer = await ask(url, { signal, headers: headers(), cache: "no-store", credentials: "omit" });
  if (!answer.ok) await read(answer);
  return answer;
}

/** `?a=1&b=2` of what is set; an array repeats its name. @param {Record<string, any>} [params] */
export function query(params = {}) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") found.append(name, String(each));
    }
  }
  const text = found.toString();
  return text && `?${text}`;
}

async function send(method, path, { signal, body, key }) {
  const options = { method, signal, headers: headers(), cache: "no-store", credentials: "omit" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  if (key) options.headers["Idempotency-Key"] = key;
  for (let left = TRIES; ; left -= 1) {
    const answer = await ask(PREFIX + path, options);
    if (answer.status !== 429 || left <= 1) return read(answer);
    await pause(Number(answer.headers.get("Retry-After") ?? 1) * 1000, signal);
  }
}

async function ask(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ code: "unreachable", message: "", fix: "" }, 0);
  }
}

async function read(answer) {
  const data = await answer.json().catch(() => null);
  if (answer.ok) return data;
  const told = data?.error ?? { code: "unreadable", message: `HTTP ${answer.status}`, fix: "" };
  if (answer.status === 401) lost();
  throw new ApiError(told, answer.status);
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(ms, 5000));
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
