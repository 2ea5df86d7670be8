"""One run of one contestant: a namespace of its own, warm-up, append, wait for the last document, check every one.

The clock starts just before the first record is appended and stops when Elasticsearch has indexed the last item, as
asked from outside: filling, pooling and draining count, starting the processes does not. Everything a contestant needs
is running and has done `WARM` items by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiokafka.admin import AIOKafkaAdminClient
from elasticsearch import AsyncElasticsearch

from console.workers import STAGES, Workers
from models.labels import HEADS, SENTIMENTS
from models.registry import Metadata
from models.verdict import heat_of, scaled
from streams import clock
from streams.elastic import client, pattern, prefix, put_templates
from streams.kafka import Outgoing, Producer, client_options, ensure_topics, read_topic
from streams.lag import lags
from streams.records import Judgement, encode
from streams.settings import Settings, environment
from streams.topics import ALERTS, DOCUMENTS, MENTIONS, TOPICS
from tests.bench import corpus as texts
from tests.bench.bed import Bed
from tests.bench.corpus import Corpus
from tests.bench.procfs import Processes, between
from tests.bench.result import OURS, Run

WARM: Final = 128
START_WITHIN: Final = 90.0
STALLED: Final = 60.0  # seconds without one more document: something is broken
CLOSE: Final = 0.05  # most that a probability may differ from the bare run's: batches of other widths round differently
UNSURE: Final = 0.04  # two likeliest labels nearer than this may swap


class Void(RuntimeError):  # noqa: N818
    """A run that cannot be finished; the message says what happened."""


@dataclass
class Site:
    """One namespace with its topics, indices and running contestant."""

    settings: Settings
    contestant: str
    elastic: AsyncElasticsearch
    producer: Producer
    workers: Workers
    peer: subprocess.Popen[bytes] | None = None
    pids: dict[str, int] = field(default_factory=dict)

    async def indexed(self) -> int:
        """Documents Elasticsearch has indexed, searchable or not."""
        answer = await self.elastic.indices.stats(
            index=pattern(self.settings, "documents"),
            metric="indexing",
            filter_path="_all.primaries.indexing.index_total",
        )
        total = answer.body.get("_all", {}).get("primaries", {}).get("indexing", {}).get("index_total", 0)
        return int(total)

    async def until(self, count: int, within: float) -> None:
        """Return when `count` documents are indexed; Void when that stalls or the contestant ends."""
        progress = time.monotonic()
        seen = -1
        while (found := await self.indexed()) < count:
            if found != seen:
                seen, progress = found, time.monotonic()
            if time.monotonic() - progress > within:
                raise Void(f"{self.contestant}: {found} of {count} documents, none more within {within:.0f} s")
            if gone := self._ended():
                raise Void(f"{self.contestant}: {gone} ended; see {self.settings.state_dir / 'logs'}")
            await asyncio.sleep(0.05 if found > 0.9 * count or count <= WARM else 0.5)

    def _ended(self) -> str:
        if self.peer is not None and self.peer.poll() is not None:
            return self.contestant
        return next((stage for stage in self.workers.children if self.workers.pid(stage) is None), "")

    async def append(self, chosen: Corpus) -> None:
        """Write a corpus with its ticks; returns when all of it is durable."""
        for part in texts.records(chosen, self.settings):
            await self.producer.send_all(part)


@contextlib.asynccontextmanager
async def site(bed: Bed, contestant: str, name: str, **changes: Any) -> AsyncIterator[Site]:
    """A contestant, running on fresh topics; ended and swept up at the end."""
    settings = bed.settings(name, **changes)
    await ensure_topics(settings, bed.addresses["kafka"])
    elastic = client(settings, bed.addresses["elasticsearch"])
    producer = Producer(settings, bed.addresses["kafka"])
    await put_templates(elastic, settings)
    made = Site(settings, contestant, elastic, producer, Workers(settings, logs=settings.state_dir / "logs"))
    try:
        await asyncio.to_thread(_start, made)
        yield made
    finally:
        await asyncio.to_thread(_stop, made)
        await producer.stop()
        await _sweep(made, bed.addresses["kafka"])
        await elastic.close()


def _start(made: Site) -> None:
    if made.contestant == OURS:
        made.workers.start(STAGES)
        made.pids = {stage: pid for stage in STAGES if (pid := made.workers.pid(stage))}
        return
    logs = made.settings.state_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{made.contestant}.log").open("ab") as output:
        made.peer = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{made.contestant}"],
            env=os.environ | environment(made.settings),
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    made.pids = {made.contestant: made.peer.pid}


def _stop(made: Site) -> None:
    made.workers.stop()
    if made.peer is not None:
        made.peer.terminate()
        try:
            made.peer.wait(10)
        except subprocess.TimeoutExpired:
            made.peer.kill()
            made.peer.wait()


async def _sweep(made: Site, bootstrap: str) -> None:
    """Delete topics, indices and templates, so that no run pays for an earlier one."""
    for kind in ("documents", "alerts"):
        found = await made.elastic.indices.get(index=pattern(made.settings, kind), allow_no_indices=True)
        for index in found.body:
            await made.elastic.indices.delete(index=index)
        await made.elastic.indices.delete_index_template(name=f"tocsin-{prefix(made.settings)}{kind}")
    admin = AIOKafkaAdminClient(**client_options(made.settings, bootstrap))
    await admin.start()
    try:
        await admin.delete_topics([topic.full(made.settings) for topic in TOPICS])
    finally:
        await admin.close()


async def run(bed: Bed, contestant: str, number: int, chosen: Corpus, expected: np.ndarray) -> Run:
    """Measure one contestant once. `expected`: the bare run's sentiment probabilities, a row an item."""
    warm = texts.corpus(chosen.kind, WARM, label=f"warm-{number}", without=chosen)
    async with site(bed, contestant, f"{contestant}-{chosen.kind.lower()}-{number}") as made:
        await made.append(warm)
        await made.until(len(warm.items), START_WITHIN)
        processes = Processes(bed.pids() | made.pids)
        before = processes.sample()
        begun = time.monotonic()
        await made.append(chosen)
        await made.until(len(warm.items) + len(chosen.items), STALLED)
        seconds = time.monotonic() - begun
        after = processes.sample()
        spent, stolen = between(before, after)
        drained = await _drained(made, bed.addresses["kafka"])
        alerts = [m async for m in read_topic(made.settings, bed.addresses["kafka"], ALERTS)]
        problems, difference = await check(made, chosen, warm, honest(bed.served.metadata, chosen, expected))
    count = len(chosen.items)
    return Run(
        contestant=contestant,
        round=number,
        items=count,
        seconds=round(seconds, 3),
        rate=round(count / seconds, 2),
        stolen=round(stolen, 4),
        cpu_us={name: round(value / count * 1e6, 1) for name, value in spent.items()},
        peak_mib={name: round(value, 1) for name, value in processes.peak.items()},
        alerts=len(alerts),
        drained_after=round(drained, 2),
        largest_difference=round(difference, 5),
        problems=problems,
    )


async def warm_engines(bed: Bed, count: int) -> None:
    """Send ready documents and mentions through Kafka, the workers and Elasticsearch, without the model.

    The engines compile what is called often: until they have, they take several times as long, and a core for it.
    """
    chosen = texts.corpus("MIX", count, label="warm-engines")
    pipeline, now = bed.pipeline(), clock.now()
    judged = Judgement(model="warm", version="1", **{head: dict.fromkeys(names, 0.05) for head, names in HEADS.items()})
    async with site(bed, OURS, "warm") as made:
        for at in range(0, count, texts.TICK_EVERY):
            part = chosen.items[at : at + texts.TICK_EVERY]
            documents = [pipeline.document(pipeline.prepare(item, "", now), judged, "") for item in part]
            await made.producer.send_all([Outgoing(DOCUMENTS, encode(d), key=d.id.encode()) for d in documents])
            mentions = [m for n, d in enumerate(documents) for m in pipeline.mentions(d, "news.raw/0", at + n)]
            await made.producer.send_all([Outgoing(MENTIONS, encode(m), key=m.subject.encode()) for m in mentions])
        await made.until(count, START_WITHIN)


async def _drained(made: Site, bootstrap: str) -> float:
    """Seconds until every worker has acknowledged all there is; 0 for contestants that are no workers."""
    begun = time.monotonic()
    while made.workers.children:
        found = await lags(made.settings, bootstrap)
        if not any(found.values()):
            break
        if time.monotonic() - begun > STALLED:
            raise Void(f"{made.contestant}: not acknowledged after {STALLED:.0f} s: {found}")
        await asyncio.sleep(0.2)
    return time.monotonic() - begun


def honest(metadata: Metadata, chosen: Corpus, expected: np.ndarray) -> np.ndarray:
    """The bare run's probabilities as a verdict states them: by the temperature of each item's kind of source."""
    heats = [heat_of(metadata.calibration["en"], "sentiment", item.kind) for item in chosen.items]
    return np.array([scaled(row, heat) for row, heat in zip(expected, heats, strict=True)])


async def check(made: Site, chosen: Corpus, warm: Corpus, expected: np.ndarray) -> tuple[list[str], float]:
    """What is wrong with what was indexed, and the largest difference of a probability from the bare run."""
    rows = {name: expected[n] for n, name in enumerate(chosen.ids)}
    wanted = rows.keys() | set(warm.ids)
    hits: dict[str, Any] = {}
    twice = 0
    async for hit in everything(made.elastic, pattern(made.settings, "documents")):
        twice += hit["_id"] in hits
        hits[hit["_id"]] = hit["_source"].get("sentiment")
    problems = []
    if missing := len(wanted - hits.keys()):
        problems.append(f"{missing} of {len(wanted)} items are not indexed")
    if extra := len(hits.keys() - wanted):
        problems.append(f"{extra} documents nobody sent")
    if twice:
        problems.append(f"{twice} ids are there twice")
    if unjudged := sum(hits.get(name) is None for name in rows):
        problems.append(f"{unjudged} items were not judged")
    compared = [compare(hits[name], row) for name, row in rows.items() if hits.get(name)]
    if wrong := sum(not same for same, _ in compared):
        problems.append(f"{wrong} labels differ from those of bare inference")
    difference = max((apart for _, apart in compared), default=0.0)
    if difference > CLOSE:
        problems.append(f"a probability differs by {difference:.3f} from bare inference")
    return problems, difference


def compare(sentiment: dict[str, Any], row: np.ndarray) -> tuple[bool, float]:
    """Whether a document's label is the bare run's (or one as likely), and the largest difference of a probability."""
    values = np.array([sentiment[label] for label in SENTIMENTS])
    best = int(row.argmax())
    same = sentiment["label"] == SENTIMENTS[best] or row[best] - row[SENTIMENTS.index(sentiment["label"])] < UNSURE
    return bool(same), float(np.abs(values - row).max())


async def everything(elastic: AsyncElasticsearch, index: str) -> AsyncIterator[dict[str, Any]]:
    """Every document of an index pattern: id and sentiment, page by page, after a refresh."""
    await elastic.indices.refresh(index=index, allow_no_indices=True)
    after: list[Any] | None = None
    while True:
        page = await elastic.search(
            index=index,
            size=1000,
            sort=[{"id": "asc"}],
            search_after=after,
            source_includes=["sentiment"],
            allow_no_indices=True,
        )
        hits = page["hits"]["hits"]
        for hit in hits:
            yield hit
        if len(hits) < 1000:
            return
        after = hits[-1]["sort"]
