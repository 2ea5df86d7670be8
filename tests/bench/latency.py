"""How long an item takes, at rates the machine can sustain: to `documents`, to `mentions`, to a search that finds it.

Open loop: items are sent on a schedule that does not wait for answers, and each latency counts from the scheduled
time, so a pipeline that falls behind cannot hide it. Arrivals are random (exponential gaps), as people's are.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct
from msgspec.structs import replace

from streams import clock
from streams.elastic import pattern
from streams.kafka import client_options
from streams.records import RawItem
from streams.topics import DOCUMENTS, MENTIONS, Topic
from tests.bench import corpus as texts
from tests.bench.bed import Bed
from tests.bench.contest import START_WITHIN, WARM, Site, site
from tests.bench.result import OURS, percentile

TICK_EVERY: Final = 5.0  # seconds, as collectors do
PROBE_EVERY: Final = 0.1  # seconds between two searches: the resolution of "searchable"
LAST_WITHIN: Final = 20.0  # seconds the last items get after the last was sent
RING_ITEMS: Final = 16  # bad news about one company that ring
RING_WITHIN: Final = 20.0


class Quantiles(Struct):
    """Seconds that half, and 99 of 100, did not exceed."""

    p50: float
    p99: float
    count: int


class Latency(Struct):
    """One open-loop run. `lost`: items that never became searchable in time; such a run is void."""

    share: float  # of the measured capacity
    rate: float  # items a second, scheduled
    sent: int
    lost: int
    documents: Quantiles
    mentions: Quantiles
    searchable: Quantiles


class Ring(Struct):
    """From the tick that completes the evidence, before its append, to the webhook at the receiver."""

    webhook: Quantiles | None
    missing: int  # companies that did not ring in time


class _Named(Struct):
    """What is read of a mention; a tick has no document."""

    document: str = ""


def quantiles(due: Mapping[str, float], seen: Mapping[str, float]) -> Quantiles:
    """Latencies of what was seen, from when it was due."""
    values = [at - due[name] for name, at in seen.items() if name in due]
    return _summary(values) if values else Quantiles(0.0, 0.0, 0)


def _summary(values: list[float]) -> Quantiles:
    return Quantiles(round(percentile(values, 0.5), 4), round(percentile(values, 0.99), 4), len(values))


async def open_loop(bed: Bed, share: float, rate: float, seconds: float) -> Latency:
    """Send MIX items at `rate` a second for `seconds` and follow each one."""
    label = f"paced-{round(share * 100)}"
    chosen = texts.corpus("MIX", max(1, round(rate * seconds)), label=label)
    warm = texts.corpus("MIX", WARM, label=f"warm-{label}", without=chosen)
    due: dict[str, float] = {}
    documents: dict[str, float] = {}
    mentions: dict[str, float] = {}
    searchable: dict[str, float] = {}
    async with site(bed, OURS, label) as made:
        await made.append(warm)
        await made.until(WARM, START_WITHIN)
        watching = [
            asyncio.create_task(_watch(bed, made, DOCUMENTS, documents)),
            asyncio.create_task(_watch(bed, made, MENTIONS, mentions)),
            asyncio.create_task(_probe(made, documents, searchable)),
        ]
        await asyncio.sleep(1.0)  # the watchers must stand at the end of their topics
        await _send(made, chosen.items, chosen.ids, rate, due)
        deadline = time.monotonic() + LAST_WITHIN
        while len(due.keys() - searchable.keys()) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            for task in watching:
                if task.done():
                    task.result()
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return Latency(
        share=share,
        rate=round(rate, 2),
        sent=len(due),
        lost=len(due.keys() - searchable.keys()),
        documents=quantiles(due, documents),
        mentions=quantiles(due, mentions),
        searchable=quantiles(due, searchable),
    )


async def _send(
    made: Site, items: tuple[RawItem, ...], ids: tuple[str, ...], rate: float, due: dict[str, float]
) -> None:
    """Write each item when it is due, whatever became of those before it; ticks every five seconds."""
    rng = random.Random(11)
    at = time.monotonic()
    next_tick = at + TICK_EVERY
    sending: set[asyncio.Task[None]] = set()
    for item, name in zip(items, ids, strict=True):
        at += rng.expovariate(rate)
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due[name] = at
        now = clock.now()
        live = replace(item, collected_at=now, published_at=now, collected_how="clock")
        sending.add(task := asyncio.create_task(made.producer.send_all([texts.record(live)])))
        task.add_done_callback(sending.discard)
        if at >= next_tick:
            await asyncio.gather(*sending)
            await made.producer.send_all(texts.ticks(made.settings, clock.now()))
            next_tick += TICK_EVERY
    await asyncio.gather(*sending)


async def _watch(bed: Bed, made: Site, topic: Topic, seen: dict[str, float]) -> None:
    """Note when each document first appears on a topic, from its end on."""
    name = topic.full(made.settings)
    consumer = AIOKafkaConsumer(
        **client_options(made.settings, bed.addresses["kafka"]), enable_auto_commit=False, auto_offset_reset="latest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(name, n) for n in range(topic.count(made.settings))])
        await consumer.seek_to_end()
        while True:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                now = time.monotonic()
                for record in records:
                    if topic is DOCUMENTS:
                        seen.setdefault(record.key.decode(), now)
                    elif document := msgspec.json.decode(record.value, type=_Named).document:
                        seen.setdefault(document, now)
    finally:
        await consumer.stop()


async def _probe(made: Site, delivered: Mapping[str, float], found: dict[str, float]) -> None:
    """Search for what was delivered until it is found, oldest first, a thousand at a time."""
    index = pattern(made.settings, "documents")
    while True:
        await asyncio.sleep(PROBE_EVERY)
        pending = list(islice((name for name in delivered if name not in found), 1000))
        if not pending:
            continue
        answer = await made.elastic.search(
            index=index,
            query={"ids": {"values": pending}},
            size=len(pending),
            source=False,
            filter_path="hits.hits._id",
            allow_no_indices=True,
        )
        now = time.monotonic()
        for hit in answer.body.get("hits", {}).get("hits", ()):
            found[hit["_id"]] = now


async def ring(bed: Bed, times: int) -> Ring:
    """Let one company after the other get bad news; the time from the completing tick to the webhook."""
    waits: list[float] = []
    rng = random.Random(13)
    async with site(bed, OURS, "ring") as made:
        await made.append(texts.corpus("HEAD", WARM, label="warm-ring"))
        await made.until(WARM, START_WITHIN)
        start = texts.START + timedelta(hours=4)
        for number, (key, name) in enumerate(list(texts.COMPANIES.items())[:times]):
            at = start + number * timedelta(minutes=20)
            items = [texts.bad_news(rng, name, f"ring-{number}-{n}", at) for n in range(RING_ITEMS)]
            await made.producer.send_all([texts.record(item) for item in items])
            await made.until(WARM + (number + 1) * RING_ITEMS, START_WITHIN)
            begun = time.monotonic()
            await made.producer.send_all(texts.ticks(made.settings, at + timedelta(minutes=10)))
            if (arrived := await _rung(bed, f"entity:{key}", begun)) is not None:
                waits.append(arrived - begun)
    if not waits:
        return Ring(None, times)
    return Ring(
        Quantiles(round(percentile(waits, 0.5), 4), round(percentile(waits, 0.99), 4), len(waits)), times - len(waits)
    )


async def _rung(bed: Bed, subject: str, begun: float) -> float | None:
    """When the receiver first heard of the subject after `begun`; None when it did not in time."""
    while time.monotonic() < begun + RING_WITHIN:
        for heard, at in bed.rung:
            if heard == subject and at >= begun:
                return at
        await asyncio.sleep(0.02)
    return None
