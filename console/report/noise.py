"""What is more than noise: how certain a difference between two days is. Pure.

A share moved when the interval of the difference of both shares leaves out zero: Newcombe, R. G. (1998), Interval
estimation for the difference between independent proportions, method 10 (from Wilson's bounds of each). A number moved
when it at least doubled or halved and the interval of the ratio leaves out one: of two Poisson counts the one is,
given their sum, a binomial share (Przyborowski and Wilenski 1940), whose bounds are Wilson's again. Who looks at many
subjects finds something by chance: the bounds hold for all that were compared together (Bonferroni). What is counted
are stories, so that a thousand copies prove no more than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from alerts.shares import wilson

CHANCE: Final = 0.05  # of any false move among all that are compared
LEAST_RATIO: Final = 2.0  # counts are burstier than Poisson's: less than double is not called a move
LEAST: Final = 5  # in one of the two spans: fewer are no news


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure now less (or over) that before, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of one subject in one span."""

    judged: int = 0
    negative: int = 0

    @property
    def share(self) -> float | None:
        """The negative ones among the judged."""
        return self.negative / self.judged if self.judged else None


def comparisons(now: Tally, before: Tally) -> int:
    """How many of the two comparisons these numbers are enough for. What could never be called a move, whatever the
    difference, needs no guard against chance (Tarone 1990): sums are asked, which say nothing of the difference."""
    return (min(now.judged, before.judged) >= LEAST) + (now.negative + before.negative >= LEAST)


def bound(compared: int) -> float:
    """The confidence of each bound when so many differences are looked at together."""
    return 1.0 - CHANCE / (2 * max(compared, 1))


def share_difference(now: Tally, before: Tally, compared: int = 1) -> Difference | None:
    """The share now less that before; None where one of them has none."""
    if now.share is None or before.share is None:
        return None
    (low, high), (low_b, high_b) = (wilson(t.negative, t.judged, bound(compared)) for t in (now, before))
    a, b = now.share, before.share
    return Difference(
        a - b, a - b - math.hypot(a - low, high_b - b), a - b + math.hypot(high - a, b - low_b)
    )  # fmt: skip


def ratio(now: int, before: int, compared: int = 1, exposure: float = 1.0) -> Difference | None:
    """How many times as many now; `exposure`: how many times as long now was. None where nothing was counted."""
    if not now + before:
        return None
    low, high = (_odds(share) / exposure for share in wilson(now, now + before, bound(compared)))
    return Difference(now / before / exposure if before else math.inf, low, high)


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1.0 else math.inf


def share_moved(now: Tally, before: Tally, compared: int) -> Difference | None:
    """The difference of the shares, where it is more than noise."""
    found = share_difference(now, before, compared)
    if found is None or min(now.judged, before.judged) < LEAST or found.low <= 0.0 <= found.high:
        return None
    return found


def number_moved(now: Tally, before: Tally, compared: int, exposure: float = 1.0) -> Difference | None:
    """The ratio of the numbers of negative ones, where it is more than noise."""
    found = ratio(now.negative, before.negative, compared, exposure)
    if found is None or max(now.negative, before.negative) < LEAST or found.low <= 1.0 <= found.high:
        return None
    far = found.value >= LEAST_RATIO or found.value <= 1.0 / LEAST_RATIO
    return found if far else None
