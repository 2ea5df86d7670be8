"""What a subject's counts usually are at that hour of the trading week.

The history is one triple of counts per hour in which something happened, for 28 days. From it:

- the level (stories an hour) is the mean of a Gamma posterior over the observed hours, each hour capped at the 0.995
  quantile so that a past surge does not make the next one look usual;
- the season is the subject's own profile over hour of day and weekday/weekend, drawn towards flat while it has few
  stories;
- the count of a window is then negative-binomial: over-dispersed because news comes in bursts, and more so the less
  history there is.

Newer hours than the window itself are left out, so that a surge is not its own baseline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from alerts.moments import HOUR

MEMORY_HOURS: Final = 28 * 24  # four weeks: two of each weekday pair at least, and a change of level is old after it
WARM_HOURS: Final = 7 * 24  # every hour of the trading week was seen once
CAPPED: Final = 0.005  # share of hours that are winsorised
PRIOR_STORIES: Final = 0.5  # Jeffreys prior of a Poisson rate …
PRIOR_HOURS: Final = 1.0  # … and one hour in which to have seen them: quickly outweighed
PRIOR_JUDGED: Final = 10.0  # stories' worth of belief in the usual share before there is data
PRIOR_SHARE: Final = 0.2  # negative share of ordinary financial news
SEASON_WEIGHT: Final = 5.0  # stories' worth of belief that a slot is like any other
BURSTINESS: Final = 4.0  # size of the negative binomial for the process itself; counts of news are over-dispersed
WEEKEND: Final = 5

NEGATIVE, JUDGED, ALL = 0, 1, 2


class History(Struct, array_like=True):
    """New stories by hour (hours since 1970): [negative, judged, all]."""

    hours: dict[int, list[int]] = {}

    def record(self, at: int, judged: bool, negative: bool) -> None:
        """Count one new story."""
        counts = self.hours.setdefault(at // HOUR, [0, 0, 0])
        counts[ALL] += 1
        counts[JUDGED] += judged
        counts[NEGATIVE] += negative

    def forget(self, now: int) -> None:
        """Drop the hours that no baseline needs any more."""
        oldest = now // HOUR - MEMORY_HOURS - 7 * 24  # the longest window lies between now and the baseline
        while self.hours and (first := next(iter(self.hours))) < oldest:  # hours were added in order of time
            del self.hours[first]


@dataclass(frozen=True, slots=True)
class Profile:
    """The baseline of one subject as of one hour. `hours` is how much history it rests on."""

    hours: int
    level: tuple[float, float, float]  # negative, judged, all stories an hour
    stories: tuple[float, float, float]  # winsorised counts behind the levels
    season: tuple[float, ...]  # 48 factors around 1: 24 hours of weekdays, 24 of weekends
    share: float  # usual negative share of judged stories

    @property
    def warming(self) -> bool:
        """Whether the history is too short for a seasonal baseline."""
        return self.hours < WARM_HOURS

    def expected(self, of: int, start: int, end: int) -> float:
        """Stories expected in (start, end], in microseconds."""
        total = 0.0
        for hour in range(start // HOUR, (end - 1) // HOUR + 1):
            overlap = min(end, (hour + 1) * HOUR) - max(start, hour * HOUR)
            total += self.season[slot(hour)] * overlap / HOUR
        return total * self.level[of]

    def size(self, of: int) -> float:
        """Size of the predictive negative binomial: burstiness of the process and ignorance of its level together."""
        return 1.0 / (1.0 / BURSTINESS + 1.0 / (self.stories[of] + PRIOR_STORIES))


def slot(hour: int) -> int:
    """Slot of the trading week (UTC) of an hour since 1970: 0 to 23 on weekdays, 24 to 47 on weekends."""
    day = (hour // 24 + 3) % 7  # 1970-01-01 was a Thursday
    return hour % 24 + (24 if day >= WEEKEND else 0)


def profile(history: History, began: int, until: int) -> Profile:
    """The baseline from the whole hours in [began, until), at most 28 days of them."""
    last = until // HOUR
    first = max(-(-began // HOUR), last - MEMORY_HOURS)
    hours = max(0, last - first)
    rows = [(h, counts) for h, counts in sorted(history.hours.items()) if first <= h < last]
    negative, judged, everything = (_winsorised([(h, c[of]) for h, c in rows], hours) for of in (NEGATIVE, JUDGED, ALL))
    sums = (float(sum(negative.values())), float(sum(judged.values())), float(sum(everything.values())))
    levels = tuple((s + PRIOR_STORIES) / (hours + PRIOR_HOURS) for s in sums)
    seen = [0] * 48
    for hour in range(first, last):
        seen[slot(hour)] += 1
    found = [0] * 48
    for hour, count in everything.items():
        found[slot(hour)] += count
    season = tuple((f + SEASON_WEIGHT) / (n * levels[ALL] + SEASON_WEIGHT) for f, n in zip(found, seen, strict=True))
    share = (sums[NEGATIVE] + PRIOR_JUDGED * PRIOR_SHARE) / (sums[JUDGED] + PRIOR_JUDGED)
    return Profile(hours, (levels[0], levels[1], levels[2]), sums, season, share)


def _winsorised(rows: list[tuple[int, int]], hours: int) -> dict[int, int]:
    """Counts by hour, the largest `CAPPED` of all hours (empty ones included) cut to the next smaller count."""
    spared = math.ceil(CAPPED * hours)
    ranked = sorted((count for _, count in rows), reverse=True)
    cap = ranked[spared] if spared < len(ranked) else 1
    return {hour: min(count, max(cap, 1)) for hour, count in rows}


def tail(count: int, mean: float, size: float) -> float:
    """P(X >= count) for a negative binomial with this mean and size (variance = mean + mean**2 / size)."""
    if count <= 0:
        return 1.0
    if mean <= 0.0:
        return 0.0
    if count <= mean:  # the lower part is the smaller sum, and 1 - it loses nothing
        return max(0.0, 1.0 - _sum(0, count, mean, size))
    return min(1.0, _sum(count, None, mean, size))


def _sum(start: int, stop: int | None, mean: float, size: float) -> float:
    """Sum of the probabilities of start, start+1, … up to stop (exclusive), or until they no longer matter."""
    ratio = mean / (mean + size)
    log_term = (
        math.lgamma(start + size) - math.lgamma(size) - math.lgamma(start + 1)
        + size * math.log(size / (mean + size)) + start * math.log(ratio)
    )  # fmt: skip
    term, total, k = math.exp(log_term), 0.0, start
    while (stop is None or k < stop) and (term > total * 1e-15 or k < mean):
        total += term
        term *= (k + size) / (k + 1) * ratio
        k += 1
    return total


def interval(mean: float, size: float, level: float = 0.95) -> tuple[int, int]:
    """The central counts that a negative binomial takes with probability of at least `level`."""
    out = (1.0 - level) / 2.0
    low = high = 0
    total, reach = 0.0, math.exp(size * math.log(size / (mean + size)))
    ratio, k = mean / (mean + size), 0
    while total + reach < 1.0 - out and k < 1_000_000:
        total += reach
        if total <= out:
            low = k + 1
        reach *= (k + size) / (k + 1) * ratio
        k += 1
    high = k
    return low, high
