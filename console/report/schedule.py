"""When a report is due. Pure.

A report is due from its moment on, for twelve hours: who starts later is not sent the day before yesterday's. A moment
that clocks skip or repeat is taken once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from console.report.period import Kind, Period
from streams.settings import Settings

LATE: Final = timedelta(hours=12)
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Due:
    """A report and the moment from which it is wanted."""

    period: Period
    at: datetime


def planned(settings: Settings) -> bool:
    """Whether any report is to be sent by the clock."""
    return bool(settings.report_daily_at or settings.report_weekly_on)


def due(settings: Settings, now: datetime) -> list[Due]:
    """The reports whose moment has come within the last twelve hours."""
    return [each for each in _around(settings, now) if each.at <= now < each.at + LATE]


def next_moment(settings: Settings, now: datetime) -> datetime | None:
    """When the next report is due; None where none is planned."""
    return min((each.at for each in _around(settings, now) if each.at > now), default=None)


def _around(settings: Settings, now: datetime) -> Iterator[Due]:
    """The moments from yesterday to a week from now."""
    zone = ZoneInfo(settings.report_zone)
    today = now.astimezone(zone).date()
    for offset in range(-1, 9):
        day = today + timedelta(days=offset)
        if settings.report_daily_at:
            yield _due("daily", day, settings.report_daily_at, zone)
        weekday, _, clock = settings.report_weekly_on.partition(" ")
        if clock and WEEKDAYS[day.weekday()] == weekday:
            yield _due("weekly", day, clock, zone)


def _due(kind: Kind, day: date, clock: str, zone: ZoneInfo) -> Due:
    at = datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)
    return Due(Period(kind, day - timedelta(days=1), zone), at)
