"""Spans and their buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.opinion.span import Span, bucket_for, last, moment, stamp
from console.opinion.totals import read_series

NOW = datetime(2026, 3, 2, 9, 30, 12, 345678, tzinfo=UTC)


@given(st.floats(0.1, 24 * 366), st.integers(1, 200))
def test_a_span_has_no_more_buckets_than_asked_for(hours: float, most: int) -> None:
    """From minutes to years the size of a bucket fits the chart."""
    span = last(NOW, hours)
    bucket = bucket_for(span, most)
    assert span.length <= bucket * most
    assert bucket % timedelta(minutes=1) == timedelta(0)


def test_the_span_before_ends_where_this_begins() -> None:
    """It is as long, and nothing lies in both or between."""
    span = last(NOW, 24)
    assert span.before == Span(span.begin - timedelta(hours=24), span.begin)


def test_within_a_minute_the_same_is_asked() -> None:
    """So that Elasticsearch can answer from its cache; the span holds the present."""
    assert last(NOW, 1) == last(NOW.replace(second=59), 1)
    assert last(NOW, 1).begin <= NOW < last(NOW, 1).end


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_span_ends_after_it_began(seconds: int) -> None:
    """An empty span is a fault of whoever made it."""
    with pytest.raises(ValueError, match="ends after"):
        Span(NOW, NOW + timedelta(seconds=seconds))


def test_buckets_without_documents_are_there() -> None:
    """A chart has no holes: an hour in which nothing came counts zero."""
    span = last(NOW, 3)
    key = (span.begin + timedelta(hours=1)).timestamp() * 1000
    found = read_series({"at": {"buckets": [{"key": key, "doc_count": 4}]}}, span, timedelta(hours=1))
    assert [(at - span.begin, counts.documents) for at, counts in found] == [
        (timedelta(hours=0), 0),
        (timedelta(hours=1), 4),
        (timedelta(hours=2), 0),
    ]


def test_times_as_elasticsearch_has_them() -> None:
    """To the millisecond, in UTC, with four digits of the year."""
    assert stamp(datetime(999, 1, 1, tzinfo=UTC)).startswith("0999-01-01T")
    assert moment(1_772_444_412_345) == datetime(2026, 3, 2, 9, 40, 12, 345000, tzinfo=UTC)
