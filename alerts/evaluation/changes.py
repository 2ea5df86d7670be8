"""The figures of two rules that met the same history, and what of their difference is more than chance. Pure.

Tests are paired (`alerts.evaluation.paired`): over events for what was found and how late, over subject-weeks for false
alarms and precision, because the alerts of one subject in one week belong together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from alerts.evaluation.paired import Cells, exchanged, mcnemar, precision_of, signed_ranks, total_of
from alerts.evaluation.result import Episode, EventOf, Outcome

CHANCE: Final = 0.05

Figure = Literal["recall", "precision", "false_per_subject_day", "delay_median_s", "controls_fired"]
Cell = tuple[str, int, int]  # subject, ISO year and week


class Change(Struct, frozen=True, kw_only=True):
    """One figure on both sides."""

    figure: Figure
    before: float | None
    after: float | None
    p: float | None  # None: a side has no such figure
    n: int  # what the test looked at: events, events that both found, subject-weeks with alerts, controls
    better: bool | None  # None: equal, or nothing to compare

    @property
    def more_than_chance(self) -> bool:
        """Whether the paired test says so."""
        return self.p is not None and self.p < CHANCE


@dataclass(frozen=True, slots=True)
class Side:
    """One rule, or a whole set, as it is compared."""

    name: str
    hash: str
    subject_days: float
    episodes: tuple[Episode, ...]
    outcomes: Mapping[int, Outcome]  # by common event, of those about subjects that the rules look at


def changes(before: Side, after: Side, events: Sequence[EventOf], seed: int) -> Iterator[Change]:
    """Recall, precision, false alarms, delay and, where there are any, controls, of events about subjects that a side
    looks at. The seed is that of what the tests draw."""
    sides = (before, after)
    able = sorted(before.outcomes.keys() | after.outcomes.keys())  # about subjects that a side looks at
    negative = [i for i in able if is_negative(events, i)]
    controls = [i for i in able if not is_negative(events, i)]
    yield _recall(sides, negative)
    counts = [_weekly(side) for side in sides]
    weeks = sorted(counts[0].keys() | counts[1].keys())
    first, second = (np.array([count.get(week, (0, 0)) for week in weeks], dtype=float) for count in counts)
    yield _precision(first.reshape(-1, 2), second.reshape(-1, 2), seed)
    yield _false(first.reshape(-1, 2)[:, 1], second.reshape(-1, 2)[:, 1], sides, seed)
    yield _delay(sides, negative, seed)
    if controls:
        yield _controls(sides, controls)


def is_negative(events: Sequence[EventOf], place: int) -> bool:
    """Whether an event should ring."""
    return events[place].kind == "negative"


def _recall(sides: tuple[Side, Side], negative: Sequence[int]) -> Change:
    found = [_found(side, negative) for side in sides]
    if not negative:
        return Change(figure="recall", before=None, after=None, p=None, n=0, better=None)
    before, after = (len(each) / len(negative) for each in found)
    p = mcnemar(len(found[0] - found[1]), len(found[1] - found[0]))
    return Change(figure="recall", before=before, after=after, p=p, n=len(negative), better=_more(before, after))


def _controls(sides: tuple[Side, Side], controls: Sequence[int]) -> Change:
    rang = [_found(side, controls) for side in sides]
    p = mcnemar(len(rang[0] - rang[1]), len(rang[1] - rang[0]))
    before, after = (float(len(each)) for each in rang)
    better = _more(after, before)
    return Change(figure="controls_fired", before=before, after=after, p=p, n=len(controls), better=better)


def _found(side: Side, places: Iterable[int]) -> set[int]:
    return {i for i in places if i in side.outcomes and side.outcomes[i].found}


def _precision(first: Cells, second: Cells, seed: int) -> Change:
    shares = [float(each[:, 0].sum() / each.sum()) if each.sum() else None for each in (first, second)]
    before, after = shares
    known = before is not None and after is not None
    p = exchanged(first, second, precision_of, seed) if known else None
    better = _more(before, after)
    return Change(figure="precision", before=before, after=after, p=p, n=len(first), better=better)


def _false(first: Cells, second: Cells, sides: tuple[Side, Side], seed: int) -> Change:
    days = [side.subject_days for side in sides]
    before, after = (float(e.sum()) / over if over else None for e, over in zip((first, second), days, strict=True))
    p = None
    if before is not None and after is not None:  # a side that looks at twice as much may ring falsely twice as often
        p = exchanged(first, second * (days[0] / days[1]), total_of, seed)
    better = _more(after, before)
    return Change(figure="false_per_subject_day", before=before, after=after, p=p, n=len(first), better=better)


def _delay(sides: tuple[Side, Side], negative: Sequence[int], seed: int) -> Change:
    """Of the events that both found: one that only one side found has no delay to compare."""
    both = sorted(set.intersection(*(_found(side, negative) for side in sides)))
    delays = [(sides[0].outcomes[i].delay_s, sides[1].outcomes[i].delay_s) for i in both]
    timed = [(before, after) for before, after in delays if before is not None and after is not None]
    if not timed:
        return Change(figure="delay_median_s", before=None, after=None, p=None, n=0, better=None)
    first, second = zip(*timed, strict=True)
    before, after = median(first), median(second)
    p = signed_ranks(first, second, seed)
    better = _more(after, before)
    return Change(figure="delay_median_s", before=before, after=after, p=p, n=len(timed), better=better)


def _weekly(side: Side) -> dict[Cell, tuple[int, int]]:
    """Right and false alerts by subject and week. Of several rules that find one event the first is right."""
    right: Counter[Cell] = Counter()
    false: Counter[Cell] = Counter()
    credited: set[int | None] = set()
    for episode in side.episodes:
        cell = (episode.subject, *_week(episode.at))
        if episode.judged == "true" and (episode.event is None or episode.event not in credited):
            credited.add(episode.event)
            right[cell] += 1
        elif episode.judged in ("false", "control"):
            false[cell] += 1
    return {cell: (right[cell], false[cell]) for cell in right.keys() | false.keys()}


def _week(at: datetime) -> tuple[int, int]:
    found = at.astimezone(UTC).isocalendar()
    return found.year, found.week


def _more(less: float | None, more: float | None) -> bool | None:
    """Whether the second is more than the first; None where they are equal or one is missing."""
    return None if less is None or more is None or less == more else more > less
