/**
 * Charts with uPlot (vendored). Each is a figure: a legend in words and line forms, the canvas, what the pointer or the arrow
 * keys read off, and a table with the same numbers. Colours come from the tokens; no line is told by colour alone.
 */

import { h, svg } from "./dom.js";
import { amount, number, percent, stamp, zone } from "./format.js";
import { t } from "./i18n.js";

const HEIGHT = 240;
const COLUMN = 6; // px that a column of the stack takes at least: hairlines cannot be read
const FEW = 24; // points up to which each is marked: a line between two of them, or one alone, would not be seen
const LONE = 600; // seconds shown to both sides of a single point
const FONT = "12px system-ui, sans-serif";
const DASH = { expected: [2, 3], bound: [6, 4] };

/** The colour of a token as the look of the page has it now. @param {string} name such as "--accent" */
export function colour(name) {
  const probe = h("span", { style: { color: `var(${name})`, display: "none" } });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/**
 * What was observed against what is usual, with its interval, and the bound at which it rings.
 * @param {{title: string, unit: string, points: {at: string, observed: number|null, expected?: number|null, low?: number|null,
 *   high?: number|null, bound?: number|null}[], moments?: {at: string, text: string}[], names?: {interval?: string, bound?: string}}} of
 *   `moments`: upright lines with a word; `names`: other words for the interval and the bound
 * @returns {HTMLElement}
 */
export function band({ title, unit, points, moments = [], names = {} }) {
  const column = (name) => points.map((point) => point[name] ?? null);
  const has = (name) => points.some((point) => point[name] !== null && point[name] !== undefined);
  const rows = [
    { name: t("chart.observed"), key: "observed", stroke: "--accent", width: 2, kind: "line", step: true },
    has("expected") && { name: t("chart.expected"), key: "expected", stroke: "--muted", width: 1.5, dash: DASH.expected, kind: "dots" },
    has("low") && has("high") && { name: names.interval ?? t("chart.interval"), key: "low", high: "high", fill: "--line", kind: "area" },
    has("bound") && { name: names.bound ?? t("chart.bound"), key: "bound", stroke: "--critical", width: 1.5, dash: DASH.bound, kind: "dash" },
  ].filter(Boolean);
  const write = (value) => amount(value, unit);
  const make = () => {
    const area = rows.find((row) => row.kind === "area");
    const lines = rows.filter((row) => row.kind !== "area");
    const columns = [...lines.map((row) => column(row.key)), ...(area ? [column("high"), column("low")] : [])];
    const series = lines.map((row) => lineOf(row, points.length));
    if (area) series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
    const bands = area ? [{ series: [lines.length + 1, lines.length + 2], fill: alpha(colour("--muted"), 0.18) }] : [];
    return { data: [seconds(points), ...columns], series, bands, write, moments };
  };
  const cells = (point) => rows.map((row) => (row.high ? `${shown(point.low, write)} – ${shown(point.high, write)}` : shown(point[row.key], write)));
  return chart({ title, rows, points, make, cells });
}

/**
 * Volume by sentiment, one column for each span of time: negative at the bottom, then neutral, then positive.
 * @param {{title: string, points: {at: string, negative: number, neutral: number, positive: number}[], seconds: number,
 *   pick?: (from: string, to: string) => void}} of `seconds`: length of a column; `pick`: what a dragged span does
 */
export function stack({ title, points, seconds: length, pick }) {
  const names = ["negative", "neutral", "positive"];
  const rows = names.map((key) => ({ name: t(`common.sentiment.${key}`), key, fill: `--${key}`, kind: key }));
  const make = (width) => {
    const step = Math.ceil(points.length / Math.max(1, Math.floor(width / COLUMN)));
    const drawn = merged(points, names, step);
    const sums = [];
    names.forEach((name, at) => sums.push(drawn.map((point, i) => point[name] + (at ? sums[at - 1][i] : 0))));
    const bars = globalThis.uPlot.paths.bars({ size: [0.8, 40], gap: 1 });
    const series = names.map((name) => ({ stroke: colour("--surface"), width: 0.5, fill: colour(`--${name}`), paths: bars, points: { show: false } }));
    return { data: [seconds(drawn).map((at) => at + (length * step) / 2), ...sums.reverse()], series: series.reverse(), bands: [], write: number, zero: true, pick, bar: length * step, drawn };
  };
  return chart({ title, rows, points, make, cells: (point) => names.map((name) => number(point[name] ?? 0)) });
}

/** Several columns as one, counted from the newest, so that the newest is whole. */
function merged(points, names, step) {
  const found = [];
  for (let end = points.length; end > 0; end -= step) {
    const group = points.slice(Math.max(0, end - step), end);
    found.unshift({ at: group[0].at, ...Object.fromEntries(names.map((name) => [name, group.reduce((sum, each) => sum + (each[name] ?? 0), 0)])) });
  }
  return found;
}

/**
 * Plain lines, such as a share with its interval.
 * @param {{title: string, points: Record<string, any>[], lines: {key: string, name: string, stroke?: string, low?: string, high?: string,
 *   dash?: number[]}[], write?: (value: number) => string, pick?: (from: string, to: string) => void}} of
 */
export function line({ title, points, lines, write = number, pick }) {
  const rows = lines.map((each, at) => ({ width: 2, stroke: at ? "--muted" : "--accent", kind: each.dash ? "dash" : "line", ...each }));
  const make = () => {
    const data = [seconds(points)];
    const series = [];
    const bands = [];
    for (const row of rows) {
      data.push(points.map((point) => point[row.key] ?? null));
      series.push(lineOf(row, points.length));
      if (!row.low) continue;
      data.push(points.map((point) => point[row.high] ?? null), points.map((point) => point[row.low] ?? null));
      series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
      bands.push({ series: [series.length - 1, series.length], fill: alpha(colour(row.stroke), 0.16) });
    }
    return { data, series, bands, write, zero: true, pick };
  };
  const cells = (point) => rows.map((row) => shown(point[row.key], write) + (row.low && point[row.low] !== null && point[row.low] !== undefined
    ? ` (${write(point[row.low])} – ${write(point[row.high])})` : ""));
  return chart({ title, rows, points, make, cells });
}

/** Shares of 0 to 1 written as percent: for `write`. */
export const shares = percent;

/**
 * A small row of bars within a line of text: how much, when. `bad` of each value is drawn in the colour of negative.
 * @param {{value: number, bad?: number}[]} values @param {string} title what it tells, for screen readers
 */
export function spark(values, title, { width = 96, height = 24 } = {}) {
  const most = Math.max(1, ...values.map((each) => each.value));
  const wide = width / Math.max(values.length, 1);
  const bar = (at, size, from, tone) => size > 0 && svg("rect", { class: `bar ${tone}`, x: (at * wide + 0.5).toFixed(2), width: Math.max(wide - 1, 1).toFixed(2),
    y: (height - ((from + size) / most) * height).toFixed(2), height: ((size / most) * height).toFixed(2) });
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title },
    svg("line", { class: "base", x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }),
    values.flatMap((each, at) => [bar(at, each.bad ?? 0, 0, "bad"), bar(at, each.value - (each.bad ?? 0), each.bad ?? 0, "")]).filter(Boolean));
}

function seconds(points) {
  return points.map((point) => new Date(point.at).getTime() / 1000);
}

function shown(value, write) {
  return value === null || value === undefined ? "–" : write(value);
}

function alpha(rgb, part) {
  return rgb.replace(/^rgb\((.+)\)$/, `rgba($1, ${part})`);
}

function lineOf(row, count) {
  const paths = row.step ? globalThis.uPlot.paths.stepped({ align: 1 }) : undefined;
  return { stroke: colour(row.stroke), width: row.width, dash: row.dash, paths, points: { show: count <= FEW, size: 6, fill: colour(row.stroke) }, spanGaps: false };
}

function chart({ title, rows, points, make, cells }) {
  const canvas = h("div", { class: "canvas", role: "img", tabindex: "0", "aria-label": t("chart.of", { title }) });
  const reading = h("p", { class: "reading", "aria-live": "polite" });
  const read = (point) => {
    reading.textContent = point ? `${stamp(point.at)} ${zone(new Date(point.at))} · ${cells(point).map((cell, i) => `${rows[i].name} ${cell}`).join(" · ")}` : "";
  };
  const element = h("figure", { class: "chart" }, h("figcaption", { class: "sr-only" }, title), h("div", { class: "legend" }, rows.map(key)), canvas, reading,
    table(title, rows, points, cells));
  if (points.length) grow(canvas, (width) => ({ drawn: points, ...make(width) }), read);
  return element;
}

function key(row) {
  const stroke = `var(${row.stroke ?? row.fill})`;
  const form = row.kind === "area" || row.fill
    ? svg("rect", { x: 2, y: 2, width: 14, height: 8, rx: 2, style: { fill: stroke } })
    : svg("line", { x1: 0, x2: 18, y1: 6, y2: 6, "stroke-dasharray": (row.dash ?? []).join(" ") || null, style: { stroke, strokeWidth: "2" } });
  return h("span", { class: "key" }, svg("svg", { width: 18, height: 12, "aria-hidden": "true" }, form), row.name);
}

function table(title, rows, points, cells) {
  const body = h("tbody");
  const details = h("details", { class: "no-print" }, h("summary", null, t("chart.as_table")), h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": title },
    h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col" }, t("chart.at")), rows.map((row) => h("th", { scope: "col", class: "num" }, row.name)))), body)));
  details.addEventListener("toggle", () => {
    if (!details.open || body.childElementCount) return;
    body.append(...points.map((point) => h("tr", null, h("th", { scope: "row" }, stamp(point.at)), cells(point).map((cell) => h("td", { class: "num" }, cell)))));
  });
  return details;
}

/** Draws as wide as there is room, again at another width or look; what it holds is let go of when it leaves the page. */
function grow(canvas, make, read) {
  let plot = null;
  const life = new AbortController();
  const draw = () => {
    plot?.destroy();
    const width = canvas.clientWidth;
    if (!width) return;
    const made = make(width);
    plot = new globalThis.uPlot(options(made, width, read), made.data, canvas);
  };
  canvas.addEventListener("keydown", (event) => plot && walk(event, plot));
  const size = new ResizeObserver(() => {
    if (!canvas.isConnected) end();
    else if (canvas.clientWidth && canvas.clientWidth !== plot?.width) draw();
  });
  const end = () => {
    life.abort();
    size.disconnect();
    plot?.destroy();
  };
  drawing().then(() => {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw, { signal: life.signal });
    addEventListener("themechange", draw, { signal: life.signal });
    size.observe(canvas);
  });
}

/** The arrow keys read off the chart, point by point. */
function walk(event, plot) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const [times] = plot.data;
  const at = plot.cursor.idx === null || plot.cursor.idx === undefined ? (step > 0 ? 0 : times.length - 1) : Math.min(times.length - 1, Math.max(0, plot.cursor.idx + step));
  plot.setCursor({ left: plot.valToPos(times[at], "x"), top: 1 });
}

/** The library is fetched beside everything else, so whoever draws first may have to wait for it. */
function drawing() {
  if (globalThis.uPlot) return Promise.resolve();
  return new Promise((resolve) => document.getElementById("uplot").addEventListener("load", resolve, { once: true }));
}

function options({ series, bands, write, moments = [], zero = false, pick, bar = 0, data, drawn }, width, read) {
  const [grid, ticks] = [colour("--line"), colour("--muted")];
  const axis = { stroke: ticks, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const [first, last] = [data[0][0], data[0].at(-1)];
  const around = bar / 2 || (last > first ? 0 : LONE);
  return {
    width, height: HEIGHT, legend: { show: false }, bands, series: [{}, ...series], padding: [12, 24, 0, 0],
    cursor: { y: false, points: { show: !bar, size: 7 }, drag: { x: Boolean(pick), y: false, setScale: false } },
    scales: { x: { time: true, range: [first - around, last + around] },
      y: { range: (_, low, high) => [zero ? 0 : Math.min(low ?? 0, 0), (high || 1) * 1.12] } },
    axes: [{ ...axis, size: 30, space: 64, values: (_, found) => days(found) },
      { ...axis, size: 48, space: 36, values: (_, found) => found.map(write) }],
    hooks: {
      setCursor: [(plot) => read(drawn[plot.cursor.idx])],
      setSelect: [(plot) => picked(plot, pick)],
      draw: [(plot) => moments.forEach((moment) => upright(plot, moment))],
    },
  };
}

/** Times below the axis: the day stands with the first of it only. */
function days(found) {
  let day = "";
  return found.map((at) => {
    const [date, clocked] = stamp(new Date(at * 1000)).split(" ");
    const same = date === day;
    day = date;
    if (clocked === "00:00") return date.slice(5);
    return same ? clocked : `${date.slice(5)} ${clocked}`;
  });
}

function picked(plot, pick) {
  if (!pick || plot.select.width < 4) return;
  const at = (left) => new Date(plot.posToVal(left, "x") * 1000).toISOString();
  pick(at(plot.select.left), at(plot.select.left + plot.select.width));
}

/** An upright line with its word, such as the moment at which it rang. */
function upright(plot, { at, text }) {
  const x = plot.valToPos(new Date(at).getTime() / 1000, "x", true);
  const { left, top, width, height } = plot.bbox;
  if (x < left || x > left + width) return;
  const context = plot.ctx;
  context.save();
  context.strokeStyle = context.fillStyle = colour("--text");
  context.lineWidth = devicePixelRatio;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, top + height);
  context.stroke();
  context.font = `600 ${11 * devicePixelRatio}px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif`;
  const wide = context.measureText(text).width + 6 * devicePixelRatio;
  context.textAlign = x + wide > left + width ? "right" : "left";
  context.fillText(text, x + (context.textAlign === "left" ? 5 : -5) * devicePixelRatio, top + 10 * devicePixelRatio);
  context.restore();
}
