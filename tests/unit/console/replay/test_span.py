"""What part of a source is replayed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.replay.source import SourceError
from console.replay.span import Span, read_span


def test_times_and_offsets_are_read() -> None:
    """Times may state any zone; offsets are told for each partition."""
    span = read_span("2026-01-31T09:30:00+08:00", "2026-02-01T00:00:00Z", ["0:12", "3:7"], ["0:90"])
    assert span.begin == datetime(2026, 1, 31, 1, 30, tzinfo=UTC)
    assert span.end == datetime(2026, 2, 1, tzinfo=UTC)
    assert (span.first, span.stop) == ({0: 12, 3: 7}, {0: 90})
    assert read_span() == Span()


def test_the_begin_is_in_and_the_end_is_not() -> None:
    """Two spans that touch share nothing and miss nothing."""
    one = read_span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert one.begin is not None
    assert one.end is not None
    assert one.holds(one.begin)
    assert not one.holds(one.end)
    assert Span(begin=one.end).holds(one.end)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"begin": "2026-01-31T09:30:00"}, "zone"),
        ({"end": "yesterday\x1b[2J"}, "--to yesterday[2J"),
        ({"first": ["12"]}, "PARTITION:OFFSET"),
        ({"stop": ["a:1"]}, "--to-offset a:1"),
        ({"stop": ["0:-1"]}, "PARTITION:OFFSET"),
        ({"begin": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "not before"),
    ],
)
def test_what_is_no_span_is_told(options: dict, says: str) -> None:
    """Each fault names its option and the way to write it."""
    with pytest.raises(SourceError, match=says.replace("[", r"\[")):
        read_span(**options)
