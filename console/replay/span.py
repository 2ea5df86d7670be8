"""Which part of a source is replayed: by time of collection, and of a Kafka topic also by offset."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from console.messages import say
from console.replay.source import SourceError
from streams.plain import plain
from streams.records import Time


@dataclass(frozen=True, slots=True)
class Span:
    """By time of collection, [begin, end), and by offset, [first, stop) of each partition that is named."""

    begin: datetime | None = None
    end: datetime | None = None
    first: Mapping[int, int] = field(default_factory=dict)
    stop: Mapping[int, int] = field(default_factory=dict)

    def holds(self, at: datetime) -> bool:
        """Whether something collected at this time is asked for."""
        return (self.begin is None or at >= self.begin) and (self.end is None or at < self.end)


def read_span(begin: str = "", end: str = "", first: Iterable[str] = (), stop: Iterable[str] = ()) -> Span:
    """The span that options name: times as RFC 3339, offsets as PARTITION:OFFSET. Raises SourceError."""
    span = Span(
        _time("--from", begin), _time("--to", end), _offsets("--from-offset", first), _offsets("--to-offset", stop)
    )
    if span.begin is not None and span.end is not None and span.begin >= span.end:
        raise SourceError(say("replay_span.order", begin=plain(begin, 64), end=plain(end, 64)))
    return span


def _time(option: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return msgspec.convert(text, Time)
    except msgspec.ValidationError:
        raise SourceError(say("replay_span.time", option=option, text=plain(text, 64))) from None


def _offsets(option: str, texts: Iterable[str]) -> dict[int, int]:
    found: dict[int, int] = {}
    for text in texts:
        match = re.fullmatch(r"([0-9]{1,5}):([0-9]{1,18})", text.strip())
        if match is None:
            raise SourceError(say("replay_span.offset", option=option, text=plain(text, 64)))
        found[int(match[1])] = int(match[2])
    return found
