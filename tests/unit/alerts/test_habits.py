"""Habits of sources: what counts as silence, and what is rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts import habits
from alerts.habits import DAY, Habit

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3600.0
BOUND = 6 * HOUR


def market(at: datetime) -> bool:
    """Working hours in Shanghai, Monday to Friday."""
    local = at + timedelta(hours=8)
    return local.weekday() < 5 and 8 <= local.hour < 18


class Watched:
    """A source that is looked at every quarter of an hour and brings something whenever `speaks` says so."""

    def __init__(self, speaks: Callable[[datetime], bool], start: datetime = MONDAY) -> None:
        self.habit, self.speaks, self.at, self.count = Habit(), speaks, start, 0.0
        self.worst = 0.0

    def until(self, end: datetime, *, speaks: Callable[[datetime], bool] | None = None) -> None:
        speaks = speaks or self.speaks
        while self.at < end:
            now = self.at.timestamp()
            self.count += speaks(self.at)
            habits.look(self.habit, now)
            habits.take(self.habit, self.count, 1.0, now)
            if habits.gap(self.habit) is not None:
                self.worst = max(self.worst, habits.silence(self.habit, now, BOUND))
            self.at += timedelta(minutes=4)

    def pause(self, end: datetime) -> None:
        """Nobody looks."""
        self.at = end

    def silent(self) -> float:
        return habits.silence(self.habit, self.at.timestamp(), BOUND)


def test_a_market_feed_rests_by_night_and_at_weekends() -> None:
    """From the first day on, over five weeks, wherever in the week it was first seen."""
    for start in range(7):
        source = Watched(market, MONDAY + timedelta(days=start, hours=start * 3))
        source.until(source.at + timedelta(days=35))
        assert source.worst < BOUND, start


def test_a_market_feed_that_does_not_return_on_monday_is_silent() -> None:
    """What was rest on earlier weekends does not count; Monday's hours do."""
    source = Watched(market)
    source.until(MONDAY + timedelta(days=14))
    source.until(MONDAY + timedelta(days=14, hours=5), speaks=lambda _: False)
    assert source.silent() < BOUND
    source.until(MONDAY + timedelta(days=14, hours=8), speaks=lambda _: False)
    assert source.silent() >= BOUND


def test_a_source_that_never_rests_is_silent_at_a_weekend_as_on_any_day() -> None:
    """Its earlier weekends were not silent; in its first week, when none is known, weekends pass."""
    always = Watched(lambda _: True)
    always.until(MONDAY + timedelta(days=12))
    always.until(MONDAY + timedelta(days=12, hours=7), speaks=lambda _: False)  # a Saturday
    assert always.silent() >= BOUND
    fresh = Watched(lambda _: True)
    fresh.until(MONDAY + timedelta(days=3))
    fresh.until(MONDAY + timedelta(days=3, hours=7), speaks=lambda _: False)
    assert fresh.silent() >= BOUND
    fresh = Watched(lambda _: True)
    fresh.until(MONDAY + timedelta(days=5))
    fresh.until(MONDAY + timedelta(days=6), speaks=lambda _: False)
    assert fresh.silent() < BOUND


def test_an_incident_is_no_habit() -> None:
    """A source that was frozen on one day of three weeks is missed on that day of the next."""
    source = Watched(lambda _: True)
    source.until(MONDAY + timedelta(days=15))
    source.until(MONDAY + timedelta(days=16), speaks=lambda _: False)
    source.until(MONDAY + timedelta(days=22))
    source.until(MONDAY + timedelta(days=22, hours=8), speaks=lambda _: False)
    assert source.silent() >= BOUND


def test_time_at_which_nobody_looked_does_not_count() -> None:
    """After two days off nothing is silent at the start; from then on the clock runs."""
    source = Watched(lambda _: True)
    source.until(MONDAY + timedelta(days=8))
    source.pause(MONDAY + timedelta(days=10))
    source.until(MONDAY + timedelta(days=10, hours=1), speaks=lambda _: False)
    assert source.silent() <= 1.2 * HOUR
    source.until(MONDAY + timedelta(days=10, hours=7), speaks=lambda _: False)
    assert source.silent() >= BOUND


def test_counters_of_several_collectors_are_told_apart() -> None:
    """An old count that is read again beside another is no arrival; a counter that began anew is one when not zero."""
    habit = Habit()
    for at, (count, began) in enumerate([(0, 1), (2, 1), (2, 1), (3, 1), (0, 9), (1, 9), (1, 9), (3, 1), (1, 9)], 1):
        habits.take(habit, float(count), float(began), float(at))
    assert habit.arrivals == [2, 4, 6]


def test_a_habit_needs_a_day_and_eight_arrivals() -> None:
    """Before that nothing is said of silence."""
    source = Watched(lambda _: True)
    source.until(MONDAY + timedelta(hours=23))
    assert habits.gap(source.habit) is None
    source.until(MONDAY + timedelta(hours=25))
    assert habits.gap(source.habit) == 240


@given(st.lists(st.integers(1, 200), min_size=9, max_size=60), st.integers(0, 400))
def test_silence_is_never_longer_than_the_time_since_the_last_arrival(hours: list[int], later: int) -> None:
    """And never negative, whatever the habit; what is remembered stays bounded."""
    habit, now = Habit(), MONDAY.timestamp()
    for count, gap in enumerate(hours, 1):
        now += gap * HOUR
        habits.look(habit, now)
        habits.take(habit, float(count), 1.0, now)
    then = now + later * HOUR
    habits.look(habit, then)
    assert 0 <= habits.silence(habit, then, BOUND) <= later * HOUR
    assert len(habit.arrivals) <= 32
    assert all(end - start >= habits.LEAST_REST for start, end in habit.rested)
    assert all(end >= now - 5 * habits.WEEK - DAY for _, end in habit.rested[1:])
