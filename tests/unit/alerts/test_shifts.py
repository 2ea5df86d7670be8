"""Change points: found when they last, and as late as the literature says."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.shifts import THRESHOLD, shift, shift_of_share, threshold


def counts(rng: random.Random, mean: float, size: float, periods: int) -> list[int]:
    """Negative-binomial counts."""
    found = []
    for _ in range(periods):
        level, count, at = rng.gammavariate(size, mean / size), 0, rng.expovariate(1.0)
        while at < level:
            count += 1
            at += rng.expovariate(1.0)
        found.append(count)
    return found


def log_pmf(count: int, mean: float, size: float) -> float:
    """Of the negative binomial, from its definition."""
    q = mean / (mean + size)
    return (
        math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
        + size * math.log(1 - q) + count * math.log(q)
    )  # fmt: skip


@given(st.integers(0, 200), st.floats(0.05, 80), st.floats(0.5, 20), st.floats(1.1, 5))
def test_a_period_s_score_is_the_log_likelihood_ratio(count: int, mean: float, size: float, ratio: float) -> None:
    """Compared with the definition."""
    score = log_pmf(count, ratio * mean, size) - log_pmf(count, mean, size)
    assert shift([count], [mean], size, ratio).statistic == pytest.approx(max(0.0, score), abs=1e-6)


@given(st.lists(st.integers(0, 60), max_size=60))
def test_the_rise_began_after_the_last_zero(series: list[int]) -> None:
    """The periods since then alone give the same sum."""
    found = shift(series, [4.0] * len(series), 4.0, 2.0)
    assert found.statistic >= 0
    assert 0 <= found.began_index <= len(series)
    assert (found.began_index == len(series)) == (found.statistic == 0)
    rest = series[found.began_index :]
    again = shift(rest, [4.0] * len(rest), 4.0, 2.0)
    assert again.statistic == pytest.approx(found.statistic)
    assert again.began_index == 0


@pytest.mark.parametrize(("mean", "size", "predicted"), [(0.5, 4.0, 36.4), (5.0, 4.0, 7.8), (20.0, 4.0, 5.5)])
def test_a_doubling_is_found_about_when_its_information_reaches_the_threshold(
    mean: float, size: float, predicted: float
) -> None:
    """Threshold over the Kullback-Leibler divergence a period (Lorden 1971), seeded."""
    rng = random.Random(2)
    delays = []
    for _ in range(100):
        series = counts(rng, 2 * mean, size, 400)
        total, delay = 0.0, 0
        while total <= THRESHOLD:
            delay += 1
            total = shift(series[:delay], [mean] * delay, size, 2.0).statistic
        delays.append(delay)
    assert sum(delays) / len(delays) == pytest.approx(predicted, rel=0.35)


def test_without_a_change_it_rings_rarely() -> None:
    """Twenty thousand periods, seeded: far fewer alarms than one in exp(h) periods, which the theory grants."""
    rng = random.Random(4)
    alarms = start = 0
    series = counts(rng, 5.0, 4.0, 20_000)
    for end in range(1, len(series) + 1):
        recent = series[max(start, end - 60) : end]  # the sum was zero in between: a longer look changes nothing
        if shift(recent, [5.0] * len(recent), 4.0, 2.0).statistic > THRESHOLD:
            alarms, start = alarms + 1, end
    assert 1 <= alarms <= 20_000 / math.exp(THRESHOLD) / 3


def test_fewer_than_usual_is_a_change_too() -> None:
    """A ratio below one looks for silence that lasts."""
    steady = shift([5, 4, 6, 5, 5], [5.0] * 5, 4.0, 0.3)
    silent = shift([5, 4, 0, 0, 0, 0, 0], [5.0] * 7, 4.0, 0.3)
    assert steady.statistic < 1
    assert silent.statistic > 3
    assert silent.began_index == 2


def test_a_share_that_moved_is_found() -> None:
    """From a fifth to two fifths of ten judged a period."""
    usual = shift_of_share([2, 1, 3, 2, 2], [10] * 5, 0.2, 0.4)
    moved = shift_of_share([2, 1, 2, 4, 5, 4, 4, 4, 5], [10] * 9, 0.2, 0.4)
    assert usual.statistic < 1
    assert moved.statistic > THRESHOLD / 2
    assert moved.began_index == 3
    assert shift_of_share([], [], 0.2, 0.4) == (0.0, 0)


@given(st.floats(0.01, 10), st.integers(1, 5000), st.integers(60, 86_400))
def test_the_threshold_grows_with_subjects_and_shrinks_with_the_budget(budget: float, among: int, period: int) -> None:
    """exp(h) periods or more pass between two false alarms."""
    h = threshold(budget, among, period)
    assert h >= 1
    assert threshold(budget, among + 1, period) >= h >= threshold(budget * 2, among, period)
    assert among * (7 * 86_400 / period) / math.exp(h) <= budget * (1 + 1e-9)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: shift([1], [], 4.0, 2.0),
        lambda: shift([1], [1.0], 4.0, 1.0),
        lambda: shift([1], [1.0], 0.0, 2.0),
        lambda: shift_of_share([1], [2], 0.0, 0.5),
        lambda: threshold(0.0, 1, 60),
    ],
)
def test_what_cannot_be_asked_is_refused(ask: object) -> None:
    """With what is needed instead."""
    with pytest.raises(ValueError, match="a change point needs"):
        ask()  # type: ignore[operator]
