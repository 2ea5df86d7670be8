"""What a run left behind in Kafka, Elasticsearch and its logs: alerts, counts, personal data that slipped by."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_scan

from alerts.watch import KIND
from streams import elastic as names
from streams.kafka import read_topic
from streams.records import AlertEvent, decode
from streams.settings import Settings
from streams.topics import ALERTS, DOCUMENTS, MENTIONS, RECEIPTS, Topic

# Behind the raw topics nothing may hold personal data. Dead letters keep the original bytes, as the raw topics do; the
# detector's snapshots are made of mentions and nothing else.
CLEAN_TOPICS: Final = (DOCUMENTS, MENTIONS, ALERTS, RECEIPTS)
_JOINTS: Final = re.compile(r"[\s().+-]")


def squeeze(text: str) -> str:
    """The text without what people put between the digits of a number."""
    return _JOINTS.sub("", text)


class Planted:
    """Personal data that were put into the day on purpose, and where they were found again."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        self._values = [(kind, squeeze(value)) for kind, value in values]
        self.found: list[str] = []  # "kind in place"; never the value

    def search(self, text: str, place: str) -> None:
        """Take note of every planted value in the text."""
        squeezed = squeeze(text)
        self.found += [f"{kind} in {place}" for kind, value in self._values if value in squeezed]

    def search_files(self, folder: Path) -> None:
        """Take note of every planted value in the log files of a folder."""
        for path in sorted(folder.glob("*.log")):
            self.search(path.read_text(encoding="utf-8", errors="replace"), path.name)


async def events(settings: Settings, bootstrap: str) -> list[AlertEvent]:
    """All alert events about the day, each once, in order of the log. What Tocsin says of itself is no part of it."""
    found: dict[str, AlertEvent] = {}
    async for message in read_topic(settings, bootstrap, ALERTS):
        event: AlertEvent = decode(message.value, AlertEvent)
        if event.kind != KIND:
            found.setdefault(event.id, event)
    return list(found.values())


async def documents(elastic: AsyncElasticsearch, settings: Settings) -> AsyncIterator[dict[str, Any]]:
    """Every document and alert event in Elasticsearch, as stored."""
    index = f"{names.pattern(settings, 'documents')},{names.pattern(settings, 'alerts')}"
    async for hit in async_scan(elastic, index=index, size=1000):
        yield hit


async def counts(elastic: AsyncElasticsearch, settings: Settings) -> dict[str, int]:
    """Documents in Elasticsearch: all, unjudged, stale, marked as demo data, by label of sentiment."""
    answer = await elastic.search(
        index=names.pattern(settings, "documents"),
        size=0,
        track_total_hits=True,
        ignore_unavailable=True,
        aggs={
            "unjudged": {"filter": {"term": {"judged": False}}},
            "stale": {"filter": {"term": {"stale": "stale"}}},
            "marked": {"filter": {"term": {"demo": True}}},
        },
    )
    found = {name: int(bucket["doc_count"]) for name, bucket in answer.get("aggregations", {}).items()}
    total = int(answer["hits"]["total"]["value"])
    return dict.fromkeys(("unjudged", "stale", "marked"), 0) | found | {"indexed": total}


async def leaks(
    elastic: AsyncElasticsearch, settings: Settings, bootstrap: str, logs: Path, values: Sequence[tuple[str, str]]
) -> Planted:
    """Look for the planted values everywhere behind the raw topics: Elasticsearch, Kafka, the workers' logs."""
    planted = Planted(values)

    async def search_topic(topic: Topic) -> None:
        async for message in read_topic(settings, bootstrap, topic):
            place = f"{message.topic}/{message.partition}@{message.offset}"
            planted.search((message.value or b"").decode("utf-8", "replace"), place)

    async def search_index() -> None:
        async for hit in documents(elastic, settings):
            planted.search(str(hit["_source"]), f"{hit['_index']}/{hit['_id']}")

    await asyncio.gather(search_index(), *(search_topic(topic) for topic in CLEAN_TOPICS))
    planted.search_files(logs)
    return planted
