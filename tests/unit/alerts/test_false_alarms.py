"""A budget of false alarms, kept."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.baseline import tail
from alerts.false_alarms import LARGEST, WEEK, false_per_week, p_for

BUDGETS = st.floats(0.001, 50)
SUBJECTS = st.integers(1, 20_000)
WINDOWS = st.integers(60, 14 * 86_400)


@given(BUDGETS, SUBJECTS, WINDOWS)
def test_the_expected_false_alarms_are_the_budget(budget: float, among: int, window: int) -> None:
    """Unless the budget is larger than what chance could ever use up."""
    p = p_for(budget, among, window)
    assert 0 < p <= LARGEST
    assert false_per_week(p, among, window) <= budget * (1 + 1e-9)
    assert p == LARGEST or false_per_week(p, among, window) == pytest.approx(budget)


@given(BUDGETS, SUBJECTS, WINDOWS)
def test_more_subjects_and_shorter_windows_ask_for_more(budget: float, among: int, window: int) -> None:
    """Monotone in each."""
    p = p_for(budget, among, window)
    assert p_for(budget, among + 1, window) <= p
    assert p_for(budget, among, max(1, window // 2)) <= p
    assert p_for(budget * 2, among, window) >= p


@pytest.mark.parametrize(("budget", "among", "window"), [(0, 5, 60), (-1, 5, 60), (1, 0, 60), (1, 5, 0)])
def test_what_is_no_budget_is_refused(budget: float, among: int, window: int) -> None:
    """With a reason."""
    with pytest.raises(ValueError, match=r"false_per_week|at least one subject"):
        p_for(budget, among, window)


def test_subjects_that_do_nothing_unusual_ring_within_the_budget() -> None:
    """Fifty subjects and two hundred weeks of negative-binomial counts in windows of six hours, seeded.

    Counts are whole numbers, so less than the budget is used up.
    """
    rng = random.Random(11)
    budget, among, window, weeks = 2.0, 50, 6 * 3600, 200
    p = p_for(budget, among, window)
    false = 0
    for subject in range(among):
        mean, size = (0.3, 2.0, 8.0)[subject % 3], (1.5, 4.0)[subject % 2]
        bound = next(count for count in range(1000) if tail(count, mean, size) <= p)
        for _ in range(weeks * WEEK // window):
            false += _poisson(rng, rng.gammavariate(size, mean / size)) >= bound
    assert 0.2 * budget * weeks < false <= budget * weeks


def _poisson(rng: random.Random, mean: float) -> int:
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count += 1
        at += rng.expovariate(1.0)
    return count
