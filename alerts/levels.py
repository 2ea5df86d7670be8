"""A level that past incidents do not move, its season over the market's week, and how bursty the counts are. Pure.

Sources. Past outbreaks are weighted down in the way of Farrington et al. 1996, "A statistical algorithm for the early
detection of outbreaks of infectious disease", and Noufaily et al. 2013: a day beyond the 0.975 quantile of what the
level explains weighs the less the further it is beyond. The start is the mean of the quieter days (trimming, Tukey
1962), so that an incident of several days cannot hide itself. Quantiles are those of the Gamma distribution with the
mean and variance of the negative binomial, by Wilson and Hilferty 1931. Burstiness is the method of moments (Bliss and
Fisher 1953), shrunk. Slots are shrunk towards their kind of day, and kinds of day towards flat (Morris 1983,
"Parametric empirical Bayes inference").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import mul, truediv
from typing import Final

from alerts.calendars import DAYS, FIRST_SLOT, Day
from alerts.prior import Prior

BURSTINESS: Final = 4.0  # size of the negative binomial before there is data; counts of news are over-dispersed
BURSTINESS_BOUNDS: Final = (1.0, 20.0)
BURST_HOURS: Final = 6  # counts of so many hours tell how bursty a subject is: a burst of news lasts hours, not minutes
BURST_WEIGHT: Final = (
    32.0  # squared stories of belief in BURSTINESS: the spread of 1/size between subjects is about 1/4
)
BEYOND: Final = 1.96  # standard normal quantile 0.975: a day with more than that is taken for an incident …
POWER: Final = 4  # … and weighs (cap / count) to this power: ten times the usual counts next to nothing
LEAST_CAP: Final = 2.0  # stories a day that are never an incident
QUIET: Final = 0.6  # share of the days that the level starts from: incidents of up to two days in five are seen through
STEPS: Final = 12  # of the iteration at most …
SETTLED: Final = 1e-4  # … which ends when the level moves by no more than this part of it
RECENT_DAYS: Final = 14  # a level that changed is learnt from so many days alone …
OLDER_DAYS: Final = 7  # … when there are so many older ones to compare with …
CHANGED: Final = 4.0  # … and the two differ by so many standard errors
SEASON_WEIGHT: Final = 5.0  # stories of belief that an hour is like its kind of day, and a kind of day like any other


@dataclass(frozen=True, slots=True)
class Level:
    """Stories an hour at a season of one, the stories it rests on, and by day how much the day counted and its rate."""

    rate: float
    stories: float
    weights: tuple[float, ...]
    rates: tuple[float, ...]  # another rate before a lasting change


def level(counts: Sequence[float], exposures: Sequence[float], prior: Prior, size: float = BURSTINESS) -> Level:
    """The level of counts by day, the newest day first; `exposures` are the days' hours, each times its season.

    An incident of up to five days of fourteen hardly moves it. A change that lasts is followed when the last fourteen
    days differ from the older ones: half of it is there after about a week, all of it after two.
    """
    whole = _robust(counts, exposures, prior, size)
    if len(counts) < RECENT_DAYS + OLDER_DAYS:
        return whole
    new = _robust(counts[:RECENT_DAYS], exposures[:RECENT_DAYS], prior, size)
    old = _robust(counts[RECENT_DAYS:], exposures[RECENT_DAYS:], prior, size)
    spread = math.sqrt(_variance(new, prior, size) + _variance(old, prior, size))
    if abs(math.log(new.rate / old.rate)) < CHANGED * spread:
        return whole
    return Level(new.rate, new.stories, new.weights + old.weights, new.rates + old.rates)


def _variance(of: Level, prior: Prior, size: float) -> float:
    """Of the logarithm of a level: its stories, and the burstiness of its days."""
    return 1.0 / (of.stories + prior.shape) + 1.0 / (size * len(of.weights))


def _robust(counts: Sequence[float], exposures: Sequence[float], prior: Prior, size: float) -> Level:
    ranked = sorted(range(len(counts)), key=list(map(truediv, counts, exposures)).__getitem__)
    weights = [0.0] * len(counts)
    for day in ranked[: math.ceil(QUIET * len(ranked))]:
        weights[day] = 1.0
    # No other day is ever an incident.
    high = [(day, count, exposures[day]) for day, count in enumerate(counts) if count > LEAST_CAP]
    rate = 0.0
    for _ in range(STEPS + 1):
        before = rate
        seen = sum(map(mul, weights, exposures))
        found = sum(map(mul, weights, counts))
        rate = (found + prior.shape) / (seen + prior.hours)
        if abs(rate - before) <= SETTLED * rate:
            break
        weights = [1.0] * len(counts)
        for day, count, exposure in high:
            mean = rate * exposure
            if count > mean and count > (cap := _cap(mean, size)):
                weights[day] = (cap / count) ** POWER
    return Level(rate, found, tuple(weights), (rate,) * len(weights))


def _cap(mean: float, size: float) -> float:
    """The most stories that a mean explains (quantile 0.975), `LEAST_CAP` at least."""
    shape = mean / (1.0 + mean / size)  # of the Gamma distribution with the variance of the negative binomial
    ninth = 1.0 / (9.0 * shape)
    root = 1.0 - ninth + BEYOND * math.sqrt(ninth)
    cap = mean * root**3 if root > 0.0 else 0.0
    return cap if cap > LEAST_CAP else LEAST_CAP


def season(found: Sequence[float], usual: Sequence[float]) -> tuple[float, ...]:
    """A factor around one for each slot, from stories found and those that a flat level expects.

    Each kind of day is drawn towards flat, holidays towards weekends; each hour is drawn towards its kind of day.
    """
    means: dict[Day, float] = {}
    factors: dict[Day, list[float]] = {}
    for kind in DAYS:
        hours = slice(FIRST_SLOT[kind], FIRST_SLOT[kind] + 24)
        mean = _shrunk(sum(found[hours]), sum(usual[hours]), means["weekend"] if kind == "holiday" else 1.0)
        before = [mean] * 24
        if kind == "holiday":  # it has the shape of a weekend
            before = [mean * (factor / means["weekend"]) for factor in factors["weekend"]]
        means[kind] = mean
        factors[kind] = list(map(_shrunk, found[hours], usual[hours], before))
    return tuple(chain.from_iterable(factors[kind] for kind in DAYS))


def _shrunk(found: float, usual: float, before: float) -> float:
    return (found + SEASON_WEIGHT * before) / (usual + SEASON_WEIGHT)


def burstiness(counts: Sequence[float], means: Sequence[float], weights: Sequence[float]) -> float:
    """Size of the negative binomial of counts around their means, days of incidents weighted down twice."""
    spread, base = BURST_WEIGHT / BURSTINESS, BURST_WEIGHT
    for count, mean, weight in zip(counts, means, weights, strict=True):
        spread += weight * weight * ((count - mean) ** 2 - mean)
        base += weight * weight * mean * mean
    low, high = BURSTINESS_BOUNDS
    return min(high, max(low, base / max(spread, base / high)))
