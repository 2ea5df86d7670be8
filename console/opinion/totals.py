"""How many documents of which tone: within a span, and bucket by bucket."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask, buckets
from console.opinion.counts import Counts, counting, read_counts
from console.opinion.filters import EVERYTHING, Filter, query
from console.opinion.span import Span, moment
from streams.settings import Settings

Series = list[tuple[datetime, Counts]]


async def totals(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, chosen: Filter = EVERYTHING,
    missing: Missing | None = None,
) -> Counts:  # fmt: skip
    """The documents of a span, counted. Nothing is there before the first index: counts of zero."""
    body = {
        "size": 0,
        "query": query(chosen, settings),
        "aggs": {"all": {"filter": span.clause, "aggs": counting()}},
    }
    answer = await ask(elastic, settings, body, missing)
    return read_counts(answer.get("aggregations", {}).get("all", {}))


async def series(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, chosen: Filter, bucket: timedelta,
    missing: Missing | None = None,
) -> Series:  # fmt: skip
    """Bucket by bucket from the beginning of the span on, empty ones too: (its beginning, counts)."""
    body = {
        "size": 0,
        "query": query(chosen, settings, span),
        "aggs": {"at": {**histogram(span, bucket), "aggs": counting()}},
    }
    return read_series(await ask(elastic, settings, body, missing), span, bucket)


async def reach(
    elastic: AsyncElasticsearch, settings: Settings, missing: Missing | None = None
) -> tuple[datetime | None, datetime | None]:
    """When the oldest and the newest document that there is were collected; None where there is none."""
    body = {"size": 0, "aggs": {name: {name: {"field": "collected_at"}} for name in ("min", "max")}}
    found = (await ask(elastic, settings, body, missing)).get("aggregations", {})
    oldest, newest = (found.get(name, {}).get("value") for name in ("min", "max"))
    return (None, None) if oldest is None or newest is None else (moment(round(oldest)), moment(round(newest)))


def histogram(span: Span, bucket: timedelta) -> dict[str, Any]:
    """Buckets of one size that begin with the span, so that the first and the last are no shorter than the others."""
    size = int(bucket.total_seconds() * 1000)
    offset = round(span.begin.timestamp() * 1000) % size
    return {
        "date_histogram": {
            "field": "collected_at",
            "fixed_interval": f"{size}ms",
            "offset": f"{offset}ms",
            "min_doc_count": 1,
        }
    }


def read_series(found: Mapping[str, Any], span: Span, bucket: timedelta, name: str = "at") -> Series:
    """The buckets of `histogram`, with those that no document fell into."""
    told = {round(each["key"]): read_counts(each) for each in buckets(found, name)}
    begin, size = round(span.begin.timestamp() * 1000), round(bucket.total_seconds() * 1000)
    end = round(span.end.timestamp() * 1000)
    return [(moment(at), told.get(at, Counts())) for at in range(begin, end, size)]
