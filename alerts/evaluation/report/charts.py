"""Scales, ticks, axes and marks as SVG: the few that the report's charts are drawn with. Pure: numbers in, markup out.

Colours are classes of the style sheet, for they differ between light and dark. What belongs to one rule also differs in
the shape of its marks and the pattern of its line, so nothing is told by colour alone. Every text is escaped here, and
loses what hides or turns text: the template engine takes finished markup as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from streams.plain import plain

COLOURS: Final = 8  # classes c0 … c7 of the style sheet
DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "14 4")
# Marks as paths around the origin, for a size of 1: told apart by their outline, also in print.
SHAPES: Final = (
    "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",  # circle
    "M-.9-.9h1.8v1.8h-1.8z",  # square
    "M0-1.15L1.1.85H-1.1z",  # triangle
    "M0-1.25L1.1 0L0 1.25L-1.1 0z",  # diamond
    "M0 1.15L1.1-.85H-1.1z",  # triangle on its head
    "M-.4-1.2h.8v.8h.8v.8h-.8v.8h-.8v-.8h-.8v-.8h.8z",  # plus
    "M0-1.2L1.15-.37L.7 1H-.7L-1.15-.37z",  # pentagon
)
MOST_DECADES: Final = 5
CROSS: Final = "M-.8-.8L.8.8M-.8.8L.8-.8"
TRIANGLE: Final = SHAPES[2]
CIRCLE: Final = SHAPES[0]
EMPTY: Final = Markup("")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a value lies on an axis from `start` to `stop`; values beyond the ends lie at them.

    With `log`, ten times as much is always as far; zero and less, which have no logarithm, lie at `start`.
    """

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        part = self._part(value)
        return round(self.start + min(max(part, 0.0), 1.0) * (self.stop - self.start), 1)

    def _part(self, value: float) -> float:
        if not self.log:
            return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        if value <= 0:
            return 0.0
        room = ZERO_ROOM  # kept free at the low end: zero stands there, apart from what is only small
        return room + (1 - room) * math.log(value / self.low) / math.log(self.high / self.low)


ZERO_ROOM: Final = 0.1


def decades(values: Iterable[float]) -> tuple[float, float]:
    """Powers of ten around all positive values; a decade where there is none."""
    positive = [value for value in values if value > 0]
    if not positive:
        return 0.001, 0.01
    low, high = math.floor(math.log10(min(positive)) + 1e-9), math.ceil(math.log10(max(positive)) - 1e-9)
    return 10.0**low, 10.0 ** max(high, low + 1)


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten up to `high`, with 2 and 5 between them where there are few; every second, third … of many."""
    first, last = round(math.log10(low)), round(math.log10(high))
    steps = (1, 2, 5) if last - first <= 2 else (1,)
    powers = range(last, first - 1, -max(1, math.ceil((last - first) / MOST_DECADES)))
    found = [float(f"{step}e{power}") for power in reversed(powers) for step in steps]
    return [value for value in found if value <= high * 1.0001]


def month_ticks(begin: datetime, end: datetime, most: int = 8) -> list[datetime]:
    """The beginnings of months, quarters or years between two times, no more than `most`; of days in short spans."""
    days = math.ceil((end - begin) / timedelta(days=1))
    if days <= most * 3:
        step = max(1, math.ceil(days / most))
        midnight = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        found = [midnight + timedelta(days=n) for n in range(0, days + 1, step)]
        return [at for at in found if begin <= at <= end]
    first = begin.astimezone(UTC)
    months = [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(_month(first), _month(end) + 1)]
    for step in (1, 2, 3, 6, 12, 24, 60, 120):
        chosen = [at for at in months if (at.year * 12 + at.month - 1) % step == 0 and begin <= at <= end]
        if len(chosen) <= most:
            return chosen
    return []


def _month(at: datetime) -> int:
    return at.astimezone(UTC).year * 12 + at.astimezone(UTC).month - 1


@dataclass(frozen=True, slots=True)
class Style:
    """How one rule is drawn: a colour, a mark and a pattern of its line; 280 rules differ."""

    colour: str
    mark: str
    dash: str


def style(index: int) -> Style:
    """The style of the rule in this place. The three cycles have no common length."""
    return Style(f"c{index % COLOURS}", SHAPES[index % len(SHAPES)], DASHES[index % len(DASHES)])


def letter(index: int) -> str:
    """A, B, … Z, AA: how a rule is called where its name has no room."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def mark(x: float, y: float, path: str, size: float, classes: str, title: str = "") -> Markup:
    """One mark; the title is shown when a pointer rests on it and read by a screen reader."""
    shape = Markup('<path class="mark {}" transform="translate({:g} {:g}) scale({:g})" d="{}">{}</path>')
    return shape.format(classes, x, y, size, path, tooltip(title))


def tooltip(title: str) -> Markup:
    """The title of a mark, where it has one."""
    return Markup("<title>{}</title>").format(plain(title)) if title else EMPTY


def text(x: float, y: float, words: str, classes: str = "tick", anchor: str = "middle") -> Markup:
    """Words in a chart."""
    return Markup('<text x="{:g}" y="{:g}" class="{}" text-anchor="{}">{}</text>').format(
        x, y, classes, anchor, plain(words)
    )


def line(points: Sequence[tuple[float, float]], classes: str, dash: str = "") -> Markup:
    """A line through points; nothing for fewer than two."""
    if len(points) < 2:
        return EMPTY
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    return Markup('<path class="{}" d="{}" stroke-dasharray="{}"/>').format(classes, path, dash or "none")


def rule(x1: float, y1: float, x2: float, y2: float, classes: str = "grid") -> Markup:
    """A straight line: of a grid or an axis."""
    return Markup('<path class="{}" d="M{:g} {:g}L{:g} {:g}"/>').format(classes, x1, y1, x2, y2)


def box(x: float, y: float, width: float, height: float, classes: str, title: str = "") -> Markup:
    """A rectangle."""
    shape = Markup('<rect class="{}" x="{:g}" y="{:g}" width="{:g}" height="{:g}">{}</rect>')
    return shape.format(classes, x, y, width, height, tooltip(title))


def steps(values: Sequence[float], across: Scale, down: Scale) -> str:
    """The outline of a filled step chart, one step a value: how counts by day are drawn without slopes that lie."""
    path, height = [f"M{across(0):g} {down(0):g}"], down(0)
    for n, value in enumerate(values):
        if (y := down(value)) != height:
            path.append(f"V{y:g}")
            height = y
        following = values[n + 1] if n + 1 < len(values) else None
        if following is None or down(following) != height:
            path.append(f"H{across(n + 1):g}")
    return "".join(path) + f"V{down(0):g}Z"


def spread(places: Sequence[tuple[float, float]], near: float = 13.0) -> list[tuple[float, float]]:
    """The places of labels, moved down where two would lie on each other; in the order given."""
    done: dict[int, tuple[float, float]] = {}
    for n in sorted(range(len(places)), key=lambda n: (places[n][1], places[n][0])):
        x, y = places[n]
        while any(abs(x - a) < near and abs(y - b) < near * 0.8 for a, b in done.values()):
            y += near * 0.8
        done[n] = (x, y)
    return [done[n] for n in range(len(places))]


def drawing(width: float, height: float, title: str, parts: Iterable[Markup], classes: str = "chart") -> Markup:
    """The whole drawing; it grows with the page, and its title is what a screen reader says of it."""
    head = Markup('<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">')
    return head.format(classes, width, height, plain(title)) + EMPTY.join(parts) + Markup("</svg>")
