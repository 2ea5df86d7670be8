"""What a subject's counts usually are at that hour of its market's week.

The history is one triple of counts per hour in which something happened, for 28 days. From it:

- the level (stories an hour) is the mean of a Gamma posterior over the observed days, past incidents weighted down, and
  a lasting change followed within two weeks (`alerts.levels`); before there is data the pooled prior of the subject's
  kind speaks (`alerts.prior`);
- the season is the subject's own profile over hour of day and kind of day in its market (`alerts.calendars`), drawn
  towards flat while it has few stories;
- the count of a window is then negative-binomial: over-dispersed because news comes in bursts (as bursty as this
  subject was), and more so the less history there is.

Newer hours than the window itself are left out, so that a surge is not its own baseline; and up to twelve more, since a
baseline on two days or more is computed anew only twice a day (`alerts.subject`). Everything is a function of
this one subject's history: no other subject, partition or restart changes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from operator import mul
from typing import Final, Literal

from msgspec import Struct

from alerts.calendars import SLOTS, Market, slots
from alerts.days import Days
from alerts.levels import BURSTINESS, Level, level
from alerts.moments import HOUR, SECOND
from alerts.prior import PRIORS, Prior

MEMORY_HOURS: Final = 28 * 24  # four weeks: two of each weekday pair at least, and a change of level is old after it
SETTLED: Final = 2 * 24  # hours of history: a baseline on less is computed anew every hour …
STEP: Final = 12  # … and on more every so many: they say little beside weeks, and a baseline costs more than a rule
KEPT_HOURS: Final = MEMORY_HOURS + 7 * 24 + STEP + 1  # with the longest window between now and the baseline
WARM_HOURS: Final = 7 * 24  # every hour of the trading week was seen once
CERTAIN_WINDOWS: Final = 2  # windows of history before anything can be called unusual at all
ROUNDS: Final = 2  # of level and season, each from the other
PRIOR_JUDGED: Final = 10.0  # stories' worth of belief in the usual share before there is data
PRIOR_SHARE: Final = 0.2  # negative share of ordinary financial news

NEGATIVE, JUDGED, ALL = 0, 1, 2
State = Literal["none", "warming", "seasonal"]


class History(Struct, array_like=True):
    """New stories by hour (hours since 1970): [negative, judged, all]."""

    hours: dict[int, list[int]] = {}
    began: int = 0  # event time in microseconds since which stories are counted

    def record(self, at: int, judged: bool, negative: bool) -> None:
        """Count one new story."""
        counts = self.hours.setdefault(at // HOUR, [0, 0, 0])
        counts[ALL] += 1
        counts[JUDGED] += judged
        counts[NEGATIVE] += negative

    def erase(self, at: int, judged: bool, negative: bool) -> None:
        """Count a story no longer: its source has replaced it."""
        counts = self.hours.get(at // HOUR)
        if counts is None:
            return
        for of, by in ((ALL, True), (JUDGED, judged), (NEGATIVE, negative)):
            counts[of] = max(0, counts[of] - by)
        if not counts[ALL]:
            del self.hours[at // HOUR]

    def forget(self, now: int) -> None:
        """Drop the hours that no baseline needs any more."""
        first = now // HOUR - KEPT_HOURS
        for hour in list(takewhile(lambda hour: hour <= first, self.hours)):  # hours were added in order of time
            del self.hours[hour]

    @property
    def due(self) -> int:
        """From when on the oldest hour is needed no more."""
        return (next(iter(self.hours)) + KEPT_HOURS) * HOUR

    @property
    def over(self) -> int:
        """From when on no hour is needed any more."""
        return (next(reversed(self.hours)) + KEPT_HOURS) * HOUR


class Levels:
    """The levels of a history's counts, each found when it is first asked for: most rules ask for one of the three."""

    __slots__ = ("_days", "_exposures", "_found", "_prior", "_size")

    def __init__(self, days: Days, exposures: Sequence[float], prior: Prior, size: float) -> None:
        self._days = days
        self._exposures = exposures
        self._prior = prior
        self._size = size
        self._found: dict[int, Level] = {}

    def of(self, of: int) -> Level:
        """The level of negative, judged or all stories."""
        found = self._found.get(of)
        if found is None:
            prior = self._prior.of_share(PRIOR_SHARE) if of == NEGATIVE else self._prior
            found = self._found[of] = level(self._days.counts[of], self._exposures, prior, self._size)
        return found

    @property
    def share(self) -> float:
        """The usual share: a Beta posterior over the days, a day of many negative or many judged counting less."""
        weights = list(map(min, self.of(NEGATIVE).weights, self.of(JUDGED).weights))
        hits = sum(map(mul, weights, self._days.counts[NEGATIVE]))
        of = sum(map(mul, weights, self._days.counts[JUDGED]))
        share: float = (hits + PRIOR_JUDGED * PRIOR_SHARE) / (of + PRIOR_JUDGED)
        return share


@dataclass(frozen=True, slots=True)
class Profile:
    """The baseline of one subject as of one hour. `hours` is how much history it rests on."""

    hours: int
    season: tuple[float, ...]  # a factor around one for each slot of `alerts.calendars`
    levels: Levels  # stories an hour, at a season of one
    burstiness: float = 4.0  # size of the negative binomial of the process itself
    prior: Prior = PRIORS["entity"]
    market: Market = "none"

    @property
    def warming(self) -> bool:
        """Whether the history is too short for a seasonal baseline."""
        return self.hours < WARM_HOURS

    def state(self, window_seconds: int) -> State:
        """What a window of this length can be compared with; "none": no baseline yet, the prior alone speaks."""
        if self.hours * HOUR < CERTAIN_WINDOWS * window_seconds * SECOND:
            return "none"
        return "warming" if self.warming else "seasonal"

    def expected(self, of: int, start: int, end: int) -> float:
        """Stories expected in (start, end], in microseconds."""
        first, last = start // HOUR, end // HOUR
        seasons = self._seasons(first, last + 1)
        if first == last:
            return seasons[0] * ((end - start) / HOUR) * self.levels.of(of).rate
        total = seasons[0] * (((first + 1) * HOUR - start) / HOUR)
        for season in seasons[1:-1]:
            total += season
        return (total + seasons[-1] * ((end - last * HOUR) / HOUR)) * self.levels.of(of).rate

    def by_hour(self, of: int, first: int, last: int) -> list[float]:
        """Stories expected in each of the hours [first, last) since 1970."""
        rate = self.levels.of(of).rate
        return [season * rate for season in self._seasons(first, last)]

    def _seasons(self, first: int, last: int) -> list[float]:
        places = chain.from_iterable(slots(self.market, day) for day in range(first // 24, (last - 1) // 24 + 1))
        return [self.season[place] for place in islice(places, first % 24, first % 24 + last - first)]

    def size(self, of: int) -> float:
        """Size of the predictive negative binomial: burstiness of the process and ignorance of its level together."""
        prior = self.prior.of_share(PRIOR_SHARE) if of == NEGATIVE else self.prior
        return 1.0 / (1.0 / self.burstiness + 1.0 / (self.levels.of(of).stories + prior.shape))

    @property
    def share(self) -> float:
        """The usual negative share of judged stories."""
        return self.levels.share


def profile(
    history: History, began: int, until: int, market: Market = "none", prior: Prior = PRIORS["entity"]
) -> Profile:
    """The baseline from the whole hours in [began, until), at most 28 days of them, in the market's week.

    `prior`: of the subject's kind (`alerts.prior.prior_of`).
    """
    last = until // HOUR
    first = max(-(-began // HOUR), last - MEMORY_HOURS)
    hours = max(0, last - first)
    own = prior.after(hours)
    days = Days.of(history.hours, first, last, market)
    seasons: tuple[float, ...] = (1.0,) * SLOTS
    size = BURSTINESS
    for _ in range(ROUNDS):
        everything = level(days.counts[ALL], days.exposures(seasons), own, min(size, BURSTINESS))
        seasons = days.season(everything)
        size = days.burstiness(seasons, everything)
    return Profile(
        hours=hours,
        season=seasons,
        levels=Levels(days, days.exposures(seasons), own, min(size, BURSTINESS)),
        burstiness=size,
        prior=own,
        market=market,
    )


def tail(count: int, mean: float, size: float) -> float:
    """P(X >= count) for a negative binomial with this mean and size (variance = mean + mean**2 / size)."""
    if count <= 0:
        return 1.0
    if mean <= 0.0:
        return 0.0
    if count <= mean:  # the lower part is the smaller sum, and 1 - it loses nothing
        return max(0.0, 1.0 - _sum(0, count, mean, size))
    return min(1.0, _sum(count, None, mean, size))


def terms(start: int, mean: float, size: float) -> Iterator[float]:
    """The probabilities of start, start + 1, … under a negative binomial with this mean and size, without end."""
    term, ratio = _term(start, mean, size), mean / (mean + size)
    while True:
        yield term
        term *= (start + size) / (start + 1) * ratio
        start += 1


def _term(count: int, mean: float, size: float) -> float:
    return math.exp(
        math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
        + size * math.log(size / (mean + size)) + count * math.log(mean / (mean + size))
    )  # fmt: skip


def _sum(start: int, stop: int | None, mean: float, size: float) -> float:
    """Sum of the probabilities of start, start+1, … up to stop (exclusive), or until they no longer matter."""
    ratio = mean / (mean + size)
    term, total, k = _term(start, mean, size), 0.0, start
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
