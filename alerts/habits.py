"""When a source brings something: its habit, learnt from what was watched, and how long it has been silent against it.
Pure.

Not all time without anything new counts. Where the source rested at the same time in at least half of the weeks before
(up to four) it rests by habit: nights, weekends. Before a whole week is known the days before stand for it, and
weekends pass. Time at which nobody looked says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from alerts.checks import ARRIVALS, usual_gap

DAY: Final = 86_400.0
WEEK: Final = 7 * DAY
WEEKS: Final = 4  # that are looked back to; a habit older than that may be another one by now
SATURDAY: Final = 2 * DAY  # in the week that began with 1970, in UTC
LEAST_REST: Final = 7200.0  # seconds: shorter ones are no rest that is remembered
AWAY: Final = 300.0  # seconds between two looks from which nobody looked in between
PROCESSES: Final = 8  # collectors whose counts are remembered
MOST_MISSED: Final = 100

Stretch = tuple[float, float]


class Habit(Struct):
    """When a source brought something, when it rested, and how much each collector had counted by then."""

    arrivals: list[float] = []
    counts: dict[str, float] = {}  # by start of the process that counted
    first: float = 0.0  # look
    looked: float = 0.0  # the last time
    since: float = 0.0  # beginning of the present stretch without anything new, as far as it was watched
    rested: list[Stretch] = []  # watched stretches without anything new
    missed: list[Stretch] = []  # since the last arrival: nobody looked


def look(habit: Habit, now: float) -> None:
    """Take note that somebody looks."""
    if not habit.first:
        habit.first = habit.since = now
    elif now - habit.looked > AWAY:
        _rest(habit, habit.looked)
        habit.missed = [*habit.missed, (habit.looked, now)][-MOST_MISSED:]
        habit.since = now
    habit.looked = now


def take(habit: Habit, count: float, began: float, now: float) -> None:
    """Take note of a counter of the process that started at `began`: when it grew, something came just now."""
    known = habit.counts.pop(str(began), 0.0)
    habit.counts = dict([*habit.counts.items(), (str(began), count)][-PROCESSES:])
    if count > known:
        _rest(habit, now)
        habit.arrivals = [*habit.arrivals, now][-ARRIVALS:]
        habit.since, habit.missed = now, []


def _rest(habit: Habit, end: float) -> None:
    kept = [rest for rest in habit.rested if rest[1] >= end - (WEEKS + 1) * WEEK]
    habit.rested = [*kept, (habit.since, end)] if end - habit.since >= LEAST_REST else kept


def gap(habit: Habit) -> float | None:
    """Median seconds between arrivals; None before there is a habit: eight arrivals, and a day that was watched."""
    return usual_gap(habit.arrivals) if habit.arrivals and habit.arrivals[-1] - habit.first >= DAY else None


def silence(habit: Habit, now: float, bound: float) -> float:
    """Seconds since the last arrival that count against `bound`: without rests by habit or what was missed."""
    last = habit.arrivals[-1]
    shifts = _shifts(last - habit.first)
    needed = max(1, (len(shifts) + 1) // 2)
    weights = [(start, end, needed) for start, end in habit.missed]
    weights += [(s + shift, e + shift, 1) for shift in shifts for s, e in habit.rested if e - s >= bound / 2]
    if not shifts or shifts[0] < WEEK:
        weights += [(start, end, needed) for start, end in _weekends(last, now)]
    return max(0.0, now - last - _covered(weights, needed, last, now))


def _shifts(known: float) -> list[float]:
    """How far back the times are with which one is compared: weeks, or days before a week is known."""
    size, most = (WEEK, WEEKS) if known >= WEEK else (DAY, 6)
    return [size * n for n in range(1, min(most, int(known // size)) + 1)]


def _weekends(first: float, last: float) -> Iterator[Stretch]:
    for week in range(int((first - SATURDAY) // WEEK), int((last - SATURDAY) // WEEK) + 1):
        yield week * WEEK + SATURDAY, week * WEEK + SATURDAY + 2 * DAY


def _covered(weights: Iterable[tuple[float, float, int]], needed: int, first: float, last: float) -> float:
    """Seconds between `first` and `last` at which the weights of the stretches make `needed` together."""
    edges: list[tuple[float, int]] = []
    for start, end, weight in weights:
        start, end = max(start, first), min(end, last)
        edges += [(start, weight), (end, -weight)] if start < end else []
    found, level, before = 0.0, 0, first
    for at, change in sorted(edges):
        found += at - before if level >= needed else 0.0
        level, before = level + change, at
    return found
