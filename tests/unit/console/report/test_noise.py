"""What is called a move, and what is not."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.report.noise import (
    Tally,
    comparisons,
    number_moved,
    ratio,
    share_difference,
    share_moved,
)

NUMBERS = st.integers(0, 400)
TALLIES = st.builds(lambda a, b: Tally(a + b, a), NUMBERS, NUMBERS)


def test_the_interval_is_that_of_newcombe_s_example() -> None:
    """56/70 against 48/80: 0.0524 to 0.3339, Newcombe 1998, table II, method 10."""
    found = share_difference(Tally(70, 56), Tally(80, 48))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@given(now=TALLIES, before=TALLIES, compared=st.integers(1, 500))
def test_the_other_way_round_it_is_the_other_way_round(now: Tally, before: Tally, compared: int) -> None:
    """A rise seen from the other day is the same fall; the interval always holds the difference."""
    found, back = share_difference(now, before, compared), share_difference(before, now, compared)
    assert (found is None) == (back is None) == (not now.judged or not before.judged)
    if found is not None and back is not None:
        assert (found.low, found.high) == pytest.approx((-back.high, -back.low))
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9


@given(same=TALLIES, compared=st.integers(1, 500))
def test_what_stayed_the_same_did_not_move(same: Tally, compared: int) -> None:
    """The same numbers on both days are never a move."""
    assert share_moved(same, same, compared) is None
    assert number_moved(same, same, compared) is None


@given(now=TALLIES, before=TALLIES, compared=st.integers(1, 200))
def test_among_more_subjects_more_is_asked_for(now: Tally, before: Tally, compared: int) -> None:
    """What is noise among few is noise among many."""
    if share_moved(now, before, compared) is None:
        assert share_moved(now, before, compared + 50) is None
    if number_moved(now, before, compared) is None:
        assert number_moved(now, before, compared + 50) is None


@given(now=TALLIES, before=TALLIES)
def test_only_what_there_is_enough_for_is_counted_as_compared(now: Tally, before: Tally) -> None:
    """A move is never called where the comparison was not counted: its bounds would be too narrow."""
    counted = comparisons(now, before)
    moved = (share_moved(now, before, 1) is not None) + (number_moved(now, before, 1) is not None)
    assert moved <= counted


def test_a_number_must_double_beyond_chance() -> None:
    """Six after two is chance, sixty after twenty is not; sixty after fifty is no doubling."""
    assert number_moved(Tally(10, 6), Tally(10, 2), 1) is None
    moved = number_moved(Tally(90, 60), Tally(40, 20), 1)
    assert moved is not None
    assert moved.value == 3.0
    assert number_moved(Tally(90, 600), Tally(40, 400), 1) is None


def test_many_after_nothing_is_a_move_without_a_number_of_times() -> None:
    """There is no telling how many times nothing it is; at least how many times is known."""
    moved = number_moved(Tally(40, 40), Tally(), 10)
    assert moved is not None
    assert math.isinf(moved.value)
    assert moved.low > 2


def test_a_longer_span_counts_more_by_itself() -> None:
    """A ratio is one of rates: 25 hours after 23 are not compared as if they were as long."""
    found = ratio(50, 46, exposure=25 / 23)
    assert found is not None
    assert found.value == pytest.approx(1.0)


def test_of_a_hundred_subjects_that_only_flicker_hardly_one_is_called_a_move() -> None:
    """Of 200 pairs of days of 100 unmoved subjects those with a false move stay within the promised 5 %."""
    draw = random.Random(7)
    wrong = 0
    for _ in range(200):
        kinds = [(draw.choice((0.05, 0.2, 0.5)), draw.randint(5, 60)) for _ in range(100)]
        pairs = [(_day(draw, *kind), _day(draw, *kind)) for kind in kinds]
        compared = sum(comparisons(*pair) for pair in pairs)
        wrong += any(share_moved(*p, compared) or number_moved(*p, compared) for p in pairs)
    assert wrong <= 18  # 5 % of 200 are 10; the binomial's upper 1 % is 18


def _day(draw: random.Random, rate: float, judged: int) -> Tally:
    return Tally(judged, sum(draw.random() < rate for _ in range(judged)))
