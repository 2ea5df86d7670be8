"""What is usual, and how improbable more of it is."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.baseline import ALL, JUDGED, NEGATIVE, History, Profile, interval, profile, tail
from alerts.calendars import slot
from alerts.moments import HOUR, micros
from alerts.prior import PRIORS, prior_of
from alerts.snapshots import SubjectState
from alerts.subject import Subject
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
    before = profile(history, BEGAN, BEGAN + 21 * DAY).levels.of(ALL).rate
    for n in range(500):
        history.record(BEGAN + 10 * DAY + n, judged=True, negative=True)
    after = profile(history, BEGAN, BEGAN + 21 * DAY).levels.of(ALL).rate
    assert after < 1.1 * before


def figures(of: Profile) -> tuple[object, ...]:
    """Everything a profile says."""
    levels = [of.levels.of(kind) for kind in (NEGATIVE, JUDGED, ALL)]
    return of.hours, of.season, of.burstiness, of.share, levels


def test_hours_before_the_beginning_after_the_window_and_beyond_four_weeks_do_not_count() -> None:
    """Only whole hours of [began, until), 28 days at most."""
    history = steady(24, 60)
    assert profile(history, BEGAN, BEGAN + 60 * DAY).hours == 28 * 24
    assert profile(history, BEGAN, BEGAN + 3 * HOUR).levels.of(ALL).stories == 3
    assert profile(history, BEGAN, BEGAN).hours == 0
    history.forget(BEGAN + 60 * DAY)
    whole = profile(steady(24, 60), BEGAN, BEGAN + 60 * DAY)
    assert figures(profile(history, BEGAN, BEGAN + 60 * DAY)) == figures(whole)


def test_expectations_of_adjacent_windows_add_up() -> None:
    """A window cut in two expects the same."""
    found = profile(steady(24, 14), BEGAN, BEGAN + 14 * DAY)
    cut = BEGAN + 90 * 60_000_000
    whole = found.expected(ALL, BEGAN, BEGAN + 5 * HOUR)
    assert found.expected(ALL, BEGAN, cut) + found.expected(ALL, cut, BEGAN + 5 * HOUR) == pytest.approx(whole)


def invented(
    per_day: float, factor: Callable[[int], float] = lambda day: 1.0, seed: int = 1, size: float = 4.0
) -> History:
    """Four weeks of bursty stories: each day's level is Gamma distributed around the mean times the day's factor."""
    rng = random.Random(seed)
    history = History()
    for day in range(28):
        mean = rng.gammavariate(size, per_day / size) * factor(day)
        at = rng.expovariate(1.0)
        while at < mean:
            history.record(BEGAN + day * DAY + int(at / mean * DAY), judged=True, negative=rng.random() < 0.2)
            at += rng.expovariate(1.0)
    return history


def tomorrow(history: History, of: int = ALL) -> float:
    """Stories expected on the day after four weeks."""
    return profile(history, BEGAN, BEGAN + 28 * DAY).expected(of, BEGAN + 28 * DAY, BEGAN + 29 * DAY)


@pytest.mark.parametrize("per_day", [3, 10, 100, 1000])
def test_an_incident_of_three_days_does_not_poison_the_baseline(per_day: float) -> None:
    """Ten times the usual for three days of 28 changes what is expected by less than a quarter, on average."""
    ratios = []
    for seed in range(30):
        usual = tomorrow(invented(per_day, seed=seed))
        ratios.append(tomorrow(invented(per_day, lambda day: 10.0 if 20 <= day < 23 else 1.0, seed)) / usual)
    assert 0.85 < statistics.mean(ratios) < 1.25
    assert max(ratios) < 2.0


@pytest.mark.parametrize("factor", [10.0, 0.2])
def test_a_lasting_change_of_level_is_learnt_within_two_weeks(factor: float) -> None:
    """After fourteen days at another level that level is expected; after three days the old one still is."""
    lasting, short = [], []
    for seed in range(20):
        lasting.append(tomorrow(invented(30, lambda day: factor if day >= 14 else 1.0, seed)) / 30)
        short.append(tomorrow(invented(30, lambda day: factor if day >= 25 else 1.0, seed)) / 30)
    assert statistics.mean(lasting) == pytest.approx(factor, rel=0.15)
    assert statistics.mean(short) == pytest.approx(1.0, rel=0.25)


def test_how_bursty_a_subject_is_is_learnt_and_bounded() -> None:
    """A steady subject gets a larger size than a bursty one, and one without stories the prior's."""
    steady_size = profile(steady(96, 28), BEGAN, BEGAN + 28 * DAY).burstiness
    bursty = [profile(invented(50, seed=seed, size=1.5), BEGAN, BEGAN + 28 * DAY).burstiness for seed in range(10)]
    assert steady_size > 10
    assert 1.0 <= statistics.mean(bursty) < 3.5
    assert profile(History(), BEGAN, BEGAN + 28 * DAY).burstiness == pytest.approx(4.0, rel=0.05)


def test_a_holiday_is_like_a_weekend_before_it_was_seen() -> None:
    """Stories on the sessions of A-shares only: on the first day of National Day week few are expected."""
    history = History()
    began = micros(datetime(2025, 9, 1, tzinfo=UTC))
    for day in range(30):
        if (day % 7) < 5:
            for n in range(24):
                history.record(began + day * DAY + n * HOUR // 3 + HOUR, judged=True, negative=False)
    usual = profile(history, began, began + 30 * DAY, "cn")
    plain = profile(history, began, began + 30 * DAY)
    holiday = began + 30 * DAY  # Wednesday, 1 October
    after = began + 38 * DAY  # Thursday, 9 October
    assert usual.expected(ALL, holiday, holiday + DAY) < 5 < 18 < usual.expected(ALL, after, after + DAY)
    assert plain.expected(ALL, holiday, holiday + DAY) > 18


def test_the_hours_are_those_of_the_market() -> None:
    """New York's ten o'clock is another UTC hour in winter; the season moves with it."""
    history = History()
    began = micros(datetime(2025, 10, 6, tzinfo=UTC))
    for day in range(26):
        for n in range(6):
            history.record(began + day * DAY + 14 * HOUR + n, judged=True, negative=False)  # ten o'clock, summer time
    found = profile(history, began, began + 26 * DAY, "us")
    winter = micros(datetime(2025, 11, 4, tzinfo=UTC))
    ten = found.expected(ALL, winter + 15 * HOUR, winter + 16 * HOUR)
    assert ten > 5 * found.expected(ALL, winter + 14 * HOUR, winter + 15 * HOUR)
    assert slot("us", (winter + 15 * HOUR) // HOUR) == 10


@given(st.lists(st.tuples(st.integers(0, 28 * 24 - 1), st.integers(1, 40)), max_size=40), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_same_history_gives_the_same_profile_in_any_order(rows: list[tuple[int, int]], rng: random.Random) -> None:
    """Whatever order the hours were added in, and however often it is asked."""
    first, second = History(), History()
    hours = {BEGAN // HOUR + hour: [count // 3, count // 2, count] for hour, count in rows}
    first.hours = dict(hours)
    shuffled = list(hours.items())
    rng.shuffle(shuffled)
    second.hours = dict(shuffled)
    found = profile(first, BEGAN, BEGAN + 28 * DAY, "cn")
    assert figures(found) == figures(profile(second, BEGAN, BEGAN + 28 * DAY, "cn"))
    assert 0.0 <= found.share <= 1.0
    rates = [found.levels.of(of).rate for of in (NEGATIVE, JUDGED, ALL)]
    assert all(value > 0.0 and math.isfinite(value) for value in (*rates, *found.season, found.size(JUDGED)))


def test_a_short_history_says_so() -> None:
    """No baseline before two windows have passed, a warming one in the first week, then a seasonal one."""
    states = [profile(History(), BEGAN, BEGAN + hours * HOUR).state(2 * 3600) for hours in (0, 3, 4, 167, 168)]
    assert states == ["none", "none", "warming", "warming", "seasonal"]
    assert profile(History(), BEGAN, BEGAN + 30 * HOUR).state(86_400) == "none"


def test_before_there_is_data_the_prior_of_the_kind_speaks() -> None:
    """A source is expected to say more than a company is spoken of; data outweigh either within a day."""
    company, source = (
        profile(History(), BEGAN, BEGAN, prior=prior_of(name)) for name in ("entity:acme", "source:wire")
    )
    assert company.expected(ALL, BEGAN, BEGAN + DAY) < 2 < source.expected(ALL, BEGAN, BEGAN + DAY)
    busy = profile(steady(240, 1), BEGAN, BEGAN + DAY, prior=PRIORS["entity"])
    assert busy.expected(ALL, BEGAN + DAY, BEGAN + 2 * DAY) == pytest.approx(240, rel=0.3)


@given(st.integers(0, 10 * DAY), st.integers(0, 3 * DAY))
def test_what_is_expected_is_the_sum_over_its_hours(start: int, length: int) -> None:
    """Of any stretch of time: whole hours, and a part of the first and the last."""
    found = profile(steady(12, 14, (9, 10, 15)), BEGAN, BEGAN + 14 * DAY, "us")
    start += BEGAN
    end = start + length
    first, last = start // HOUR, -(-end // HOUR)
    each = found.by_hour(ALL, first, last)
    parts = [(min(end, (hour + 1) * HOUR) - max(start, hour * HOUR)) / HOUR for hour in range(first, last)]
    assert len(each) == last - first
    assert found.expected(ALL, start, end) == pytest.approx(sum(map(math.prod, zip(each, parts, strict=True))))


def test_a_subject_s_baseline_is_computed_anew_every_hour_at_first_and_then_every_few() -> None:
    """What is told of an hour is what was known at its beginning, or a few hours before it; never later."""
    subject = Subject("entity:acme", SubjectState(histories={"": steady(24, 30)}), (), {})
    subject.state.histories[""].began = BEGAN
    young = [subject.profile("", BEGAN + hour * HOUR).hours for hour in range(44, 48)]
    grown = [subject.profile("", BEGAN + hour * HOUR + 1).hours for hour in range(48, 73)]
    assert young == [44, 45, 46, 47]
    assert grown == [48] * 12 + [60] * 12 + [72]


@pytest.mark.parametrize("began", [0, 5 * HOUR + HOUR // 2, 11 * HOUR + 1])
def test_a_baseline_never_rests_on_less_than_before_and_is_one_for_every_moment_of_an_hour(began: int) -> None:
    """Wherever in its hour and in the day a history began."""
    history = History(began=BEGAN + began)
    subject = Subject("entity:acme", SubjectState(histories={"": history}), (), {})
    first = (BEGAN + began) // HOUR
    hours = [
        {subject.profile("", max(history.began, hour * HOUR + part)).hours for part in (0, HOUR // 3, HOUR - 1)}
        for hour in range(first, first + 100)
    ]
    assert all(len(found) == 1 for found in hours)
    rests = [found.pop() for found in hours]
    assert rests == sorted(rests)
    assert all(hour - 13 <= rest <= hour for hour, rest in enumerate(rests))
