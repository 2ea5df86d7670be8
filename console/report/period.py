"""The days that a report covers, in the zone of its reader, and those it is compared with. Pure.

A day is a day of the calendar there, 23 or 25 hours long where clocks change. A day that is not over yet is covered up
to now, and compared with the same hours of other days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from console.opinion.span import Span

Kind = Literal["daily", "weekly"]
DAYS: Final = {"daily": 1, "weekly": 7}
WEEKS: Final = 4  # that make what is usual
SHOWN: Final = {"daily": 14, "weekly": 28}  # days of the chart


class NoSuchDay(ValueError):  # noqa: N818 - what is wrong
    """No report can be made of this day. `reason` is bad_day, future or long_ago."""

    def __init__(self, reason: str, value: str) -> None:
        super().__init__(f"{reason}: {value}")
        self.reason = reason
        self.value = value


@dataclass(frozen=True, slots=True)
class Period:
    """The day `last`, or the seven days up to it. `until`: the moment it is covered up to while it is not over."""

    kind: Kind
    last: date
    zone: ZoneInfo
    until: datetime | None = None

    @property
    def days(self) -> int:
        """How many days."""
        return DAYS[self.kind]

    @property
    def first(self) -> date:
        """The first of them."""
        return self.last - timedelta(days=self.days - 1)

    @property
    def span(self) -> Span:
        """From midnight to midnight there, or up to now."""
        begin, end = midnight(self.first, self.zone), midnight(self.last + timedelta(days=1), self.zone)
        return Span(begin, end if self.until is None else min(end, max(self.until, begin + timedelta(minutes=1))))

    @property
    def complete(self) -> bool:
        """Whether all of it is covered."""
        return self.until is None

    @property
    def before(self) -> Period:
        """As many days just before."""
        return self.shifted(self.days)

    @property
    def usual(self) -> tuple[Period, ...]:
        """The same weekdays of the four weeks before, the latest first."""
        return tuple(self.shifted(7 * week) for week in range(1, WEEKS + 1))

    def shifted(self, days: int) -> Period:
        """The same stretch so many days earlier; of a day that is not over the same hours."""
        earlier = replace(self, last=self.last - timedelta(days=days), until=None)
        if self.until is None:
            return earlier
        return replace(earlier, until=earlier.span.begin + self.span.length)

    @property
    def shown(self) -> tuple[Period, ...]:
        """The single days of the chart, the last one last."""
        one = replace(self, kind="daily", until=None)
        earlier = [one.shifted(days) for days in range(SHOWN[self.kind] - 1, 0, -1)]
        return (*earlier, replace(one, until=self.until))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins there, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def period(kind: Kind, text: str, zone: ZoneInfo, now: datetime) -> Period:
    """The period that ends with the day `text` (`2026-11-28`, `today`, `yesterday`, or nothing: yesterday).

    Raises NoSuchDay for what is no day, has not begun, or lies before 1990.
    """
    today = now.astimezone(zone).date()
    try:
        last = _day(text.strip().lower(), today)
    except ValueError:
        raise NoSuchDay("bad_day", text) from None
    if last > today:
        raise NoSuchDay("future", last.isoformat())
    if last.year < 1990:
        raise NoSuchDay("long_ago", last.isoformat())
    return Period(kind, last, zone, until=now if last == today else None)


def _day(word: str, today: date) -> date:
    if word in ("", "yesterday"):
        return today - timedelta(days=1)
    return today if word == "today" else date.fromisoformat(word)
