"""Which subjects people speak ill of now, against the stretch of time just before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask, buckets
from console.opinion.counts import Counts, counting, read_counts
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
    body = {
        "size": 0,
        "query": query(EVERYTHING, settings, Span(span.before.begin, span.end)),
        "aggs": {"subjects": moving(span, kind, limit, bucket)},
    }
    found = read_movers(await ask(elastic, settings, body, missing), span, kind, bucket)
    found.sort(key=_first)
    if kind != "entity":
        return found
    names = await company_names(elastic, settings, [each.name for each in found], missing)
    return [Mover(each.subject, names[each.name], each.now, each.before, each.cells) for each in found]


def moving(span: Span, kind: Moving, limit: int, bucket: timedelta | None) -> dict[str, Any]:
    """The aggregation that `read_movers` reads. Elasticsearch sorts: buckets are made for the first ones only."""
    cells = {"at": {**histogram(span, bucket), "aggs": counting()}} if bucket else {}
    return {
        "terms": {
            "field": FIELDS[kind],
            "size": min(limit, MOST),
            "shard_size": SHARD_SIZE,
            "order": [{"now>negative": "desc"}, {"now": "desc"}, {"_key": "asc"}],
            "collect_mode": "breadth_first",
        },
        "aggs": {
            "now": {"filter": span.clause, "aggs": counting()},
            "cells": {"filter": span.clause, "aggs": cells},
            "before": {"filter": span.before.clause, "aggs": counting()},
        },
    }


def read_movers(answer: Mapping[str, Any], span: Span, kind: Moving, bucket: timedelta | None) -> list[Mover]:
    """The subjects that were mentioned within the span, a company still under its id."""
    found = [
        Mover(
            f"{kind}:{each['key']}",
            each["key"] if kind == "entity" else plain_name(kind, each["key"]),
            read_counts(each["now"]),
            read_counts(each["before"]),
            read_series(each["cells"], span, bucket) if bucket else (),
        )
        for each in buckets(answer, "subjects")
    ]
    return [each for each in found if each.now.documents]


def _first(mover: Mover) -> tuple[int, float, int, str]:
    share = mover.now.share
    return -mover.now.negative, -(share.value if share else 0.0), -mover.now.documents, mover.subject
