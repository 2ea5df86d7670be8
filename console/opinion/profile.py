"""Everything that is counted about one subject, in one search: the span, the one before, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask
from console.opinion.counts import Counts, counting, read_counts
from console.opinion.filters import Filter, query
from console.opinion.groups import Field, Group, grouping, read_groups
from console.opinion.span import Span
from console.opinion.totals import Series, histogram, read_series
from streams.settings import Settings

PARTS: Final[Mapping[Field, int]] = {"topic": 20, "risk": 25, "source": 30, "lang": 10}  # values shown of each


@dataclass(frozen=True, slots=True)
class Profile:
    """What a subject's documents were like within a span, and just before. `stale`: of now, those told late."""

    now: Counts
    before: Counts
    stale: int
    series: Series
    parts: dict[Field, list[Group]]


async def profile(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, chosen: Filter, bucket: timedelta,
    missing: Missing | None = None,
) -> Profile:  # fmt: skip
    """The profile; all of it zero or empty where there are no documents."""
    parts: dict[str, Any] = {field: grouping(field, most) for field, most in PARTS.items()}
    body = {
        "size": 0,
        "query": query(chosen, settings, Span(span.before.begin, span.end)),
        "aggs": {
            "before": {"filter": span.before.clause, "aggs": counting()},
            "now": {
                "filter": span.clause,
                "aggs": {
                    **counting(),
                    "stale": {"filter": {"term": {"stale": "stale"}}},
                    "at": {**histogram(span, bucket), "aggs": counting()},
                    **parts,
                },
            },
        },
    }
    answer = await ask(elastic, settings, body, missing)
    found: Mapping[str, Any] = answer.get("aggregations", {})
    now = found.get("now", {})
    return Profile(
        read_counts(now),
        read_counts(found.get("before", {})),
        int(now.get("stale", {}).get("doc_count", 0)),
        read_series(now, span, bucket),
        {field: read_groups(field, now, field) for field in PARTS},
    )
