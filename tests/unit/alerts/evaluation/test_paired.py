"""Paired tests: exact where few differ, seeded where many do, never more certain than the data."""

from __future__ import annotations

from itertools import compress, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.paired import EXACT, exchanged, mcnemar, precision_of, signed_ranks, total_of

small = st.integers(0, 40)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (0, 6, 0.03125), (3, 3, 1.0), (10, 2, 0.0385742)],
)
def test_mcnemar_is_the_two_sided_sign_test_of_what_differs(first: int, second: int, p: float) -> None:
    """Figures of the binomial distribution with one half, by hand."""
    assert mcnemar(first, second) == pytest.approx(p, abs=1e-6)


@given(first=small, second=small)
def test_mcnemar_is_symmetric_and_a_probability(first: int, second: int) -> None:
    """Which rule is called first changes nothing."""
    assert mcnemar(first, second) == mcnemar(second, first)
    assert 0 < mcnemar(first, second) <= 1


@given(first=small, second=small)
def test_mcnemar_is_the_exchange_of_found_and_not_found(first: int, second: int) -> None:
    """The two tests of the same question agree, where the exchange is exact."""
    if first + second <= EXACT:
        ours, theirs = [1] * first + [0] * second, [0] * first + [1] * second
        assert exchanged(ours, theirs, total_of) == pytest.approx(mcnemar(first, second))


def test_what_is_the_same_is_no_difference() -> None:
    """No cell differs, so that nothing could have been otherwise."""
    assert exchanged([1, 2, 3], [1, 2, 3], total_of) == 1.0
    assert exchanged([], [], total_of) == 1.0


def test_delays_that_are_all_shorter_are_more_than_chance() -> None:
    """Ten events, each found earlier: two of 1,024 ways are as extreme."""
    before = [float(100 + n) for n in range(10)]
    assert signed_ranks(before, [n - 50 for n in before]) == pytest.approx(2 / 1024)


@pytest.mark.parametrize(
    ("differences", "p"),
    [([], 1.0), ([0, 0], 1.0), ([1], 1.0), ([1, 2, 3], 0.25), ([-1, 2, 3, 4, 5], 4 / 32), ([3, 3, -3, 0], 1.0),
     ([60, 61, 62, 63, 64, 65, -90_000], 38 / 128)],
)  # fmt: skip
def test_signed_ranks_are_those_of_the_tables(differences: list[float], p: float) -> None:
    """Small samples, counted by hand; an outlier weighs no more than its rank."""
    assert signed_ranks([0.0] * len(differences), differences) == pytest.approx(p)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=9))
def test_signed_ranks_are_exact(differences: list[int]) -> None:
    """All signs of the differences, enumerated: as many rank sums are as far from the middle as p says."""
    known = [each for each in differences if each]
    ranks = [sum(abs(o) < abs(d) for o in known) + (sum(abs(o) == abs(d) for o in known) + 1) / 2 for d in known]
    middle = sum(ranks) / 2
    seen = abs(sum(rank for rank, each in zip(ranks, known, strict=True) if each > 0) - middle)
    ways = [sum(compress(ranks, way)) for way in product((0, 1), repeat=len(known))]
    expected = sum(abs(way - middle) >= seen - 1e-9 for way in ways) / len(ways)
    assert signed_ranks([0.0] * len(differences), [float(each) for each in differences]) == pytest.approx(expected)


def test_many_cells_are_drawn_and_the_seed_decides() -> None:
    """The same seed gives the same p, and none is zero."""
    generator = np.random.default_rng(1)
    first = generator.poisson(2, 60).astype(float)
    second = generator.poisson(2, 60).astype(float)
    p = exchanged(first, second, total_of, seed=3)
    assert p == exchanged(first, second, total_of, seed=3)
    assert 0.001 < p <= 1
    assert 0 < exchanged(first, first + 50, total_of) < 0.001


def test_precision_is_compared_over_what_rang() -> None:
    """Twelve weeks in which one rule is right and the other wrong."""
    right, wrong = [(1, 0)] * 12, [(0, 1)] * 12
    assert exchanged(right, wrong, precision_of) == pytest.approx(2 / 4096)
    assert exchanged(right, right, precision_of) == 1.0


def test_a_side_without_any_alert_has_no_precision_to_compare() -> None:
    """What cannot be computed is no evidence."""
    assert exchanged([(1, 0)], [(0, 0)], precision_of) == 1.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9))
def test_p_is_a_probability_and_symmetric(cells: list[tuple[int, int]]) -> None:
    """Exchanging the two sides changes the sign and nothing else."""
    first, second = [one for one, _ in cells], [other for _, other in cells]
    p = exchanged(first, second, total_of)
    assert 0 < p <= 1
    assert p == pytest.approx(exchanged(second, first, total_of))


def test_chance_alone_is_seldom_taken_for_more() -> None:
    """Two rules that are alike differ significantly in no more than about one comparison of twenty."""
    generator = np.random.default_rng(7)
    taken = 0
    for _ in range(400):
        first, second = generator.poisson(0.4, (2, 10)).astype(float)
        taken += exchanged(first, second, total_of) < 0.05
    assert taken <= 28  # 20 expected at most; binomial, 2 standard deviations
