/** Server-sent events, read with fetch since EventSource cannot send the token. Reconnects by itself, ever more slowly. */

import { raw } from "./api.js";

const FIRST = 1000; // ms before the second try
const MOST = 30_000;
const SILENT = 35_000; // ms without a word after which the connection is taken for dead; a tick comes every 10 s
const listeners = new Map();
let running = null;
let now = "wait";
let lived = false;

/**
 * Calls `fn(data)` at each event until `signal` aborts. Events: `alert`, `operation`, `tick` of the API, and of this file
 * `state`: "live" or "away", and `missed` after a break, in which something may have happened.
 * @param {string} event @param {(data: any) => void} fn @param {AbortSignal} [signal]
 */
export function on(event, fn, signal) {
  const found = listeners.get(event) ?? new Set();
  listeners.set(event, found.add(fn));
  signal?.addEventListener("abort", () => found.delete(fn), { once: true });
}

/** Starts listening; a stream that runs is ended first. */
export function start() {
  stop();
  running = new AbortController();
  keep(running.signal);
}

/** Ends listening. */
export function stop() {
  running?.abort();
  running = null;
  now = "wait";
}

/** How it stands: "wait" (at first), "live" or "away". */
export function state() {
  return now;
}

async function keep(signal) {
  for (let wait = FIRST; !signal.aborted; wait = Math.min(wait * 2, MOST)) {
    const began = Date.now();
    await listen(signal).catch(() => {});
    if (signal.aborted) return;
    emit("state", "away");
    if (Date.now() - began > MOST) wait = FIRST;
    await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
  }
}

async function listen(outer) {
  const own = new AbortController();
  const end = () => own.abort();
  outer.addEventListener("abort", end, { once: true });
  let timer = setTimeout(end, SILENT);
  try {
    const answer = await raw("/api/v1/stream", own.signal);
    const again = lived;
    lived = true;
    emit("state", "live");
    if (again) emit("missed", null);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const read = reading(emit);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(end, SILENT);
      read(value);
    }
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", end);
  }
}

/** Takes pieces of a text/event-stream and tells whole events. Pure but for what it remembers of the last piece. */
export function reading(tell) {
  let rest = "";
  return (piece) => {
    const blocks = (rest + piece).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let event = "message";
      const data = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) event = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
      }
      if (data.length) tell(event, JSON.parse(data.join("\n")));
    }
  };
}

function emit(event, data) {
  if (event === "state") now = data;
  for (const fn of listeners.get(event) ?? []) fn(data);
}
