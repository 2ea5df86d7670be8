"""One figure for right, wrong and early, after the Numenta Anomaly Benchmark. Pure.

Lavin & Ahmad (2015), "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark", IEEE ICMLA,
section II (arXiv 1510.03336). With y the place of an alert relative to an event's window, -1 at its left edge and 0 at
its right, sigma(y) = 2 / (1 + exp(5 y)) - 1. An event found earns sigma(y) / sigma(-1), one missed costs `miss`, a
false alarm `false` times sigma of its distance to the window before it (1 where there is none, or further than three
widths). The sum is put on a scale where a rule that never rings has 0, one that finds all at once and nothing else 1.

Unlike there, the window counts from the onset: what rings earlier, as far as the matching allows, has rung at once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts.evaluation.result import Episode, EventOf

FAR: Final = 3.0  # widths beyond the window before it: a false alarm costs all it can


@dataclass(frozen=True, slots=True)
class Profile:
    """What an error costs, in events found at once. The numbers are the benchmark's three profiles."""

    false: float
    miss: float


STANDARD: Final = Profile(false=0.11, miss=1.0)
LOW_FALSE: Final = Profile(false=0.22, miss=1.0)
LOW_MISS: Final = Profile(false=0.11, miss=2.0)


@dataclass(frozen=True, slots=True)
class Credit:
    """The sums that every profile weighs."""

    events: int
    found: int
    earned: float  # at most `found`
    lost: float  # by false alarms, at most one each

    def score(self, profile: Profile) -> float | None:
        """At most 1, without a lower bound; None without events."""
        if not self.events:
            return None
        gained = self.earned + profile.miss * self.found - profile.false * self.lost
        return gained / (self.events * (1.0 + profile.miss))


def credit(events: Sequence[EventOf], found: Mapping[int, datetime], false: Iterable[Episode]) -> Credit:
    """`events`: the negative ones; `found`: when, by place in `events`; `false`: the false alarms."""
    earned = sum(_earned(events[place], at) for place, at in found.items())
    ends: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for event in events:
        ends[event.subject].append((event.end, (event.end - event.onset).total_seconds()))
    for known in ends.values():
        known.sort()
    lost = sum(_lost(each.at, ends.get(each.subject, ())) for each in false)
    return Credit(len(events), len(found), earned, lost)


def sigma(place: float) -> float:
    """The benchmark's scaled sigmoid: 0.9866 at -1, 0 at 0, -1 from `FAR` on."""
    return -1.0 if place >= FAR else 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0


def _earned(event: EventOf, at: datetime) -> float:
    width = (event.end - event.onset).total_seconds()
    place = -(event.end - at).total_seconds() / width if width > 0 else -1.0
    return sigma(min(max(place, -1.0), 0.0)) / sigma(-1.0)


def _lost(at: datetime, ends: Sequence[tuple[datetime, float]]) -> float:
    before = bisect_left(ends, (at, 0.0)) - 1
    if before < 0:
        return 1.0
    end, width = ends[before]
    return -sigma((at - end).total_seconds() / width if width > 0 else FAR)
