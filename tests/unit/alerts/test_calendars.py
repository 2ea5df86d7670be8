"""Trading days and hours, and the slot of the market's week."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.calendars import SLOTS, Calendar, Market, calendar, horizon, known, local_day, market_of, slot, trading
from alerts.moments import HOUR, micros

MARKETS: tuple[Market, ...] = ("cn", "hk", "us", "none")


def hour(year: int, month: int, day: int, hours: int = 0) -> int:
    """Hours since 1970 of a UTC moment."""
    return micros(datetime(year, month, day, hours, tzinfo=UTC)) // HOUR


@pytest.mark.parametrize(
    ("market", "day", "kind"),
    [
        ("cn", date(2025, 10, 1), "holiday"),  # National Day
        ("cn", date(2025, 9, 28), "weekend"),  # a working Sunday is no session
        ("cn", date(2025, 10, 9), "session"),
        ("cn", date(2026, 2, 17), "holiday"),  # Lunar New Year
        ("hk", date(2025, 12, 26), "holiday"),
        ("hk", date(2025, 12, 24), "session"),  # half a day
        ("us", date(2025, 11, 27), "holiday"),  # Thanksgiving
        ("us", date(2025, 1, 9), "holiday"),  # day of mourning
        ("us", date(2026, 7, 3), "holiday"),  # Independence Day observed
        ("none", date(2025, 12, 25), "session"),
    ],
)
def test_days_of_the_exchanges(market: Market, day: date, kind: str) -> None:
    """Holidays as the exchanges published them."""
    assert calendar(market).kind(day) == kind


def test_trading_hours_have_a_lunch_break_and_half_days_end_early() -> None:
    """In local time."""
    assert calendar("cn").hours(date(2025, 10, 9)) == ((time(9, 30), time(11, 30)), (time(13), time(15)))
    assert calendar("hk").hours(date(2025, 12, 24)) == ((time(9, 30), time(12)),)
    assert calendar("us").hours(date(2025, 11, 28)) == ((time(9, 30), time(13)),)
    assert calendar("us").hours(date(2025, 11, 27)) == ()
    noon = datetime(2025, 10, 9, 4, 30, tzinfo=UTC)  # 12:30 in Shanghai
    assert not trading("cn", noon)
    assert trading("cn", noon.replace(hour=5))
    assert not trading("none", noon)


def test_a_slot_is_the_local_hour_of_the_kind_of_day() -> None:
    """Session days first, then weekends, then holidays; the date is the market's own."""
    assert slot("cn", hour(2025, 10, 9, 1)) == 9
    assert slot("cn", hour(2025, 10, 1, 1)) == 48 + 9
    assert slot("cn", hour(2025, 10, 10, 16)) == 24  # Friday in London, Saturday in Shanghai
    assert slot("us", hour(2025, 7, 7, 14)) == 10  # summer time
    assert slot("us", hour(2025, 12, 8, 14)) == 9
    assert slot("none", hour(2026, 1, 10, 7)) == 24 + 7


def test_beyond_the_horizon_every_weekday_is_a_session_and_nobody_pretends_to_know() -> None:
    """A-shares are known to the end of 2026; a holiday of 2027 is not."""
    assert horizon("cn") == date(2026, 12, 31)
    assert known("cn", date(2026, 12, 31))
    assert not known("cn", date(2027, 1, 1))
    assert not known("us", date(2012, 12, 31))
    assert calendar("cn").kind(date(2027, 10, 1)) == "session"
    assert horizon("none") == date.max
    assert known("none", date(2027, 1, 1))


@given(st.sampled_from(MARKETS), st.integers(hour(2013, 1, 2), hour(2026, 12, 30)))
def test_every_hour_has_a_slot_that_its_day_explains(market: Market, at: int) -> None:
    """The slot says the kind of the market's own day."""
    moment = datetime.fromtimestamp(at * 3600, UTC)
    found = slot(market, at)
    assert 0 <= found < SLOTS
    kind = calendar(market).kind(local_day(market, moment))
    assert ("session", "weekend", "holiday")[found // 24] == kind


@pytest.mark.parametrize("market", ["cn", "hk", "us"])
def test_a_year_has_about_250_sessions(market: Market) -> None:
    """A file that lost its holidays, or has too many, is noticed."""
    for year in range(2013, 2027):
        days = [date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())]
        assert 236 <= sum(calendar(market).kind(day) == "session" for day in days) <= 253


@pytest.mark.parametrize(
    ("subject", "market"),
    [
        ("entity:600519.SH", "cn"), ("entity:000001.SZ", "cn"), ("entity:830799.BJ", "cn"), ("entity:0700.HK", "hk"),
        ("entity:AAPL", "us"), ("entity:BRK.B", "us"), ("entity:VOD.L", "none"), ("entity:7203.T", "none"),
        ("entity:acme", "none"), ("topic:legal", "none"), ("source:AAPL", "none"), ("market:all", "none"),
    ],
)  # fmt: skip
def test_the_market_of_a_subject(subject: str, market: Market) -> None:
    """By the suffix of an entity's id; everything else lives by UTC."""
    assert market_of(subject) == market


@pytest.mark.parametrize(
    ("text", "says"),
    [("from 2013-01-01\nuntil 2014-01-01\n2013-02-30\n", "line 3"), ("2013-01-01\n", "`until DATE`")],
)
def test_a_damaged_file_is_named(text: str, says: str) -> None:
    """With the line, or with what is missing."""
    with pytest.raises(ValueError, match=says):
        Calendar.parse("cn", text)
