"""Levels that incidents do not move, seasons and burstiness."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.calendars import SLOTS
from alerts.levels import BURSTINESS_BOUNDS, burstiness, level, season
from alerts.prior import Prior

PRIOR = Prior(0.36, 9.7)
DAY = [24.0]


def test_without_incidents_the_level_is_the_posterior_mean() -> None:
    """All days count fully."""
    found = level([10.0] * 28, DAY * 28, PRIOR)
    assert found.rate == pytest.approx((280 + 0.36) / (28 * 24 + 9.7))
    assert set(found.weights) == {1.0}
    assert found.stories == 280


def test_the_days_of_an_incident_count_next_to_nothing() -> None:
    """However large it was, and wherever it lies."""
    for place in (0, 5, 12, 24):
        counts = [10.0] * 28
        counts[place : place + 4] = [100.0] * 4
        found = level(counts, DAY * 28, PRIOR)
        assert found.rate * 24 == pytest.approx(10, rel=0.05)
        assert max(found.weights[place : place + 4]) < 0.01
        counts[place] = 1e6
        assert level(counts, DAY * 28, PRIOR).rate * 24 == pytest.approx(10, rel=0.05)


def test_a_change_of_level_is_followed_when_it_lasts() -> None:
    """Three days of ten times as much are an incident; half of it is believed after eight days, all after fourteen."""
    rates = {days: level([100.0] * days + [10.0] * (28 - days), DAY * 28, PRIOR).rate * 24 for days in (3, 5, 8, 14)}
    assert rates[3] == pytest.approx(10, rel=0.1)
    assert rates[5] < 15
    assert 40 < rates[8] < 75
    assert rates[14] == pytest.approx(100, rel=0.05)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=28), st.floats(1.0, 20.0))
def test_a_level_lies_between_its_prior_and_the_largest_day(counts: list[int], size: float) -> None:
    """Positive, and never above what was ever seen or believed."""
    found = level([float(c) for c in counts], DAY * len(counts), PRIOR, size)
    assert 0 < found.rate <= max(*(c / 24 for c in counts), PRIOR.shape / PRIOR.hours)
    assert all(0 < weight <= 1 for weight in found.weights)


def test_a_season_is_flat_before_there_is_data_and_then_the_subject_s_own() -> None:
    """Holidays follow the weekend until they have counts of their own."""
    assert season([0.0] * SLOTS, [0.0] * SLOTS) == (1.0,) * SLOTS
    found, usual = [0.0] * SLOTS, [0.0] * SLOTS
    for slot in range(48):
        usual[slot] = 100.0
        found[slot] = 140.0 if slot < 24 else 20.0
    learnt = season(found, usual)
    assert learnt[10] == pytest.approx(1.4, rel=0.02)
    assert learnt[34] == pytest.approx(0.2, rel=0.1)
    assert learnt[58] == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("size", [1.5, 4.0, 12.0])
def test_burstiness_is_that_of_the_counts(size: float) -> None:
    """Negative-binomial counts of a known size, seeded; the estimate is drawn towards 4."""
    rng = random.Random(3)
    found = []
    for _ in range(30):
        means = [8.0] * 112
        counts = [float(_poisson(rng, rng.gammavariate(size, 8.0 / size))) for _ in means]
        found.append(burstiness(counts, means, [1.0] * 112))
    assert statistics.median(found) == pytest.approx(size, rel=0.3)


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0.001, 50), st.floats(0, 1)), max_size=60))
def test_burstiness_stays_within_its_bounds(rows: list[tuple[int, float, float]]) -> None:
    """Whatever the counts."""
    found = burstiness([float(r[0]) for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    assert BURSTINESS_BOUNDS[0] <= found <= BURSTINESS_BOUNDS[1]


def _poisson(rng: random.Random, mean: float) -> int:
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count += 1
        at += rng.expovariate(1.0)
    return count
