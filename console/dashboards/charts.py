"""The charts of the preview as SVG. Pure: rows in, markup out; every text is escaped by the parts they are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final
from unicodedata import east_asian_width

from markupsafe import Markup

from alerts.evaluation.report.charts import DASHES, Scale, box, drawing, line, mark, rule, text, tooltip
from console.dashboards.series import NONE, Chart, Series, written
from deploy.dashboards.asking import Row
from deploy.dashboards.spec import Metric

LEFT: Final = 52.0
RIGHT: Final = 14.0
TOP: Final = 10.0
BOTTOM: Final = 24.0
TICK_ROOM: Final = 72.0  # between two labels of the time axis
LEAST: Final = 1e-12  # a greatest value below is nought
LEVELS: Final = 5  # shades of a heat map
Size = tuple[float, float]
DOT: Final = "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z"


def ticks(most: float, count: int = 4, whole: bool = False) -> list[float]:
    """Round values from nought to at least `most`; with `whole` no fractions, for what is counted."""
    if most <= LEAST:
        return [0.0, 1.0]
    raw = max(most / count, 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= raw)
    return [n * step for n in range(max(1, math.ceil(most / step - 1e-9)) + 1)]


def lines(chart: Chart, size: Size, title: str) -> Markup:
    """Lines that break where there is nothing to tell."""
    most = max((value or 0.0 for series in chart.series for value in series.values), default=0.0)
    across, down, parts = _frame(chart, size, most)
    for n, series in enumerate(chart.series):
        for stretch in _stretches(series):
            points = [(across(at + 0.5), down(value)) for at, value in stretch]
            parts.append(line(points, f"curve {series.colour}", DASHES[n % len(DASHES)]))
        parts += [
            mark(across(at + 0.5), down(value), DOT, 2.2, f"dot {series.colour}", _tip(chart, series, at))
            for at, value in enumerate(series.values)
            if value is not None
        ]
    return drawing(*size, title, parts)


def _stretches(series: Series) -> Iterator[list[tuple[int, float]]]:
    found: list[tuple[int, float]] = []
    for at, value in enumerate(series.values):
        if value is not None:
            found.append((at, value))
        elif found:
            yield found
            found = []
    if found:
        yield found


def bars(chart: Chart, size: Size, title: str) -> Markup:
    """Bars on each other, one colour a series."""
    totals = [sum(series.values[at] or 0.0 for series in chart.series) for at in range(len(chart.places))]
    across, down, parts = _frame(chart, size, max(totals, default=0.0))
    slot = across(1) - across(0)
    for at in range(len(chart.places)):
        base = 0.0
        for series in chart.series:
            value = series.values[at] or 0.0
            if value:
                top, bottom = down(base + value), down(base)
                parts.append(
                    box(
                        across(at) + slot * 0.08, top, slot * 0.84, bottom - top, series.colour, _tip(chart, series, at)
                    )
                )
            base += value
    return drawing(*size, title, parts)


def _tip(chart: Chart, series: Series, at: int) -> str:
    place = _moment(chart.places[at], whole=True) if chart.over_time else chart.places[at]
    return f"{series.name}: {written(chart.metric, series.values[at])} · {place}"


def _frame(chart: Chart, size: Size, most: float) -> tuple[Scale, Scale, list[Markup]]:
    """Scales and grid of a chart."""
    width, height = size
    values = ticks(most, whole=chart.metric.of in ("count", "unique"))
    across = Scale(0, max(1, len(chart.places)), LEFT, width - RIGHT)
    down = Scale(0, values[-1], height - BOTTOM, TOP)
    parts = [rule(LEFT, down(value), width - RIGHT, down(value)) for value in values]
    parts += [text(LEFT - 6, down(value) + 4, _tick(chart.metric, value), anchor="end") for value in values]
    parts += _places(chart, across, height)
    return across, down, parts


def _tick(metric: Metric, value: float) -> str:
    return f"{value:.0%}" if metric.of == "share" else f"{value:,g}"


def _places(chart: Chart, across: Scale, height: float) -> list[Markup]:
    room = across(len(chart.places)) - across(0)
    if not chart.over_time:
        limit = int(room / max(1, len(chart.places)) / 7)
        return [text(across(n + 0.5), height - 6, cut(name, limit)) for n, name in enumerate(chart.places)]
    days = _days(chart.places)
    parts, last, before = list[Markup](), -TICK_ROOM, ""
    for n, place in enumerate(chart.places):
        said, x = _moment(place, days=days), across(n)
        # Of a day in a long span only its beginning is marked.
        if said != before and x - last >= TICK_ROOM and x < across(len(chart.places)) - TICK_ROOM / 3:
            parts.append(text(x, height - 6, said))
            last = x
        before = said
    return parts


def _days(places: Sequence[str]) -> float:
    if len(places) < 2:
        return 0.0
    return (datetime.fromisoformat(places[-1]) - datetime.fromisoformat(places[0])).total_seconds() / 86_400


def _moment(place: str, days: float = 0.0, whole: bool = False) -> str:
    at = datetime.fromisoformat(place)
    if whole:
        return f"{at:%Y-%m-%d %H:%M} UTC"
    return f"{at:%m-%d}" if days > 5 else f"{at:%m-%d %H:%M}" if days > 1.5 else f"{at:%H:%M}"


def ranking(rows: Sequence[tuple[str, float]], metric: Metric, colour: str, size: Size, title: str) -> Markup:
    """Names with bars, the greatest above."""
    width, height = size
    labels = width * 0.36
    most = max((value for _, value in rows), default=0.0)
    across = Scale(0, most or 1.0, labels + 8, width - 58)
    step = min(30.0, (height - 8) / max(1, len(rows)))
    parts: list[Markup] = []
    for n, (name, value) in enumerate(rows):
        y = 4 + n * step
        parts.append(text(labels, y + step * 0.68, cut(name, int(labels / 6.7)), anchor="end", classes="axis"))
        parts.append(box(across(0), y + step * 0.14, max(1.0, across(value) - across(0)), step * 0.72, colour, name))
        parts.append(text(across(value) + 6, y + step * 0.68, written(metric, value), anchor="start"))
    return drawing(width, height, title, parts)


def pie(rows: Sequence[tuple[str, float, str]], size: float, title: str) -> Markup:
    """A ring: name, value, and class of colour of each part."""
    total = sum(value for _, value, _ in rows)
    parts: list[Markup] = []
    angle = -math.pi / 2
    for name, value, colour in rows:
        turn = 2 * math.pi * value / total if total else 0.0
        tip = f"{name}: {value:,.0f} ({value / total:.0%})" if total else name
        parts.append(_arc(size / 2, angle, min(turn, 2 * math.pi - 1e-4), colour, tip))
        angle += turn
    return drawing(size, size, title, parts, "chart ring")


def _arc(half: float, start: float, turn: float, colour: str, tip: str) -> Markup:
    outer, inner = half * 0.96, half * 0.6
    large = 1 if turn > math.pi else 0
    ends = [(half + r * math.cos(a), half + r * math.sin(a)) for r, a in (
        (outer, start), (outer, start + turn), (inner, start + turn), (inner, start),
    )]  # fmt: skip
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = ends
    path = (
        f"M{x1:.1f} {y1:.1f}A{outer:.1f} {outer:.1f} 0 {large} 1 {x2:.1f} {y2:.1f}"
        f"L{x3:.1f} {y3:.1f}A{inner:.1f} {inner:.1f} 0 {large} 0 {x4:.1f} {y4:.1f}Z"
    )
    return Markup('<path class="part {}" d="{}">{}</path>').format(colour, path, tooltip(tip))


def heatmap(chart: Chart, size: Size, title: str) -> Markup:
    """A row for each series, a column for each stretch of time; the darker, the more."""
    width, height = size
    labels = min(170.0, width * 0.3)
    most = max((value or 0.0 for series in chart.series for value in series.values), default=0.0)
    across = Scale(0, max(1, len(chart.places)), labels + 6, width - RIGHT)
    step = (height - BOTTOM - 4) / max(1, len(chart.series))
    slot = across(1) - across(0)
    parts: list[Markup] = []
    for n, series in enumerate(chart.series):
        y = 4 + n * step
        parts.append(text(labels, y + step / 2 + 4, cut(series.name, int(labels / 7.2)), anchor="end", classes="axis"))
        for at, value in enumerate(series.values):
            level = math.ceil((value or 0.0) / most * LEVELS) if most else 0
            tip = _tip(chart, series, at) if value else ""
            parts.append(box(across(at) + 0.5, y + 1, max(1.0, slot - 1), step - 2, f"heat{level}", tip))
    return drawing(width, height, title, [*parts, *_places(chart, across, height)])


def tags(rows: Sequence[tuple[str, float]], sizes: int = 5) -> list[tuple[str, float, int]]:
    """Names with how often, and the size of each from 1 to `sizes`, ordered by name: sizes tell the rank."""
    least, most = (pick((value for _, value in rows), default=0.0) for pick in (min, max))
    grown = [(value - least) / (most - least) if most > least else 0.5 for _, value in rows]
    return sorted((name, value, 1 + round((sizes - 1) * part)) for (name, value), part in zip(rows, grown, strict=True))


def shades(chart: Chart) -> list[str]:
    """What the shades of a heat map stand for, from the lightest."""
    most = max((value or 0.0 for series in chart.series for value in series.values), default=0.0)
    bounds = [most * n / LEVELS for n in range(1, LEVELS + 1)]
    return [f"≤ {bound:,.0f}" if bound >= 10 else f"≤ {bound:,.1f}" for bound in bounds] if most else [NONE]


def cut(name: str, limit: int) -> str:
    """A name that fits: a Chinese character is as wide as two letters."""
    width, kept = 0, ""
    for letter in name:
        width += 2 if east_asian_width(letter) in "WF" else 1
        if width > limit:
            return f"{kept.rstrip()}…"
        kept += letter
    return kept


def flat(found: Sequence[Row], name: Callable[[str], str]) -> list[tuple[str, float]]:
    """The rows of a panel with one bucket and one metric, where there is a value."""
    return [(name(row.keys[0]), row.values[0]) for row in found if row.values[0]]
