"""A stretch of time that is looked at, the one just before it, and the buckets that a chart cuts it into. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

MINUTE: Final = timedelta(minutes=1)
MOST_BUCKETS: Final = 96  # of a chart: more cannot be told apart on a screen, and each costs time
SIZES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` up to, without, `end`; both know their zone."""

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Raise ValueError for an end that does not lie behind the beginning."""
        if self.begin >= self.end:
            raise ValueError("a span ends after it began")

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.begin

    @property
    def before(self) -> Span:
        """The stretch of the same length just before it."""
        return Span(self.begin - self.length, self.begin)

    @property
    def clause(self) -> dict[str, Any]:
        """The documents collected within it: what was known when, whatever they say of themselves."""
        return {"range": {"collected_at": {"gte": stamp(self.begin), "lt": stamp(self.end)}}}


def last(now: datetime, hours: float) -> Span:
    """The last hours up to the end of the present minute: within it the same question has the same answer in cache."""
    end = datetime.fromtimestamp((int(now.timestamp()) // 60 + 1) * 60, UTC)
    return Span(end - timedelta(hours=hours), end)


def bucket_for(span: Span, most: int = MOST_BUCKETS) -> timedelta:
    """The shortest of the usual sizes that cuts the span into no more than `most` buckets; beyond, whole days."""
    for size in SIZES:
        if span.length <= size * most:
            return size
    days = -(-span.length // (timedelta(days=1) * most))
    return timedelta(days=days)


def stamp(at: datetime) -> str:
    """A time as Elasticsearch reads it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def moment(milliseconds: float) -> datetime:
    """A time as Elasticsearch gives it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
