"""Documents by company, topic, kind of risk, source or language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask, buckets
from console.opinion.counts import Counts, counting, read_counts
from console.opinion.filters import EVERYTHING, FIELDS, Filter, query
from console.opinion.names import company_names, plain_name
from console.opinion.span import Span, moment
from streams.settings import Settings

Field = Literal["entity", "topic", "risk", "source", "lang"]
SHARD_SIZE: Final = (
    2000  # values each index tells: counts of values beyond are estimates where there are several months
)


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a field: the documents that have it. `name`: for people, where the value is an id."""

    value: str
    name: str
    counts: Counts
    last: datetime | None = None  # when the newest was collected


async def groups(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, field: Field, chosen: Filter = EVERYTHING,
    limit: int = 20, missing: Missing | None = None,
) -> list[Group]:  # fmt: skip
    """Those with most documents first.

    A document with several companies counts with each. Unjudged documents have no topic and no kind of risk; `none`
    is a kind of risk of its own: judged, and no such event.
    """
    body = {"size": 0, "query": query(chosen, settings, span), "aggs": {"groups": grouping(field, limit)}}
    found = read_groups(field, await ask(elastic, settings, body, missing))
    return await named(elastic, settings, field, found, missing)


def grouping(field: Field, limit: int) -> dict[str, Any]:
    """The aggregation that `read_groups` reads."""
    return {
        "terms": {"field": FIELDS[field], "size": limit, "shard_size": max(limit, SHARD_SIZE)},
        "aggs": {**counting(), "last": {"max": {"field": "collected_at"}}},
    }


def read_groups(field: Field, found: Mapping[str, Any], name: str = "groups") -> list[Group]:
    """The groups, a company still under its id."""
    return [
        Group(each["key"], plain_name(field, each["key"]), read_counts(each), moment(each["last"]["value"]))
        for each in buckets(found, name)
    ]


async def named(
    elastic: AsyncElasticsearch, settings: Settings, field: Field, found: list[Group], missing: Missing | None = None
) -> list[Group]:
    """The groups with the names of companies."""
    if field != "entity":
        return found
    names = await company_names(elastic, settings, [each.value for each in found], missing)
    return [Group(each.value, names[each.value], each.counts, each.last) for each in found]
