"""How far figures could be off by the chance of which events there were: percentile bootstrap, seeded.

Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, section 13.3. Truth events are drawn anew with
replacement, and so are subject-weeks, because the false alarms of one subject in one week belong together.

Where nothing (or everything) was found, every draw says the same, and the interval would have no width. There the exact
bound stands: the share at which so clean a sample comes once in forty times (Clopper & Pearson 1934).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.evaluation.result import Interval

LEVEL: Final = 95.0  # per cent
TAIL: Final = (1 - LEVEL / 100) / 2
MOST_DRAWS: Final = 4_000_000  # numbers drawn at once, to bound memory (32 MiB)

Draws = NDArray[np.float64]


def found_draws(found: int, events: int, rounds: int, rng: np.random.Generator) -> Draws:
    """How many of `events` drawn with replacement are among those `found`, `rounds` times: exactly a binomial."""
    if not events:
        return np.zeros(rounds)
    return rng.binomial(events, found / events, rounds).astype(np.float64)


def false_draws(weeks: Sequence[int], cells: int, rounds: int, rng: np.random.Generator) -> Draws:
    """False alarms of `cells` subject-weeks drawn with replacement, `rounds` times.

    `weeks`: false alarms of each subject-week that has any; there are never fewer cells than these.
    """
    if not weeks:
        return np.zeros(rounds)
    amounts, sizes = np.unique(np.asarray(weeks), return_counts=True)
    cells = max(cells, len(weeks))
    shares = np.append(sizes, cells - len(weeks)) / cells
    drawn = rng.multinomial(cells, shares, size=rounds)[:, :-1].astype(np.float64)
    total: Draws = drawn @ amounts.astype(np.float64)
    return total


def median_interval(values: Sequence[float], rounds: int, rng: np.random.Generator) -> Interval | None:
    """Interval of the median of values drawn with replacement; None of fewer than two: one says nothing of others."""
    if len(values) < 2:
        return None
    known = np.asarray(values)
    step = max(1, MOST_DRAWS // len(known))
    medians = [
        np.median(known[rng.integers(0, len(known), (min(step, rounds - done), len(known)))], axis=1)
        for done in range(0, rounds, step)
    ]
    return interval(np.concatenate(medians))


def share_interval(draws: Draws, part: int, whole: int) -> Interval | None:
    """Interval of a share from its draws; exact where the sample is all or nothing. None of nothing."""
    if not whole:
        return None
    if part == 0:
        return Interval(low=0.0, high=1.0 - TAIL ** (1.0 / whole))
    if part == whole:
        return Interval(low=TAIL ** (1.0 / whole), high=1.0)
    return interval(draws)


def rate_interval(draws: Draws, count: int, over: float) -> Interval | None:
    """Interval of a count over so many days, from draws of the count; exact (Poisson) at 0. None without days."""
    if not over:
        return None
    return Interval(low=0.0, high=-math.log(TAIL) / over) if count == 0 else interval(draws / over)


def interval(draws: Draws) -> Interval | None:
    """The middle 95 % of the draws that are numbers; None when none is."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return None
    low, high = np.percentile(known, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Interval(low=float(low), high=float(high))
