"""When reports are due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from console.report.schedule import LATE, due, next_moment, planned
from streams.settings import Settings
from tests import ringing


def settings(**changes: Any) -> Settings:
    return ringing.settings(Path("/nowhere"), **({"report_zone": "Asia/Shanghai"} | changes))


EIGHT = settings(report_daily_at="08:00")


def test_at_eight_in_shanghai_the_day_before_is_due() -> None:
    """Which is midnight UTC; a minute earlier it is not."""
    (found,) = due(EIGHT, datetime(2026, 3, 3, 0, 0, tzinfo=UTC))
    assert (found.period.kind, found.period.last) == ("daily", date(2026, 3, 2))
    assert due(EIGHT, datetime(2026, 3, 2, 23, 59, tzinfo=UTC)) == []
    assert next_moment(EIGHT, datetime(2026, 3, 2, 23, 59, tzinfo=UTC)) == datetime(2026, 3, 3, tzinfo=UTC)


def test_who_starts_late_sends_the_newest_and_no_older_one() -> None:
    """Eleven hours late it is still wanted, thirteen hours late nobody waits for it."""
    at = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert [d.period.last for d in due(EIGHT, at + timedelta(hours=11))] == [date(2026, 3, 2)]
    assert due(EIGHT, at + LATE) == []


def test_a_week_ends_the_day_before_it_is_sent() -> None:
    """On Monday morning the report covers Monday to Sunday."""
    weekly = settings(report_weekly_on="mon 08:00")
    (found,) = due(weekly, datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
    assert (found.period.first, found.period.last) == (date(2026, 2, 23), date(2026, 3, 1))
    assert next_moment(weekly, datetime(2026, 3, 2, 1, 0, tzinfo=UTC)) == datetime(2026, 3, 9, tzinfo=UTC)


def test_nothing_is_planned_unless_it_is_set() -> None:
    """Then there is no next moment either."""
    assert not planned(settings())
    assert next_moment(settings(), datetime(2026, 3, 2, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"report_daily_at": "24:00"},
        {"report_daily_at": "8:00"},
        {"report_weekly_on": "monday 08:00"},
        {"report_zone": "Mars"},
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(wrong: dict[str, str]) -> None:
    """At the start, not at eight in the morning."""
    with pytest.raises(ValidationError):
        settings(**wrong)


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    zone=st.sampled_from(["America/New_York", "Europe/London", "Asia/Shanghai", "Australia/Lord_Howe"]),
    clock=st.times().map(lambda t: f"{t:%H:%M}"),
)
def test_every_day_is_due_once(start: datetime, zone: str, clock: str) -> None:
    """Looked at every half hour over four days, clocks changing or not, days come up in order and none is skipped."""
    chosen = settings(report_daily_at=clock, report_zone=zone)
    at, seen = start.replace(tzinfo=UTC), []
    for _ in range(4 * 48):
        seen += [each.period.last for each in due(chosen, at) if each.period.last not in seen]
        at += timedelta(minutes=30)
    assert seen == [seen[0] + timedelta(days=n) for n in range(len(seen))]
    assert len(seen) >= 4
