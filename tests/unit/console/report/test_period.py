"""Which hours a report covers and compares with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.report.period import NoSuchDay, Period, period

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai, the evening before in New York


def test_a_day_is_one_of_its_zone() -> None:
    """Midnight in Shanghai is 16:00 UTC of the day before."""
    span = Period("daily", date(2026, 3, 2), SHANGHAI).span
    assert (span.begin, span.end) == (datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 3, 2, 16, tzinfo=UTC))


def test_clocks_that_change_make_a_day_of_23_hours() -> None:
    """The day on which summer time begins is an hour short, and the day before it is whole."""
    short = Period("daily", date(2026, 3, 8), NEW_YORK)
    assert (short.span.length, short.before.span.length) == (timedelta(hours=23), timedelta(hours=24))
    assert short.before.span.end == short.span.begin


def test_without_a_date_it_is_yesterday_where_the_reader_is() -> None:
    """Nine in the morning in Shanghai is still yesterday in New York."""
    assert period("daily", "", SHANGHAI, NOW).last == date(2026, 3, 2)
    assert period("daily", "", NEW_YORK, NOW).last == date(2026, 3, 1)


def test_a_day_that_is_not_over_is_compared_with_the_same_hours() -> None:
    """Half a day against a whole one would always be fewer."""
    today = period("daily", "today", SHANGHAI, NOW)
    assert not today.complete
    assert today.span.length == today.before.span.length == timedelta(hours=9, minutes=30)
    assert {each.span.length for each in today.usual} == {timedelta(hours=9, minutes=30)}


def test_a_week_is_the_seven_days_up_to_a_day() -> None:
    """And the week before ends where it begins."""
    week = period("weekly", "2026-03-01", SHANGHAI, NOW)
    assert (week.first, week.before.last) == (date(2026, 2, 23), date(2026, 2, 22))


@pytest.mark.parametrize(
    ("word", "reason"),
    [("2026-02-30", "bad_day"), ("soon", "bad_day"), ("2026-03-04", "future"), ("1989-12-31", "long_ago")],
)
def test_what_is_no_day_is_refused(word: str, reason: str) -> None:
    """With the reason, and the word."""
    with pytest.raises(NoSuchDay) as caught:
        period("daily", word, SHANGHAI, NOW)
    assert (caught.value.reason, caught.value.value) == (reason, word)


@given(
    day=st.dates(date(2000, 1, 1), date(2037, 12, 31)),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: str) -> None:
    """Whatever clocks do, a day ends where the next one begins, and usual days are the same weekday."""
    one = Period("daily", day, ZoneInfo(zone))
    assert one.before.span.end == one.span.begin
    assert [each.last.weekday() for each in one.usual] == [day.weekday()] * 4
    assert one.shown[-1].span == one.span
