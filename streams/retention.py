"""How long a document may be kept: the one rule, and how Elasticsearch is asked for what is past it. Pure.

A source declares `retention_days`. They count from when the item was collected (`collected_at`, by the clock of whoever
collected it), never from its publication: an article of last year that is collected today is kept from today. Where
nobody knows when it was collected (`collected_how` is `archive`: `collected_at` is only the published time), they count
from when it was taken in: Kafka's time of the raw record. Both are written down once, as `expires_at`, so that indexing
a log again, however much later, ends at the same moment and brings nothing back. The clock that decides whether the
moment has come is that of the process which asks.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from streams.elastic import DOCUMENTS_END, REPLAY, REPLAY_NAME, prefix
from streams.records import Document, RawItem
from streams.settings import Settings

NEVER: Final = datetime.max.replace(tzinfo=UTC)


def taken(seconds: float, now: datetime) -> datetime:
    """When a record was taken in, by Kafka's time of it; a time that is missing or yet to come counts as now."""
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < now.timestamp() else now


def expiry(of: RawItem | Document, taken_at: datetime | None) -> datetime | None:
    """When it may be kept no longer. None: nobody knows when it was collected, nor when it was taken in."""
    begin = of.collected_at if of.collected_how == "clock" else taken_at
    try:
        return None if begin is None else begin + timedelta(days=of.retention_days)
    except OverflowError:
        return NEVER


def kept_until(document: Document, taken_at: datetime) -> datetime:
    """When a document expires: what was written down, or reckoned for records of before it was."""
    return document.expires_at or expiry(document, taken_at) or NEVER


def expired(now: datetime, undated: Collection[int] = ()) -> dict[str, Any]:
    """A query for the documents past their retention. `undated`: retentions, in days, of those without `expires_at`."""
    past = [{"range": {"expires_at": {"lte": now.isoformat()}}}, *(_undated(now, days) for days in undated)]
    return {"bool": {"should": past, "minimum_should_match": 1}}


def _undated(now: datetime, days: int) -> dict[str, Any]:
    """Of documents that an earlier version indexed. Of an archive it kept no time but that of indexing."""
    before = (now - timedelta(days=days)).isoformat()
    ways = [
        {"bool": {"filter": [{"term": {"collected_how": how}}, {"range": {field: {"lte": before}}}]}}
        for how, field in (("clock", "collected_at"), ("archive", "indexed_at"))
    ]
    return UNDATED | {
        "bool": UNDATED["bool"]
        | {"filter": [{"term": {"retention_days": days}}], "should": ways, "minimum_should_match": 1}
    }


UNDATED: Final[dict[str, Any]] = {"bool": {"must_not": [{"exists": {"field": "expires_at"}}]}}


def live_index(settings: Settings, name: str) -> bool:
    """Whether this is exactly the name of an index of documents of this installation."""
    return re.fullmatch(re.escape(prefix(settings)) + DOCUMENTS_END, name) is not None


def replay_pattern(settings: Settings) -> str:
    """Pattern that reaches the documents of every replay of this installation, and maybe of others."""
    return ".".join(part for part in (REPLAY, settings.namespace, "*", "documents-*") if part)


def replay_index(settings: Settings, name: str) -> bool:
    """Whether this is the name of an index of documents of a replay of exactly this installation."""
    first = "".join(rf"{re.escape(part)}\." for part in (REPLAY, settings.namespace) if part)
    return re.fullmatch(rf"{first}{REPLAY_NAME}\.{DOCUMENTS_END}", name) is not None
