"""What each source brought within a span, and when it brought something last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask, buckets
from console.opinion.counts import Counts, counting, read_counts
from console.opinion.filters import EVERYTHING, query
from console.opinion.span import Span, moment
from console.opinion.totals import Series, histogram, read_series
from streams.settings import Settings

BACK: Final = timedelta(days=30)  # a source that brought nothing for longer is not listed
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Brought:
    """One source. `retention_days` and `may_train`: what holds for all of its documents, the stricter one."""

    source: str
    kind: str
    languages: tuple[str, ...]
    counts: Counts
    last: datetime
    retention_days: int
    may_train: bool
    series: Series


async def brought(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, bucket: timedelta, missing: Missing | None = None
) -> list[Brought]:
    """The sources of the last thirty days or of the span, if that began earlier, by name."""
    long = Span(min(span.begin, span.end - BACK), span.end)
    inner = {
        "last": {"max": {"field": "collected_at"}},
        "kept": {"min": {"field": "retention_days"}},
        "trains": {"min": {"field": "may_train"}},
        "kinds": {"terms": {"field": "kind", "size": 1}},
        "languages": {"terms": {"field": "lang", "size": 5}},
        "within": {"filter": span.clause, "aggs": {**counting(), "at": histogram(span, bucket)}},
    }
    body = {
        "size": 0,
        "query": query(EVERYTHING, settings, long),
        "aggs": {"sources": {"terms": {"field": "source", "size": MOST}, "aggs": inner}},
    }
    answer = await ask(elastic, settings, body, missing)
    found = [_read(each, span, bucket) for each in buckets(answer, "sources")]
    return sorted(found, key=lambda each: each.source)


def _read(found: Mapping[str, Any], span: Span, bucket: timedelta) -> Brought:
    within = found["within"]
    kinds = [each["key"] for each in buckets(found, "kinds")]
    return Brought(
        source=found["key"],
        kind=kinds[0] if kinds else "",
        languages=tuple(each["key"] for each in buckets(found, "languages")),
        counts=read_counts(within),
        last=moment(found["last"]["value"]),
        retention_days=int(found["kept"]["value"] or 0),
        may_train=bool(found["trains"]["value"]),
        series=read_series(within, span, bucket),
    )
