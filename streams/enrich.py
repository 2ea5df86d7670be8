"""The enrich stage: raw records in; documents, mentions, forwarded ticks and dead letters out.

Stateless: everything it needs travels with the record, so any number of workers may share the partitions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from models.client import Scorer, Unjudged
from streams import metrics
from streams.deadletter import Breaker, dead_letter
from streams.document import Pipeline, Prepared
from streams.drift import DriftWatch
from streams.kafka import Message, Outgoing, Producer
from streams.opinion import Asked, form
from streams.records import Document, Raw, RawItem, RawTick, Reject, Tick, check_time, decode, encode
from streams.retention import taken
from streams.settings import Settings
from streams.topics import DOCUMENTS, MENTIONS

STAGE: Final = "enrich"


@dataclass(frozen=True, slots=True)
class Enriched:
    """What one raw record became: records to write, or a tick to forward after everything before it."""

    message: Message
    records: tuple[Outgoing, ...] = ()
    tick: datetime | None = None
    reason: str = ""  # of the rejection


@dataclass(slots=True)
class Wave:
    """Records that may be written together, and the ticks that must wait for them."""

    records: list[Outgoing] = field(default_factory=list)
    ticks: list[Enriched] = field(default_factory=list)


def waves(batch: Sequence[Enriched]) -> list[Wave]:
    """Cut a batch so that in every channel a tick follows all records before it and precedes all after it."""
    found: list[Wave] = [Wave()]
    passed: Counter[str] = Counter()  # ticks seen per channel: the wave its next record belongs to
    for one in batch:
        channel = one.message.channel
        while len(found) <= passed[channel]:
            found.append(Wave())
        wave = found[passed[channel]]
        if one.tick is None:
            wave.records.extend(one.records)
        else:
            wave.ticks.append(one)
            passed[channel] += 1
    return found


class Enrich:
    """`prepare` judges a batch (no effects), `deliver` makes the effects durable in order."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        scorer: Scorer,
        producer: Producer,
        clock: Callable[[], datetime],
        drift: DriftWatch | None = None,
    ) -> None:
        self._settings = settings
        self._drift = drift
        self._pipeline = pipeline
        self._scorer = scorer
        self._producer = producer
        self._clock = clock
        self._breaker = Breaker()

    async def prepare(self, messages: list[Message]) -> list[Enriched]:
        """Decode, clean and judge every record of the batch; a bad one becomes a dead letter."""
        metrics.BATCH_RECORDS.labels(STAGE).observe(len(messages))
        return await asyncio.gather(*(self._enrich(m) for m in messages))

    async def _enrich(self, message: Message) -> Enriched:
        now = self._clock()
        try:
            record = decode(message.value, Raw)
            if isinstance(record, RawTick):
                return Enriched(message, tick=check_time(record.at, now, "at"))
            prepared = self._prepare(record, message, now)
            document = await self._judge(prepared)
            return Enriched(message, records=self._records(document, message))
        except Reject as reject:
            return Enriched(message, (dead_letter(STAGE, message, reject, now),), reason=reject.reason)

    def _prepare(self, item: RawItem, message: Message, now: datetime) -> Prepared:
        if len(message.value or b"") > self._settings.record_limit:
            raise Reject("too_large", f"more than {self._settings.record_limit} bytes")
        return self._pipeline.prepare(item, message.origin, now, taken(message.timestamp, now))

    async def _judge(self, prepared: Prepared) -> Document:
        found = await form(self._scorer, Asked.of(prepared))
        if isinstance(found.verdict, Unjudged):
            metrics.UNJUDGED.labels(found.verdict.reason).inc()
        elif self._drift is not None:
            self._drift.see(
                found.verdict, prepared.lang, prepared.item.kind, prepared.collected_at,
                prepared.judged_text, prepared.signature.copy_key,
            )  # fmt: skip
        return self._pipeline.document(prepared, found.judgement, found.unjudged, found.towards)

    def _records(self, document: Document, message: Message) -> tuple[Outgoing, ...]:
        for kind, count in document.masked.items():
            metrics.MASKED.labels(kind).inc(count)
        mentions = self._pipeline.mentions(document, message.channel, message.offset)
        for mention in mentions:
            metrics.MENTIONS.labels(mention.subject.partition(":")[0]).inc()
        return (
            Outgoing(DOCUMENTS, encode(document), key=document.id.encode()),
            *(Outgoing(MENTIONS, encode(m), key=m.subject.encode()) for m in mentions),
        )

    async def deliver(self, batch: list[Enriched]) -> bool:
        """Write everything the batch became; ticks only after what they promise is durable."""
        for wave in waves(batch):
            await self._producer.send_all(wave.records)
            await self._producer.send_all([record for tick in wave.ticks for record in self._forward(tick)])
        self._account(batch)
        return True

    def _forward(self, one: Enriched) -> list[Outgoing]:
        if one.tick is None:
            return []
        value = encode(Tick(channel=one.message.channel, offset=one.message.offset, at=one.tick))
        return [Outgoing(MENTIONS, value, partition=p) for p in range(MENTIONS.count(self._settings))]

    def _account(self, batch: list[Enriched]) -> None:
        now = self._clock().timestamp()
        rejected = [one for one in batch if one.reason]
        ticks = sum(one.tick is not None for one in batch)
        metrics.RECORDS.labels(STAGE, "tick").inc(ticks)
        metrics.RECORDS.labels(STAGE, "rejected").inc(len(rejected))
        metrics.RECORDS.labels(STAGE, "accepted").inc(len(batch) - len(rejected) - ticks)
        for one in rejected:
            metrics.REJECTS.labels(STAGE, one.reason).inc()
        for one in batch:
            metrics.LATENCY.labels(STAGE).observe(max(0.0, now - one.message.timestamp))
        metrics.LAST_DELIVERY.labels(STAGE).set(now)
        self._breaker.count(len(batch) - len(rejected), len(rejected))
