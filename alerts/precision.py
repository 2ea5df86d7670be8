"""How often a rule was right, by what people said of its alerts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from alerts.shares import wilson
from streams.records import Mark

CONFIDENCE: Final = 0.975  # of each bound: together an interval of 95 %


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the alerts of a rule that people marked: how many were worth ringing, and the 95 % interval of that share."""

    right: int
    wrong: int
    share: float | None  # None: nobody marked any
    low: float
    high: float


def precision_of(right: int, wrong: int) -> Precision:
    """The share of those that were right, with its interval."""
    low, high = wilson(right, right + wrong, CONFIDENCE)
    return Precision(right, wrong, right / (right + wrong) if right + wrong else None, low, high)


UNMARKED: Final = precision_of(0, 0)


def votes(marks: Iterable[Mark]) -> dict[str, bool]:
    """The latest mark of each author."""
    latest: dict[str, Mark] = {}
    for mark in marks:
        known = latest.get(mark.author)
        if known is None or (known.at, known.id) < (mark.at, mark.id):
            latest[mark.author] = mark
    return {author: mark.right for author, mark in latest.items()}
