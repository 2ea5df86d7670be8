"""What a rule saw of one subject, minute by minute: its own engine run again over the subject's stored mentions. Pure.

What is promised: the figures of a minute are those that the engine decides by at that minute (`Engine.asked`), so at a
step of an alert that this history led to they are the figures of that step. A surge is told what it would be measured
against also at minutes at which too little was counted for it to ask. Minutes are thinned for people: of each stretch
the one furthest beyond its bound is shown, and every step of an alert.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alerts.baseline import interval
from alerts.decisions import Decision
from alerts.detect import expectation
from alerts.engine import NO_RATES, Engine
from alerts.judge import Judge
from alerts.moments import MINUTE, micros, moment
from alerts.replay.playback import ARCHIVE, marked
from alerts.rules import Rule, Surge
from alerts.shares import Rates
from alerts.subject import Subject
from alerts.windows import Window
from streams.records import AlertEvent, Mention, Tick

LOOKED: Final = 3000  # minutes that are decided: every minute of two days, every tenth of three weeks
SHOWN: Final = 300
DIGITS: Final = 6  # as in alert events
BEFORE: Final = 6  # windows shown before an alert began
LEAST: Final = timedelta(hours=3)  # shown before it, however short the window is
MOST: Final = timedelta(days=14)


class Point(Struct, frozen=True, kw_only=True):
    """What was seen at one minute."""

    at: datetime
    observed: float
    expected: float | None
    low: float | None  # interval of the observed share, or of the expectation of a count
    high: float | None
    bound: float | None  # what `observed`, for a share its lower bound, has to reach
    support: int
    holds: bool
    beyond: float  # how many times the bound is reached
    why: str  # of `alerts.decisions.Why`


@dataclass(frozen=True, slots=True)
class Traced:
    """What was seen in order of time, and what the same run rang."""

    points: tuple[Point, ...]
    events: tuple[AlertEvent, ...]


def shown_span(events: Sequence[AlertEvent], now: datetime, hours: float | None = None) -> tuple[datetime, datetime]:
    """The time worth looking at around an alert: from six windows (or `hours`) before it began to one after its end."""
    last = events[-1]
    window = timedelta(seconds=last.window_seconds)
    before = timedelta(hours=hours) if hours else min(MOST, max(LEAST, BEFORE * window))
    end = min(now, last.at + window) if last.state == "resolved" else now
    return last.since - before, max(end, last.at)


def minutes(begin: datetime, end: datetime, steps: Iterable[datetime], most: int = LOOKED) -> list[int]:
    """Minutes of [begin, end] at equal distances, at most so many, and those of the steps within it."""
    first, last = -(-micros(begin) // MINUTE), micros(end) // MINUTE
    stride = max(1, -(-(last - first + 1) // most))
    exact = {-(-micros(at) // MINUTE) for at in steps}
    chosen = set(range(first, last + 1, stride)) | {minute for minute in exact if first <= minute <= last}
    return [minute * MINUTE for minute in sorted(chosen)]


def trace(
    rules: Sequence[Rule],
    rule: str,
    subject: str,
    mentions: Iterable[Mention],
    at: Sequence[int],
    *,
    like: AlertEvent | None = None,
    rates: Mapping[str, Rates] = NO_RATES,
) -> Traced:
    """What the rule of this name saw at these minutes, in order. Mentions are of the subject, in order of collection.

    `rules`: all in force, for they decide together how long copies are recognised. `like`: of a rule with several
    windows the one that spoke in this alert is followed; without it the one that says most.
    """
    engine = Engine(rules, lateness=0, channels=(ARCHIVE,), rates=rates)
    ahead = iter(mentions)
    mention = next(ahead, None)
    points: list[Point] = []
    events: list[AlertEvent] = []
    for minute in at:
        while mention is not None and micros(mention.collected_at) <= minute:
            engine.feed(mention, engine.next_offset)
            mention = next(ahead, None)
        events += engine.feed(Tick(channel=ARCHIVE, offset=0, at=moment(minute)), engine.next_offset)
        seen = engine.asked(subject, rule)
        if seen is not None:
            points.append(_point(minute, *seen, like))
    return Traced(tuple(points), tuple(marked(event) for event in events if event.rule == rule))


def step_points(events: Sequence[AlertEvent]) -> tuple[Point, ...]:
    """What an alert's own steps say, where no more is to be had."""
    return tuple(
        Point(
            at=event.at, observed=event.observed, expected=event.expected, low=event.low, high=event.high,
            bound=_comparable(event.bound, event.unit), support=event.support, holds=event.state != "resolved",
            beyond=event.beyond, why="",
        )
        for event in events
    )  # fmt: skip


def thinned(points: Sequence[Point], steps: Collection[datetime], most: int = SHOWN) -> tuple[Point, ...]:
    """At most `most` points beside those of the steps: of equal stretches the one furthest beyond its bound each."""
    if len(points) <= most:
        return tuple(points)
    first, last = micros(points[0].at), micros(points[-1].at)
    stretch = (last - first) // most + 1
    chosen: set[datetime] = {point.at for point in points if point.at in steps}
    for _, group in groupby(points, key=lambda point: (micros(point.at) - first) // stretch):
        within = list(group)
        if not any(point.at in chosen for point in within):
            chosen.add(max(within, key=lambda point: (point.holds, point.beyond, point.observed)).at)
    return tuple(point for point in points if point.at in chosen)


def _point(minute: int, decision: Decision, judge: Judge, subject: Subject, like: AlertEvent | None) -> Point:
    window, said = _followed(judge, decision, like)
    point = Point(
        at=moment(minute),
        observed=round(said.observed, DIGITS),
        expected=_rounded(said.expected),
        low=_rounded(said.low),
        high=_rounded(said.high),
        bound=_comparable(_rounded(said.bound), said.unit),
        support=said.support,
        holds=decision.holds,
        beyond=round(decision.beyond, DIGITS),
        why=said.why,
    )
    if said.expected is not None or not isinstance(window.rule, Surge):
        return point
    against = expectation(window, minute, subject)
    low, high = interval(against.mean, against.size)
    return replace(
        point, expected=round(against.mean, DIGITS), low=float(low), high=float(high), bound=float(against.bound),
        beyond=round(said.observed / against.bound, DIGITS),
    )  # fmt: skip


def _followed(judge: Judge, decision: Decision, like: AlertEvent | None) -> tuple[Window, Decision]:
    """The window whose figures are shown, and what it said: always the same one, so that figures can be compared."""
    if like is not None:
        for window, said in judge.found:
            if window.rule.window.seconds == like.window_seconds and said.unit == like.unit:
                return window, said
    leading = max(judge.found, key=lambda pair: (pair[1].holds, pair[1].beyond))
    return leading[0], leading[1] if decision.parts else decision


def _comparable(bound: float | None, unit: str) -> float | None:
    """The bound where it is of what is observed: that of a change of level is of its sum; one of nothing is none."""
    return None if not bound or unit.endswith("since the level changed") else bound


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
