"""A history cut into days: the figures of plain loops."""

from __future__ import annotations

import random

import pytest

from alerts.calendars import SLOTS, slot
from alerts.days import Days
from alerts.levels import Level

FIRST = 480_000  # an hour since 1970


@pytest.mark.parametrize("hours", [0, 1, 23, 24, 25, 100, 672])
@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_days_are_counted_from_the_newest_hour_back(hours: int, share: float) -> None:
    """Counts, hours and seasons of each day, of whole days and of a part of one."""
    rng = random.Random(f"{hours} {share}")
    last = FIRST + hours
    counts = {hour: [1, 2, 3] for hour in range(FIRST - 5, last + 5) if rng.random() < share}
    days = Days.of(counts, FIRST, last, "us")
    seasons = tuple(rng.uniform(0.5, 2.0) for _ in range(SLOTS))
    by_day: list[list[float]] = [[0.0] * -(-hours // 24) for _ in range(3)]
    exposures = [0.0] * -(-hours // 24)
    for hour in range(FIRST, last):
        day = (last - 1 - hour) // 24
        exposures[day] += seasons[slot("us", hour)]
        for kind in range(3):
            by_day[kind][day] += counts.get(hour, [0, 0, 0])[kind]
    assert days.exposures(seasons) == pytest.approx(exposures)
    if hours < 24 or share in (0.0, 1.0):  # no hour is wilder than the others
        assert days.counts == tuple(by_day)
    else:
        assert all(sum(mine) <= sum(plain) for mine, plain in zip(days.counts, by_day, strict=True))


def test_one_wild_hour_is_cut_to_the_next() -> None:
    """A hundred stories in one hour of a hundred count no more than the next busiest hour."""
    counts = {FIRST + hour: [1, 1, 100 if hour == 50 else 2] for hour in range(100)}
    assert sum(Days.of(counts, FIRST, FIRST + 100, "none").counts[2]) == 200


def test_a_level_without_a_season_gives_a_flat_one() -> None:
    """Where every hour has what its day has, no slot is above another."""
    counts = {FIRST + hour: [1, 2, 3] for hour in range(24 * 28)}
    days = Days.of(counts, FIRST, FIRST + 24 * 28, "none")
    usual = Level(3.0, 2016.0, (1.0,) * 28, (3.0,) * 28)
    assert days.season(usual) == pytest.approx((1.0,) * SLOTS)
    assert days.burstiness((1.0,) * SLOTS, usual) == 20.0  # as regular as can be
