"""A history by hour, cut into days, with its season and its burstiness: arrays, because a baseline is asked for often.

Sums over hours run in order of time (`numpy.bincount`), so that the figures are those of a plain loop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.calendars import SLOTS, Market, slots
from alerts.levels import BURST_HOURS, Level, burstiness, season

CAPPED: Final = 0.005  # share of hours that are winsorised, so that one wild hour does not make a season
KINDS: Final = 3  # of counts in a history: negative, judged, all
Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Days:
    """Hours up to one moment in days of 24, the newest first; counts by hour are winsorised."""

    counts: tuple[list[float], ...]  # by day, of each kind
    slots: Places  # of each hour, the oldest first
    ages: Places  # hours from each hour to the newest
    told: Places  # the ages of the hours in which something happened …
    everything: Numbers  # … and how much in all

    @classmethod
    def of(cls, counts: Mapping[int, Sequence[int]], first: int, last: int, market: Market) -> Days:
        """The hours since 1970 from `first` up to, not including, `last`; `counts` of all kinds by hour."""
        hours = max(0, last - first)
        within = sorted(hour for hour in counts if first <= hour < last)
        told = hours - 1 - (np.array(within, dtype=np.intp) - first)
        kinds = np.array([counts[hour] for hour in within], dtype=np.float64).reshape(len(within), KINDS).T
        capped = [_winsorised(kind, hours) for kind in kinds]
        days = -(-hours // 24)
        by_day = [np.bincount(told // 24, weights=found, minlength=days).tolist() for found in capped]
        return cls(tuple(by_day), _slots(market, first, hours), np.arange(hours - 1, -1, -1), told, capped[-1])

    def exposures(self, seasons: Sequence[float]) -> list[float]:
        """Hours of each day, each times its season."""
        newest = np.asarray(seasons)[self.slots[::-1]]
        found: list[float] = np.bincount(self.ages[::-1] // 24, weights=newest).tolist()
        return found

    def season(self, usual: Level) -> tuple[float, ...]:
        """The season that the hours show against the level of their day."""
        weights = np.asarray(usual.weights)
        by_day = weights * np.asarray(usual.rates)
        expected = np.bincount(self.slots, weights=by_day[self.ages // 24], minlength=SLOTS)
        where = self.slots[len(self.slots) - 1 - self.told]
        found = np.bincount(where, weights=weights[self.told // 24] * self.everything, minlength=SLOTS)
        return season(found.tolist(), expected.tolist())

    def burstiness(self, seasons: Sequence[float], usual: Level) -> float:
        """Size of the negative binomial of the counts of every few hours around the level and the season."""
        hourly = np.asarray(usual.rates)[self.ages // 24] * np.asarray(seasons)[self.slots]
        means = np.bincount(self.ages // BURST_HOURS, weights=hourly)
        counts = np.bincount(self.told // BURST_HOURS, weights=self.everything, minlength=len(means))
        weights = [usual.weights[part * BURST_HOURS // 24] for part in range(len(means))]
        return burstiness(counts.tolist(), means.tolist(), weights)


@lru_cache(maxsize=256)  # many subjects are looked at in the same hour
def _slots(market: Market, first: int, hours: int) -> Places:
    days = range(first // 24, (first + hours) // 24 + 1)
    return np.array([slot for day in days for slot in slots(market, day)], dtype=np.intp)[first % 24 :][:hours]


def _winsorised(counts: Numbers, hours: int) -> Numbers:
    """Counts by hour, the largest `CAPPED` of all hours (empty ones included) cut to the next smaller count.

    Not on the first day: of a few hours none is known to be wild.
    """
    if hours < 24:
        return counts
    spared = math.ceil(CAPPED * hours)
    cap = max(1.0, np.sort(counts)[-1 - spared]) if spared < len(counts) else 1.0
    return np.minimum(counts, cap)
