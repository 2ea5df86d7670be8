"""Which subjects there are within a span: companies, topics, lists of companies, sources, and the market as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask
from console.opinion.counts import Counts, counting, read_counts
from console.opinion.filters import EVERYTHING, query, subject_clause
from console.opinion.groups import Field, grouping, read_groups
from console.opinion.names import Known, company_names, known, matches
from console.opinion.span import Span, moment
from models.labels import TOPIC_LABELS
from streams.settings import Settings

MOST: Final[Mapping[Field, int]] = {"entity": 1000, "topic": 30, "source": 500}  # of each kind, those told most of
MOST_LISTS: Final = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """One subject with its documents. `last`: when the newest was collected."""

    subject: str
    name: str
    counts: Counts
    last: datetime

    @property
    def kind(self) -> str:
        """entity, topic, list, source or market."""
        return self.subject.partition(":")[0]


async def subjects(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, kind: str = "", typed: str = "",
    missing: Missing | None = None,
) -> list[Listed]:  # fmt: skip
    """Those of a kind (empty: of every one) that documents of the span are about, most documents first, then by id.

    `typed`: part of a name, another name, a code or the id; empty: all.
    """
    names = known(settings)
    body = {"size": 0, "query": query(EVERYTHING, settings, span), "aggs": _aggregations(settings, names, kind, typed)}
    answer = await ask(elastic, settings, body, missing)
    found: Mapping[str, Any] = answer.get("aggregations", {})
    listed = {each.subject: each for each in _read(found)}
    ids = [name.partition(":")[2] for name in listed if name.startswith("entity:")]
    called = await company_names(elastic, settings, ids, missing)
    complete = [_called(each, called) for each in listed.values()]
    wanted = [each for each in complete if not typed.strip() or _meant(each, names, typed)]
    return sorted(wanted, key=lambda each: (-each.counts.documents, each.subject))


def _aggregations(settings: Settings, names: Known, kind: str, typed: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, most in MOST.items():
        if kind in ("", field):
            found[field] = grouping(field, most)
    inner = {**counting(), "last": {"max": {"field": "collected_at"}}}
    if kind in ("", "entity") and typed.strip():  # a company may be meant that is not among those told most of
        ids = [each for each in names.companies if _company_matches(names, each, typed)][: MOST["entity"]]
        if ids:
            found["meant"] = grouping("entity", len(ids))
            found["meant"]["terms"]["include"] = ids
    if kind in ("", "list") and names.lists:
        lists = {name: subject_clause(f"list:{name}", settings) for name in list(names.lists)[:MOST_LISTS]}
        found["list"] = {"filters": {"filters": lists}, "aggs": inner}
    if kind in ("", "market"):
        found["market"] = {"filter": {"match_all": {}}, "aggs": inner}
    return found


def _read(found: Mapping[str, Any]) -> Iterator[Listed]:
    aggregations: list[tuple[str, Field]] = [*((field, field) for field in MOST), ("meant", "entity")]
    for name, field in aggregations:
        for group in read_groups(field, found, name):
            yield Listed(f"{field}:{group.value}", group.name, group.counts, cast(datetime, group.last))
    lists = found.get("list", {}).get("buckets", {})
    others = [(f"list:{name}", name, bucket) for name, bucket in lists.items()]
    others.append(("market:all", "market", found.get("market", {})))
    for subject, name, bucket in others:
        if bucket.get("doc_count"):
            yield Listed(subject, name, read_counts(bucket), moment(bucket["last"]["value"]))


def _called(each: Listed, names: Mapping[str, str]) -> Listed:
    if each.kind != "entity":
        return each
    return Listed(each.subject, names[each.subject.partition(":")[2]], each.counts, each.last)


def _meant(each: Listed, names: Known, typed: str) -> bool:
    value = each.subject.partition(":")[2]
    if matches(typed, each.name, value):
        return True
    if each.kind == "topic" and value in TOPIC_LABELS:
        return matches(typed, TOPIC_LABELS[value].zh, TOPIC_LABELS[value].en)
    return each.kind == "entity" and _company_matches(names, value, typed)


def _company_matches(names: Known, company: str, typed: str) -> bool:
    found = names.companies.get(company)
    if found is None:
        return False
    return matches(typed, found.id, found.name, *(alias.lstrip("=~") for alias in found.aliases), *found.tickers)
