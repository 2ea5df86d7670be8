"""Times as archives and senders write them. What is ambiguous is refused with the reason, never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from streams.records import Reject, check_time

# Seconds since 1970 stay below this until the year 5138; milliseconds were above it from March 1973 on.
MILLISECONDS_FROM: Final = 100_000_000_000
EASTERN: Final = ZoneInfo("America/New_York")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"-?\d{1,16}(\.\d{1,9})?", re.ASCII)
_WRITTEN: Final = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](?P<clock>\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?) ?(?P<zone>[Zz]|[+-]\d{2}:?\d{2}|[- ]?ET)?)?",
    re.ASCII,
)


def parse_time(value: Any, zone: tzinfo | None, now: datetime, field: str) -> datetime:
    """The instant in `value`, in UTC: RFC 3339 (the zone may be `ET`), a date alone, or seconds or milliseconds
    since 1970.

    `zone` holds for times that state none; without it such a time is refused, and a date alone means midnight UTC.
    Raises Reject `bad_time` for everything else, for times before 1990 and for times more than a day after `now`.
    """
    if isinstance(value, datetime):
        return check_time(value if value.tzinfo or zone is None else value.replace(tzinfo=zone), now, field)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Reject("bad_time", f"{field} is a {type(value).__name__}, not a time")
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return check_time(_since_1970(float(text), field), now, field)
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise Reject("bad_time", f"{field} {_quoted(text)} is not a time: write 2026-01-31T09:30:00Z or +08:00")
    return check_time(_written(found, zone, field), now, field)


def _since_1970(number: float, field: str) -> datetime:
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise Reject("bad_time", f"{field} is too large a number for a time") from None


def _written(found: re.Match[str], zone: tzinfo | None, field: str) -> datetime:
    clock, stated = found["clock"], found["zone"]
    if stated and stated.endswith("ET"):  # of American newsrooms: Eastern Time, winter or summer as the date has it
        zone, stated = EASTERN, ""
    if clock and not stated and zone is None:
        raise Reject("bad_time", f"{field} has no time zone: write ...Z or +08:00, or state the zone (--zone)")
    try:
        at = datetime.fromisoformat(f"{found['day']}T{(clock or '00:00').replace(',', '.')}{(stated or '').upper()}")
    except ValueError as error:
        raise Reject("bad_time", f"{field} {_quoted(found.string)} does not exist: {error}") from None
    return at if at.tzinfo else at.replace(tzinfo=zone or UTC)


def _quoted(text: str) -> str:
    return ascii(text[:60])
