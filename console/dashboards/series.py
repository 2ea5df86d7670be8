"""The rows of a panel as what a chart draws: series with names and colours, labels, and values written for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alerts.delivery import phrases
from deploy.dashboards import measures as m
from deploy.dashboards.asking import Row, Value
from deploy.dashboards.fieldtypes import lens_type
from deploy.dashboards.naming import Words
from deploy.dashboards.spec import Bucket, Metric, OverTime, Panel, Split, Terms, ViewName

NONE: Final = "–"
CLASSES: Final = {m.RED: "red", m.GREY: "grey", m.GREEN: "green", m.AMBER: "amber", m.BLUE: "blue"}
COLOURS: Final = 8  # classes k0 … k7 of the style sheet
PARTS: Final = {
    one.label: CLASSES[one.colour] for one in (m.NEGATIVE, m.NEUTRAL, m.POSITIVE, m.UNDECIDED, m.NOT_JUDGED)
}
SERIES: Final = 12  # more cannot be told apart


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or the bars of one colour: a value for each place on the axis, or none there."""

    name: str
    colour: str  # class of the style sheet
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn over an axis: its places (times, or names), and the series."""

    places: tuple[str, ...]
    series: tuple[Series, ...]
    metric: Metric
    over_time: bool


def label(bucket: Bucket, value: str, words: Words) -> str:
    """How the value of a bucket is called."""
    match bucket:
        case Split():
            return words.say(f"metrics.{value}")
        case Terms("_index") if value.startswith("replay."):
            return ".".join(value.split(".")[-2:])  # the replay's own name and what it holds
        case Terms(field):
            return words.values.get(field, {}).get(value, value) or NONE
        case OverTime():
            return value


def written(metric: Metric, value: Value, view: ViewName = "documents") -> str:
    """A value for reading."""
    if value is None:
        return NONE
    if metric.of == "share":
        return phrases.percent(value)
    if metric.of == "max" and lens_type(view, metric.field) == "date":
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{value:,.{metric.digits}f}"


def chart(panel: Panel, found: Sequence[Row], words: Words) -> Chart:
    """The rows of a panel with an axis. With a second bucket each of its values is a series, else each metric is."""
    places = tuple(dict.fromkeys(row.keys[0] for row in found))
    over_time = isinstance(panel.by[0], OverTime)
    if over_time:
        places = tuple(sorted(places))
    if len(panel.by) == 1:
        values = {row.keys[0]: row.values for row in found}
        series = [
            Series(words.say(f"metrics.{metric.label}"), _colour(metric, n), tuple(values[p][n] for p in places))
            for n, metric in enumerate(panel.metrics)
        ]
    else:
        series = _broken_down(panel, found, places, words)
    shown = places if over_time else tuple(label(panel.by[0], place, words) for place in places)
    return Chart(shown, tuple(series), panel.metrics[0], over_time)


def _broken_down(panel: Panel, found: Sequence[Row], places: Sequence[str], words: Words) -> list[Series]:
    at = {row.keys: row.values[0] for row in found}
    names = tuple(dict.fromkeys(row.keys[1] for row in found))[:SERIES]
    return [
        Series(label(panel.by[1], name, words), f"k{n % COLOURS}", tuple(at.get((place, name)) for place in places))
        for n, name in enumerate(names)
    ]


def colour_of(value: str, n: int) -> str:
    """The colour of a part of a whole: that of the metric of this name, else the next of the palette."""
    return PARTS.get(value, f"k{n % COLOURS}")


def _colour(metric: Metric, n: int) -> str:
    return CLASSES.get(metric.colour, f"k{n % COLOURS}")
