"""Which time a request is about: its last hours, or from one moment to another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import AwareDatetime

from console.api.errors import ApiError
from console.opinion.span import Span, last
from streams.records import EARLIEST

LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST: Final = 24 * 366  # hours
Hours = Annotated[int, Query(ge=1, le=LONGEST, description="The last so many hours, unless `from` is given.")]
From = Annotated[AwareDatetime | None, Query(alias="from", description="RFC 3339 with its zone.")]
To = Annotated[AwareDatetime | None, Query(alias="to", description="RFC 3339 with its zone; not included.")]


def span_of(hours: int, begin: datetime | None, end: datetime | None, now: datetime) -> Span:
    """The span that is asked for. Raises ApiError `bad_span`."""
    recent = last(now, hours)
    if begin is None and end is None:
        return recent
    if begin is None:
        end = _usual(end or recent.end)
        return _checked(end - recent.length, end)
    return _checked(_usual(begin), _usual(end or recent.end))


def open_span(begin: datetime | None, end: datetime | None) -> Span | None:
    """The same for routes without hours: all of time where neither is given."""
    if begin is None and end is None:
        return None
    return _checked(_usual(begin or EARLIEST), _usual(end or LATEST))


def _checked(begin: datetime, end: datetime) -> Span:
    if begin >= end:
        raise ApiError(400, "bad_span")
    return Span(begin, end)


def _usual(at: datetime) -> datetime:
    """A time in UTC; one that no document can have been collected at is none that is asked for in earnest."""
    try:
        found = at.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 with an offset that leaves the calendar
        raise ApiError(400, "bad_span") from None
    if not EARLIEST <= found <= LATEST:
        raise ApiError(400, "bad_span")
    return found


def asked_span(hours: int) -> Callable[..., Callable[[datetime], Span]]:
    """A dependency: the span as a function of the present, with `hours` where the caller says nothing."""

    def given(hours: Hours = hours, begin: From = None, end: To = None) -> Callable[[datetime], Span]:
        return lambda now: span_of(hours, begin, end, now)

    return given


Day = Annotated[Callable[[datetime], Span], Depends(asked_span(24))]
Week = Annotated[Callable[[datetime], Span], Depends(asked_span(24 * 7))]
