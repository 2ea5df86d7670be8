"""Removes from Elasticsearch what is past its retention: documents of this installation and of its replays.

Within about an hour of its end. One worker does it, the one that reads partition 0 of `documents`; that two do for a
while (a rebalance, `tocsin expire`) is harmless: each deletes what it finds, in the very state in which it was found,
and passes over what was changed or gone meanwhile. It goes in portions at a bounded rate, for a bounded time; what is
left then, or after a fault, is begun again soon, and nothing needs to be remembered for that. Alert events are kept:
they are the record of what was told.

By search and bulk, not `_delete_by_query`: that is of a module which the Elasticsearch that Tocsin brings goes without.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from elasticsearch import ApiError, AsyncElasticsearch, TransportError

from streams import metrics
from streams.elastic import REPLAY_MARK, client, pattern
from streams.retention import UNDATED, expired, live_index, replay_index, replay_pattern
from streams.settings import Settings

FIRST: Final = 60.0  # seconds after the start: a worker that starts often must come to it too
EVERY: Final = 3600.0
SOON: Final = 600.0  # seconds, where something is left
BUDGET: Final = 1200.0  # seconds of one round
PORTION: Final = 500  # documents of one request
PAUSE: Final = 0.5  # seconds between two: Elasticsearch goes on indexing and searching beside it
GONE: Final = frozenset({404, 409})  # deleted, or changed and so to be looked at again
RETENTIONS: Final = 1000  # different ones that documents of earlier versions have

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Round:
    """What one round removed, by index; the indices where that failed, with why; `left`: its time was over."""

    removed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing was left that should have gone."""
        return not (self.failed or self.left)


async def own_indices(elastic: AsyncElasticsearch, settings: Settings) -> list[str]:
    """Open indices of documents that are this installation's: by their exact names, a replay's by its mark as well."""
    found = await elastic.indices.get_mapping(
        index=[pattern(settings, "documents"), replay_pattern(settings)],
        allow_no_indices=True, ignore_unavailable=True, expand_wildcards="open",
    )  # fmt: skip
    return sorted(
        name
        for name, body in found.items()
        if live_index(settings, name)
        or (replay_index(settings, name) and REPLAY_MARK in (body["mappings"].get("_meta") or {}))
    )


async def due(elastic: AsyncElasticsearch, settings: Settings, now: datetime) -> dict[str, int]:
    """How many documents of each index are past their retention; indices without one are left out."""
    found: dict[str, int] = {}
    for index in await own_indices(elastic, settings):
        query = expired(now, await _undated(elastic, index))
        found[index] = int((await elastic.count(index=index, query=query))["count"])
    return {index: count for index, count in found.items() if count}


async def remove(
    elastic: AsyncElasticsearch, settings: Settings, now: datetime, seconds: Callable[[], float] = time.monotonic
) -> Round:
    """Delete what is past its retention. A fault of one index leaves the others alone; one of the list is raised."""
    done = Round()
    end = seconds() + BUDGET
    for index in await own_indices(elastic, settings):
        if seconds() >= end:
            done.left = True
            break
        try:
            await _clear(elastic, index, now, done, lambda: seconds() >= end)
        except (ApiError, TransportError) as error:
            done.failed[index] = _why(error)
    return done


async def _clear(elastic: AsyncElasticsearch, index: str, now: datetime, done: Round, over: Callable[[], bool]) -> None:
    """One index, portion by portion, until nothing is found or nothing moves."""
    query = expired(now, await _undated(elastic, index))
    while True:
        count, failed = await _portion(elastic, index, query)
        metrics.EXPIRED.inc(count)
        if count:
            done.removed[index] = done.removed.get(index, 0) + count
        if failed:
            done.failed[index] = failed
        if failed or not count:
            return
        if over():
            done.left = True
            return
        await asyncio.sleep(PAUSE)


async def _portion(elastic: AsyncElasticsearch, index: str, query: dict[str, Any]) -> tuple[int, str]:
    """How many of the next documents were deleted, and why one could not be."""
    found = await elastic.search(
        index=index, query=query, size=PORTION, source=False, sort=["_doc"], seq_no_primary_term=True,
        track_total_hits=False, allow_partial_search_results=False,
    )  # fmt: skip
    hits = found["hits"]["hits"]
    if not hits:
        return 0, ""
    names = {"_id": "_id", "if_seq_no": "_seq_no", "if_primary_term": "_primary_term"}
    answer = await elastic.bulk(
        index=index,
        operations=[{"delete": {name: hit[of] for name, of in names.items()}} for hit in hits],
        refresh=True,  # else the next search would find them again
    )
    told = [item["delete"] for item in answer["items"]]
    bad = next((one for one in told if one["status"] >= 300 and one["status"] not in GONE), None)
    why = "" if bad is None else str(bad.get("error", {}).get("type", bad["status"]))
    return sum(one["status"] < 300 for one in told), why


async def _undated(elastic: AsyncElasticsearch, index: str) -> Collection[int]:
    """Retentions, in days, of the documents that an earlier version indexed, which have no `expires_at`."""
    answer = await elastic.search(
        index=index, size=0, track_total_hits=False, query=UNDATED, allow_partial_search_results=False,
        aggs={"days": {"terms": {"field": "retention_days", "size": RETENTIONS}}},
    )  # fmt: skip
    return [int(bucket["key"]) for bucket in answer["aggregations"]["days"]["buckets"]]


def _why(error: Any) -> str:
    return f"{error.status_code} {error.error}" if isinstance(error, ApiError) else type(error).__name__


async def keep_removing(
    settings: Settings, url: str, clock: Callable[[], datetime], mine: Callable[[], bool], first: float = FIRST
) -> None:
    """Remove for ever, once an hour while it is `mine` to do; faults are told and come again, nothing else ends it."""
    metrics.EXPIRED_ALL.set(clock().timestamp())  # unknown is counted from here, until it is done once
    elastic = client(settings, url)
    pause = first
    try:
        while True:
            await asyncio.sleep(pause)
            pause = EVERY
            if mine() and not await _round(settings, elastic, clock):
                pause = SOON
    finally:
        await elastic.close()


async def _round(settings: Settings, elastic: AsyncElasticsearch, clock: Callable[[], datetime]) -> bool:
    """One round, told in the log where there is something to tell; whether it is complete."""
    try:
        done = await remove(elastic, settings, clock())
    except (ApiError, TransportError) as error:
        log.warning("expiry.failed", error=_why(error))
        return False
    if done.removed:
        log.info("expiry.removed", documents=sum(done.removed.values()), indices=len(done.removed))
    if done.failed:
        log.warning("expiry.failed", indices=done.failed)
    if done.complete:
        metrics.EXPIRED_ALL.set(clock().timestamp())
    return done.complete
