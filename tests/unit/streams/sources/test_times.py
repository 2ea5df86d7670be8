"""Times at the doors."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import Reject
from streams.sources.times import parse_time

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2014-01-02T03:04:05Z", datetime(2014, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2014-01-02 03:04:05+08:00", datetime(2014, 1, 1, 19, 4, 5, tzinfo=UTC)),
        ("2014-01-02T03:04:05.123456789Z", datetime(2014, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2014-01-02T03:04+0530", datetime(2014, 1, 1, 21, 34, tzinfo=UTC)),
        ("2014-01-02", datetime(2014, 1, 2, tzinfo=UTC)),
        ("2020-07-17T19:51-ET", datetime(2020, 7, 17, 23, 51, tzinfo=UTC)),
        ("2020-01-17 19:51 ET", datetime(2020, 1, 18, 0, 51, tzinfo=UTC)),
        (" 1388631845 ", datetime(2014, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1388631845, datetime(2014, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1388631845000, datetime(2014, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1388631845.5, datetime(2014, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        (datetime(2014, 1, 2, tzinfo=timezone(timedelta(hours=8))), datetime(2014, 1, 1, 16, tzinfo=UTC)),
    ],
)
def test_accepted(value: object, expected: datetime) -> None:
    """RFC 3339, a date alone, and seconds or milliseconds since 1970 are understood."""
    assert parse_time(value, None, NOW, "t") == expected


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("2020-07-17T19:51-XT", "is not a time"),
        ("2020-07-17T19:51 BST", "is not a time"),
        ("2022-01-21 10:51:59", "no time zone"),
        ("Fri, 02 Jan 2015 10:00:00 GMT", "is not a time"),
        ("2014-02-30", "does not exist"),
        ("2016-12-31T23:59:60Z", "does not exist"),
        ("1970-01-01T00:00:00Z", "before 1990"),
        (0, "before 1990"),
        ("2099-01-01", "in the future"),
        (4070908800, "in the future"),
        ("0001-01-01T00:00:00+14:00", "calendar"),
        ("9999-12-31T23:59:59-14:00", "calendar"),
        (10**15, "too large"),
        (float("nan"), "is not a time"),
        (True, "is a bool"),
        (["2014"], "is a list"),
        ("２０１４-01-02", "is not a time"),
        ("", "is not a time"),
    ],
)
def test_refused(value: object, word: str) -> None:
    """What is ambiguous, impossible or in the wrong unit is refused with the reason, never guessed."""
    with pytest.raises(Reject, match=word) as caught:
        parse_time(value, None, NOW, "t")
    assert caught.value.reason == "bad_time"


def test_stated_zone() -> None:
    """A zone given for the file holds for times without one, and for no other."""
    assert parse_time("2022-01-21 10:51:59", SHANGHAI, NOW, "t") == datetime(2022, 1, 21, 2, 51, 59, tzinfo=UTC)
    assert parse_time("2022-01-21", SHANGHAI, NOW, "t") == datetime(2022, 1, 20, 16, tzinfo=UTC)
    assert parse_time("2022-01-21T10:00:00Z", SHANGHAI, NOW, "t") == datetime(2022, 1, 21, 10, tzinfo=UTC)


@given(
    st.one_of(
        st.text(), st.integers(), st.floats(), st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")
    )
)
def test_any_value(value: object) -> None:
    """Whatever comes, the answer is an instant in UTC within the accepted years, or a Reject."""
    try:
        at = parse_time(value, None, NOW, "t")
    except Reject:
        return
    assert at.tzinfo is UTC
    assert 1990 <= at.year <= 2026
