"""Whether a difference between two rules that saw the same history is more than chance. Pure; seeded where it draws.

Both rules met the same events and the same subject-weeks, so the tests are paired: if the rules were alike, either
could have had either result of an event or a week. Found or not found: the exact test of McNemar (Psychometrika 12,
1947). Sooner or later: the signed ranks of Wilcoxon (Biometrics Bulletin 1, 1945), which one delay of days among hours
does not decide. Sums and ratios over weeks: approximate randomisation (Noreen, Computer Intensive Methods, 1989; for
precision Yeh, COLING 2000), which assumes no distribution. A p-value of drawn exchanges counts the one that happened
(Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010) and so is never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EXACT: Final = 13  # so many differing cells are exchanged in every one of their 8,192 ways; more are drawn
DRAWS: Final = 20_000
AT_ONCE: Final = 1000  # draws held in memory
CLOSE: Final = 1e-9  # differences that only rounding tells apart count as equal

Cells = NDArray[np.float64]  # cells × figures
Statistic = Callable[[Cells], NDArray[np.float64]]  # sums of draws × figures -> one value of each draw


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p-value of so many events found by one of two rules alone: exact, 1 where no event tells them apart."""
    differing = only_first + only_second
    tail = sum(comb(differing, k) for k in range(min(only_first, only_second) + 1))
    return float(min(1.0, 2 * tail / 2**differing))


def exchanged(first: Any, second: Any, statistic: Statistic, seed: int = 0) -> float:
    """Two-sided p-value of `statistic(first) - statistic(second)`, by exchanging cells between the two.

    `first` and `second`: the same cells (events, subject-weeks), each with one figure or several that are summed before
    the statistic looks at them. A statistic that an exchange leaves without a value counts as extreme, so that p errs
    upwards. 1 where the two are the same.
    """
    if not len(first):
        return 1.0
    ours, theirs = (np.asarray(cells, dtype=float).reshape(len(cells), -1) for cells in (first, second))
    differing = (ours != theirs).any(axis=1)
    if not differing.any():
        return 1.0
    total, change = ours.sum(axis=0), (theirs - ours)[differing]
    both = total + theirs.sum(axis=0)
    seen = abs(_difference(total[None, :], both, statistic)[0])
    if np.isnan(seen):
        return 1.0
    ways = _every_way(len(change)) if len(change) <= EXACT else None
    if ways is not None:
        return float(np.mean(_extreme(ways, total, both, change, statistic, seen)))
    generator = np.random.default_rng(seed)
    extreme = 0
    for _ in range(DRAWS // AT_ONCE):
        drawn = generator.integers(0, 2, size=(AT_ONCE, len(change))).astype(float)
        extreme += int(_extreme(drawn, total, both, change, statistic, seen).sum())
    return (extreme + 1) / (DRAWS + 1)


def signed_ranks(first: Sequence[float], second: Sequence[float], seed: int = 0) -> float:
    """Two-sided p-value of whether one of two sides has the larger figures: each event weighs by the rank of its
    difference, equal ones by their mean rank, those without a difference not at all."""
    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    differences = differences[differences != 0]
    _, place, counts = np.unique(np.abs(differences), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return exchanged(np.where(differences > 0, 0, ranks), np.where(differences > 0, ranks, 0), total_of, seed)


def total_of(sums: Cells) -> NDArray[np.float64]:
    """The first figure itself: false alarms, ranks."""
    return sums[:, 0]


def precision_of(sums: Cells) -> NDArray[np.float64]:
    """The first figure over all: right alerts over right and false ones; without a value where there is none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[:, 0] / sums.sum(axis=1), dtype=float)


def _every_way(cells: int) -> Cells:
    return ((np.arange(2**cells)[:, None] >> np.arange(cells)) & 1).astype(float)


def _extreme(
    ways: Cells, total: Cells, both: Cells, change: Cells, statistic: Statistic, seen: float
) -> NDArray[np.bool_]:
    found = np.abs(_difference(total + ways @ change, both, statistic))
    return np.isnan(found) | (found >= seen - CLOSE * max(1.0, seen))


def _difference(sums: Cells, both: Cells, statistic: Statistic) -> NDArray[np.float64]:
    return np.asarray(statistic(sums) - statistic(both - sums), dtype=float)
