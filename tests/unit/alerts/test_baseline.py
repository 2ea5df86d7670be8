"""What is usual, and how improbable more of it is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.baseline import ALL, NEGATIVE, History, interval, profile, slot, tail
from alerts.moments import HOUR, micros
from tests.unit.alerts.signals import START

BEGAN = micros(START)  # a Monday, midnight
DAY = 24 * HOUR


def steady(per_day: int, days: int, hours: tuple[int, ...] = tuple(range(24))) -> History:
    """So many neutral stories a day, spread over these hours."""
    history = History()
    for day in range(days):
        for n in range(per_day):
            history.record(BEGAN + day * DAY + hours[n % len(hours)] * HOUR + n, judged=True, negative=n % 4 == 0)
    return history


@pytest.mark.parametrize(("mean", "size"), [(0.05, 0.4), (0.5, 4.0), (5.0, 4.0), (40.0, 2.5)])
def test_the_tail_is_that_of_the_negative_binomial(mean: float, size: float) -> None:
    """Compared with a plain sum of the probabilities from their definition."""
    q = mean / (mean + size)

    def pmf(k: int) -> float:
        return math.exp(
            math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1) + size * math.log(1 - q) + k * math.log(q)
        )

    for count in (0, 1, 2, 5, 20, 60):
        assert tail(count, mean, size) == pytest.approx(1 - sum(pmf(k) for k in range(count)), abs=1e-11)
    low, high = interval(mean, size)
    assert sum(pmf(k) for k in range(low)) <= 0.025
    assert sum(pmf(k) for k in range(high + 1)) >= 0.975 - 1e-9


@given(st.floats(0.001, 500), st.floats(0.1, 50), st.integers(0, 1000))
def test_the_tail_falls_with_the_count_and_stays_a_probability(mean: float, size: float, count: int) -> None:
    """Monotone, within [0, 1]."""
    assert 0.0 <= tail(count + 1, mean, size) <= tail(count, mean, size) <= 1.0


def test_the_tail_of_a_tiny_probability_keeps_its_digits() -> None:
    """No cancellation far out."""
    assert 0 < tail(60, 0.5, 4.0) < 1e-40


def test_the_level_follows_the_counts_and_a_long_silence_is_history_too() -> None:
    """Twenty days without a story are evidence of twenty quiet days."""
    busy = profile(steady(24, 14), BEGAN, BEGAN + 14 * DAY)
    quiet = profile(History(), BEGAN, BEGAN + 20 * DAY)
    assert busy.expected(ALL, BEGAN, BEGAN + 2 * HOUR) == pytest.approx(2.0, rel=0.2)
    assert busy.expected(NEGATIVE, BEGAN, BEGAN + 2 * HOUR) == pytest.approx(0.5, rel=0.3)
    assert quiet.expected(ALL, BEGAN, BEGAN + 2 * HOUR) < 0.01
    assert not busy.warming
    assert profile(History(), BEGAN, BEGAN + 6 * DAY).warming


def test_the_season_is_learnt_from_the_subject_itself() -> None:
    """Stories at 9 to 11 make 10 o'clock expected and midnight not."""
    learnt = profile(steady(12, 14, (9, 10, 11)), BEGAN, BEGAN + 14 * DAY)
    monday = BEGAN + 14 * DAY
    morning = learnt.expected(ALL, monday + 9 * HOUR, monday + 11 * HOUR)
    night = learnt.expected(ALL, monday, monday + 2 * HOUR)
    assert morning > 5 * night


def test_a_past_surge_does_not_become_usual() -> None:
    """One wild hour in three weeks leaves the level where it was."""
    history = steady(6, 21)
    before = profile(history, BEGAN, BEGAN + 21 * DAY).level[ALL]
    for n in range(500):
        history.record(BEGAN + 10 * DAY + n, judged=True, negative=True)
    after = profile(history, BEGAN, BEGAN + 21 * DAY).level[ALL]
    assert after < 1.1 * before


def test_hours_before_the_beginning_after_the_window_and_beyond_four_weeks_do_not_count() -> None:
    """Only whole hours of [began, until), 28 days at most."""
    history = steady(24, 60)
    assert profile(history, BEGAN, BEGAN + 60 * DAY).hours == 28 * 24
    assert profile(history, BEGAN, BEGAN + 3 * HOUR).stories[ALL] == 3
    assert profile(history, BEGAN, BEGAN).hours == 0
    history.forget(BEGAN + 60 * DAY)
    assert profile(history, BEGAN, BEGAN + 60 * DAY) == profile(steady(24, 60), BEGAN, BEGAN + 60 * DAY)


def test_expectations_of_adjacent_windows_add_up() -> None:
    """A window cut in two expects the same."""
    found = profile(steady(24, 14), BEGAN, BEGAN + 14 * DAY)
    cut = BEGAN + 90 * 60_000_000
    whole = found.expected(ALL, BEGAN, BEGAN + 5 * HOUR)
    assert found.expected(ALL, BEGAN, cut) + found.expected(ALL, cut, BEGAN + 5 * HOUR) == pytest.approx(whole)


def test_slots_of_the_trading_week() -> None:
    """Weekdays share 24 slots, the weekend has its own."""
    hour = BEGAN // HOUR
    assert [slot(hour), slot(hour + 23), slot(hour + 4 * 24 + 7), slot(hour + 5 * 24), slot(hour + 6 * 24 + 23)] == [
        0, 23, 7, 24, 47,
    ]  # fmt: skip
