"""What subjects are called. A company's name comes from the lists of names, or else from a document that names it.

The index keeps the companies of a document flat: which name belongs to which id only the stored document tells.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import structlog
from elasticsearch import AsyncElasticsearch

from console.opinion.asking import Missing, ask, buckets
from models.labels import TOPIC_SOURCES
from streams.elastic import prefix
from streams.gazetteer import Company, read_companies
from streams.gazetteer.watchlist import WatchlistError, read_watchlist
from streams.settings import Settings

KINDS: Final = ("entity", "topic", "list", "source", "market")
AT_ONCE: Final = 200  # ids looked up in one request
REMEMBERED: Final = 20_000  # names from documents

log = structlog.get_logger(__name__)
_told: dict[tuple[str, str], str] = {}  # namespace and id -> name in a document; a company is not renamed every day


@dataclass(frozen=True, slots=True)
class Known:
    """The companies of the shipped list and the watchlist, by id, and the ids of each list."""

    companies: Mapping[str, Company] = field(default_factory=dict)
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)


def known(settings: Settings) -> Known:
    """What the files say now. A watchlist that cannot be read counts as none and is logged: people can still search."""
    path = settings.watchlist
    try:
        mark = path.stat().st_mtime_ns if path else 0
    except OSError:
        mark = 0
    return _read(path, mark)


@lru_cache(maxsize=4)
def _read(path: Path | None, _mark: int) -> Known:
    companies = {company.id: company for company in read_companies()}
    lists: dict[str, set[str]] = {}
    try:
        own = read_watchlist(path) if path else []
    except WatchlistError as error:
        log.warning("opinion.watchlist", error=str(error)[:500])
        own = []
    for company in own:
        companies[company.id] = companies[company.id].extended(company) if company.id in companies else company
        for name in company.lists:
            lists.setdefault(name, set()).add(company.id)
    return Known(companies, {name: frozenset(ids) for name, ids in sorted(lists.items())})


async def company_names(
    elastic: AsyncElasticsearch, settings: Settings, ids: Collection[str], missing: Missing | None = None
) -> dict[str, str]:
    """The name of each company; its id where no list and no document tells."""
    listed, space = known(settings).companies, prefix(settings)
    unknown = [each for each in ids if each not in listed and (space, each) not in _told]
    for at in range(0, len(unknown), AT_ONCE):
        found = await _look_up(elastic, settings, unknown[at : at + AT_ONCE], missing)
        _told.update(((space, each), name) for each, name in found.items())
    while len(_told) > REMEMBERED:
        del _told[next(iter(_told))]
    return {each: listed[each].name if each in listed else _told.get((space, each), each) for each in ids}


async def _look_up(
    elastic: AsyncElasticsearch, settings: Settings, ids: Collection[str], missing: Missing | None
) -> dict[str, str]:
    newest = {"top_hits": {"size": 1, "sort": [{"collected_at": "desc"}], "_source": ["entities.id", "entities.name"]}}
    answer = await ask(
        elastic, settings,
        {
            "size": 0,
            "query": {"terms": {"entities.id": list(ids)}},
            "aggs": {"ids": {"terms": {"field": "entities.id", "include": list(ids), "size": len(ids)},
                             "aggs": {"newest": newest}}},
        },
        missing,
    )  # fmt: skip
    found: dict[str, str] = {}
    for bucket in buckets(answer, "ids"):
        hit = bucket["newest"]["hits"]["hits"][0]
        found |= {e["id"]: e["name"] for e in hit["_source"].get("entities", []) if e["id"] in ids}
    return found


def plain_name(kind: str, value: str) -> str:
    """The name of a subject that is no company, as mentions carry it."""
    if kind == "topic":
        return TOPIC_SOURCES.get(value, value)
    return "market" if kind == "market" else value


async def subject_name(
    elastic: AsyncElasticsearch, settings: Settings, subject: str, missing: Missing | None = None
) -> str:
    """The name of one subject."""
    kind, _, value = subject.partition(":")
    if kind != "entity":
        return plain_name(kind, value)
    return (await company_names(elastic, settings, [value], missing))[value]


def ticker_of(company: Company) -> str:
    """The first code of a company; empty when it has none."""
    return company.tickers[0] if company.tickers else ""


def matches(words: str, *names: Any) -> bool:
    """Whether what somebody types is part of one of the names, whatever the case."""
    wanted = words.casefold().strip()
    return any(wanted in str(name).casefold() for name in names)
