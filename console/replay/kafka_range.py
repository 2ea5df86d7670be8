"""A stretch of Kafka topics, read beside whoever else reads them: no consumer group, nothing committed, ends fixed.

The ends are those of the moment the reading began, so that a topic that goes on growing is read to an end, and a run
that is continued reads what it would have read at first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from console.messages import say
from console.replay.source import SourceError
from console.replay.span import Span
from streams.kafka import Message, client_options
from streams.lag import partitions as existing
from streams.records import FUTURE_SLACK
from streams.settings import Settings
from streams.topics import MIB, Topic

AT_ONCE: Final = 500  # records held of each partition
FETCH: Final = 2 * MIB  # bytes the client reads ahead of each partition


@dataclass(slots=True)
class Range:
    """Offsets still to read of each partition. `gone`: how many that were asked for retention had removed."""

    next: dict[TopicPartition, int]
    end: dict[TopicPartition, int]
    gone: dict[TopicPartition, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Records still to read."""
        return sum(max(0, end - self.next[tp]) for tp, end in self.end.items())


class Reader:
    """Reads a range. `take` hands out what is there of one partition, in its order."""

    def __init__(self, consumer: AIOKafkaConsumer, chosen: Range) -> None:
        self.range = chosen
        self._consumer = consumer
        self._held: dict[TopicPartition, deque[Message]] = {tp: deque() for tp in chosen.end}
        self._open = {tp for tp, end in chosen.end.items() if chosen.next[tp] < end}
        consumer.assign(sorted(self._open))
        for tp in self._open:
            consumer.seek(tp, chosen.next[tp])

    async def head(self, tp: TopicPartition) -> Message | None:
        """The next record of a partition, which stays the next one until `take`; None at its end."""
        while not self._held[tp] and tp in self._open:
            await self._fetch()
        return self._held[tp][0] if self._held[tp] else None

    def take(self, tp: TopicPartition) -> None:
        """Go on behind the head."""
        self.range.next[tp] = self._held[tp].popleft().offset + 1

    def end(self, tp: TopicPartition) -> None:
        """Read no more of a partition."""
        self._held[tp].clear()
        self._open.discard(tp)
        self.range.next[tp] = self.range.end[tp]

    async def _fetch(self) -> None:
        """Fill what is empty. Waits for a broker that is away."""
        wanted = [tp for tp in sorted(self._open) if not self._held[tp]]
        found = await self._consumer.getmany(*wanted, timeout_ms=500, max_records=AT_ONCE)
        for tp, batch in found.items():
            expected = self.range.next[tp]
            for r in batch:
                if r.offset >= self.range.end[tp]:
                    break
                if r.offset > expected:  # retention was faster than we
                    self.range.gone[tp] = self.range.gone.get(tp, 0) + r.offset - expected
                expected = r.offset + 1
                self._held[tp].append(Message(tp.topic, tp.partition, r.offset, r.key, r.value, r.timestamp / 1000))
        for tp in wanted:
            if await self._consumer.position(tp) >= self.range.end[tp]:
                self._open.discard(tp)


@asynccontextmanager
async def reading(
    settings: Settings, bootstrap: str, topics: Sequence[Topic], span: Span, fixed: Range | None = None
) -> AsyncIterator[Reader]:
    """A reader of the span, or of the rest of a range that was begun (`fixed`).

    Raises SourceError for a topic that is missing or has other partitions than the settings say, and what the client
    raises when no broker answers.
    """
    consumer = AIOKafkaConsumer(
        **client_options(settings, bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # where retention removes what is being read: seen as a gap, and told
        max_partition_fetch_bytes=FETCH,
    )
    try:
        await consumer.start()
        tps = await _partitions(settings, bootstrap, topics)
        begins = await consumer.beginning_offsets(tps)
        if fixed is None:
            fixed = await _choose(consumer, tps, begins, span)
        for tp, first in fixed.next.items():
            lost = min(begins.get(tp, 0), fixed.end[tp]) - first
            if lost > 0:
                fixed.gone[tp] = fixed.gone.get(tp, 0) + lost
                fixed.next[tp] = first + lost
        yield Reader(consumer, fixed)
    finally:
        await consumer.stop()


async def _choose(
    consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition], begins: Mapping[TopicPartition, int], span: Span
) -> Range:
    unknown = {*span.first, *span.stop} - {tp.partition for tp in tps}
    if unknown:
        raise SourceError(say("replay_kafka.no_partition", number=min(unknown), last=max(tp.partition for tp in tps)))
    ends = await consumer.end_offsets(tps)
    chosen = Range({}, {})
    found = {}
    if span.begin is not None:
        # What was collected from then on was not written earlier; a source's clock may be ahead by FUTURE_SLACK.
        at = round((span.begin - FUTURE_SLACK).timestamp() * 1000)
        found = await consumer.offsets_for_times({tp: max(0, at) for tp in tps})
    for tp in tps:
        first = span.first.get(tp.partition, 0)
        stop = min(ends[tp], span.stop.get(tp.partition, ends[tp]))
        if span.begin is not None:
            place = found[tp]
            place_at = stop if place is None else place.offset
            # Where the log begins later than what is asked for, it is counted as gone, from its first record on.
            first = max(first, 0 if place_at == begins[tp] else place_at)
        chosen.next[tp], chosen.end[tp] = min(first, stop), stop
    return chosen


async def _partitions(settings: Settings, bootstrap: str, topics: Sequence[Topic]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(**client_options(settings, bootstrap))
    try:
        await admin.start()
        counts = await existing(admin)
    finally:
        await admin.close()
    found: list[TopicPartition] = []
    for topic in topics:
        name = topic.full(settings)
        count = counts.get(name, 0)
        if not count:
            raise SourceError(say("replay_kafka.missing", topic=name))
        if count != topic.count(settings):
            raise SourceError(say("replay_kafka.partitions", topic=name, count=count, set=settings.partitions))
        found += [TopicPartition(name, number) for number in range(count)]
    return found
