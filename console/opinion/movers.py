"""Which subjects people speak ill of now, against the stretch of time just before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask, buckets
from console.opinion.counts import Counts, class_clause, counting, read_counts
from console.opinion.filters import EVERYTHING, FIELDS, query
from console.opinion.groups import SHARD_SIZE
from console.opinion.names import company_names, plain_name
from console.opinion.span import Span
from console.opinion.totals import histogram, read_series
from streams.settings import Settings

Moving = Literal["entity", "topic", "source"]
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Mover:
    """A subject within the span and just before it. `cells`: the span bucket by bucket, where that was asked for."""

    subject: str
    name: str
    now: Counts
    before: Counts
    cells: Sequence[tuple[datetime, Counts]] = ()

    @property
    def change(self) -> float | None:
        """Share now less share before; None where one of them has none."""
        now, before = self.now.share, self.before.share
        return None if now is None or before is None else now.value - before.value


async def movers(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, kind: Moving = "entity", limit: int = 20,
    bucket: timedelta | None = None, missing: Missing | None = None,
) -> list[Mover]:  # fmt: skip
    """Those with most negative documents now first, then those with the larger negative share, then by
    documents and id.

    A document with several companies counts with each.
    """
    first = await ask(elastic, settings, ranking(settings, span, kind, limit), missing)
    ids = [each["key"] for each in buckets(first, "subjects")]
    if not ids:
        return []
    answer = await ask(elastic, settings, comparing(settings, span, kind, ids, bucket), missing)
    found = sorted(read_movers(answer, span, kind, bucket), key=_first)
    if kind != "entity":
        return found
    names = await company_names(elastic, settings, ids, missing)
    return [Mover(each.subject, names[each.name], each.now, each.before, each.cells) for each in found]


def ranking(settings: Settings, span: Span, kind: Moving, limit: int) -> dict[str, Any]:
    """The search for the subjects with most negative documents; where those are none, with most documents."""
    subjects = {
        "terms": {
            "field": FIELDS[kind],
            "size": min(limit, MOST),
            "shard_size": SHARD_SIZE,
            "order": [{"negative": "desc"}, {"_count": "desc"}, {"_key": "asc"}],
            "collect_mode": "breadth_first",
        },
        "aggs": {"negative": {"filter": class_clause("negative")}},
    }
    return {"size": 0, "query": query(EVERYTHING, settings, span), "aggs": {"subjects": subjects}}


def comparing(
    settings: Settings, span: Span, kind: Moving, ids: Sequence[str], bucket: timedelta | None
) -> dict[str, Any]:
    """The search that counts these subjects, now and before. To do both in one takes ten times as long: Elasticsearch
    then counts every subject there is before it knows which come first."""
    cells = {"at": {**histogram(span, bucket), "aggs": counting()}} if bucket else {}
    both = query(EVERYTHING, settings, Span(span.before.begin, span.end))
    both["bool"]["filter"].append({"terms": {FIELDS[kind]: list(ids)}})
    subjects = {
        "terms": {"field": FIELDS[kind], "include": list(ids), "size": len(ids)},
        "aggs": {
            "now": {"filter": span.clause, "aggs": {**counting(), **cells}},
            "before": {"filter": span.before.clause, "aggs": counting()},
        },
    }
    return {"size": 0, "query": both, "aggs": {"subjects": subjects}}


def read_movers(answer: Mapping[str, Any], span: Span, kind: Moving, bucket: timedelta | None) -> list[Mover]:
    """The subjects that `comparing` counted, a company still under its id."""
    return [
        Mover(
            f"{kind}:{each['key']}",
            each["key"] if kind == "entity" else plain_name(kind, each["key"]),
            read_counts(each["now"]),
            read_counts(each["before"]),
            read_series(each["now"], span, bucket) if bucket else (),
        )
        for each in buckets(answer, "subjects")
    ]


def _first(mover: Mover) -> tuple[int, float, int, str]:
    share = mover.now.share
    return -mover.now.negative, -(share.value if share else 0.0), -mover.now.documents, mover.subject
