"""The past out of Kafka: `mentions` with its own ticks, `documents`, or the raw topics.

`mentions` is what the detector folded: the same records with the same ticks give the same alerts, one engine for each
partition. `documents` and the raw topics hold no ticks that count here: they are put in order of `collected_at` on
disk, so that nothing is late.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition
from msgspec import Struct
from msgspec.structs import replace

from alerts.detector import expected_channels, read_signal
from alerts.evaluation.result import Note
from alerts.moments import micros
from alerts.replay.playback import ARCHIVE
from console.messages import say
from console.replay.kafka_range import Range, Reader, reading
from console.replay.ordering import Key, Ordering
from console.replay.source import Batch, Faults, Notes, SourceError
from console.replay.span import Span
from streams.kafka import Message
from streams.plain import plain
from streams.records import Document, Mention, Raw, RawItem, RawTick, Reject, Signal, Tick, decode
from streams.settings import Settings
from streams.topics import DOCUMENTS, MENTIONS, RAW, Topic

SIGNALS: Final = 2000  # in one batch
ITEMS: Final = 200


class Place(Struct):
    """Where to go on. Offsets by `topic/partition`."""

    next: dict[str, int]
    end: dict[str, int]
    read: int = 0
    faults: dict[str, Faults] = {}
    passed: dict[str, list[str]] = {}  # by partition, the channels whose ticks have reached the end that was asked for
    gone: dict[str, int] = {}  # what retention had removed, as far as it was read
    after: Key | None = None  # of what is put in order: the last that was given out


class KafkaSource(ABC):
    """A stretch of one or more topics. Nothing is written to Kafka, and no consumer group is joined."""

    channels: Collection[str] = (ARCHIVE,)

    def __init__(self, settings: Settings, bootstrap: str, topics: Sequence[Topic], span: Span) -> None:
        self.name = "kafka:" + ",".join(topic.full(settings) for topic in topics)
        self.notes = Notes()
        self._settings = settings
        self._bootstrap = bootstrap
        self._topics = topics
        self._span = span

    async def items(self, position: str = "") -> AsyncIterator[Batch]:
        """Everything in the span after `position`. The first batch is empty: it holds where the span ends.

        Raises SourceError for topics that cannot be read and for a position of another source.
        """
        place = self._place(position) if position else None
        fixed = None if place is None else Range(*map(_offsets, (place.next, place.end, place.gone)))
        async with reading(self._settings, self._bootstrap, self._topics, self._span, fixed) as reader:
            if place is None:
                place = Place({}, _named(reader.range.end))
            self.notes.read, self.notes.faults = place.read, place.faults
            place.next, place.gone = _named(reader.range.next), _named(reader.range.gone)
            yield Batch(position=_words(place))
            async for batch in self._batches(reader, place):
                yield batch
        self.notes.caveats.clear()  # of a run that was paused at its very end
        for tp, count in sorted(reader.range.gone.items()):
            self.notes.caveats.append(Note(code="retention", values={"place": _name(tp), "count": count}))

    @abstractmethod
    def _batches(self, reader: Reader, place: Place) -> AsyncIterator[Batch]:
        """The records, with the place after each batch."""

    def _place(self, position: str) -> Place:
        try:
            place = msgspec.json.decode(position, type=Place)
            names = {_tp(name).topic for name in place.end}
        except ValueError as error:
            raise SourceError(say("replay_kafka.position", name=self.name, error=error)) from None
        if names != {topic.full(self._settings) for topic in self._topics}:
            raise SourceError(say("replay_kafka.position", name=self.name, error=", ".join(sorted(names))))
        return place

    def _reject(self, message: Message, reject: Reject) -> None:
        self.notes.fault(reject.reason, plain(f"{message.origin}: {reject}", 300))


class KafkaMentions(KafkaSource):
    """Mentions and ticks as the detector got them, partitions abreast in event time.

    With an end, a partition ends where every channel has ticked past it: what came later was not known by then.
    """

    def __init__(self, settings: Settings, bootstrap: str, span: Span) -> None:
        super().__init__(settings, bootstrap, (MENTIONS,), span)
        self.channels = expected_channels(settings)

    async def _batches(self, reader: Reader, place: Place) -> AsyncIterator[Batch]:
        self.notes.total = place.read + reader.range.left
        passed = {_tp(name): set(channels) for name, channels in place.passed.items()}
        heads: list[tuple[int, TopicPartition, Signal]] = []
        for tp in sorted(reader.range.end):
            await self._push(reader, tp, heads)
        signals: list[tuple[int, Signal]] = []
        while heads:
            _, tp, signal = heapq.heappop(heads)
            reader.take(tp)
            self.notes.read += 1
            chosen = self._chosen(signal, passed.setdefault(tp, set()))
            if chosen is not None:
                signals.append((tp.partition, chosen))
            if self._span.end is not None and passed[tp] >= set(self.channels):
                reader.end(tp)
            await self._push(reader, tp, heads)
            if len(signals) >= SIGNALS or not heads:
                place.next, place.read = _named(reader.range.next), self.notes.read
                place.gone = _named(reader.range.gone)
                place.passed = {_name(tp): sorted(channels) for tp, channels in passed.items() if channels}
                yield Batch(signals=signals, position=_words(place))
                signals = []

    async def _push(self, reader: Reader, tp: TopicPartition, heads: list[tuple[int, TopicPartition, Signal]]) -> None:
        """Put the next signal of a partition among the heads."""
        while (message := await reader.head(tp)) is not None:
            signal = read_signal(message)
            if not isinstance(signal, Reject):
                heapq.heappush(heads, (micros(_time(signal)), tp, signal))
                return
            self._reject(message, signal)
            self.notes.read += 1
            reader.take(tp)

    def _chosen(self, signal: Signal, passed: set[str]) -> Signal | None:
        """The signal as far as the span holds it: a tick beyond the end says only that the end was reached."""
        end = self._span.end
        if isinstance(signal, Mention):
            return signal if self._span.holds(signal.collected_at) else None
        if end is None or signal.at < end:
            return signal
        passed.add(signal.channel)
        return replace(signal, at=end)


class Sorted(KafkaSource):
    """Records that are put in order of collection first, on disk, and then given out."""

    def __init__(self, settings: Settings, bootstrap: str, topics: Sequence[Topic], span: Span, folder: Path) -> None:
        """`folder`: where the temporary file lies, as large as what is read."""
        super().__init__(settings, bootstrap, topics, span)
        self._folder = folder
        self._numbers: dict[TopicPartition, int] = {}

    async def _batches(self, reader: Reader, place: Place) -> AsyncIterator[Batch]:
        self._numbers = {tp: number for number, tp in enumerate(sorted(reader.range.end))}
        self.notes.faults = {}  # everything is read again
        ordering = Ordering(self._folder)
        try:
            for tp in self._numbers:
                while (message := await reader.head(tp)) is not None:
                    self._add(ordering, message, tp, place.after)
                    reader.take(tp)
                    self.notes.total = place.read + len(ordering)
            for group in _groups(ordering, ITEMS):
                self.notes.read += len(group)
                place.after, place.read = group[-1][0], self.notes.read
                yield self._batch([data for _, data in group], _words(place))
        finally:
            ordering.close()

    def _add(self, ordering: Ordering, message: Message, tp: TopicPartition, after: Key | None) -> None:
        try:
            at = self._collected(message.value)
        except Reject as reject:
            self._reject(message, reject)
            return
        if at is None or not self._span.holds(at) or message.value is None:
            return
        key = micros(at), self._numbers[tp], message.offset
        if after is None or key > tuple(after):
            ordering.add(key, message.value)

    @abstractmethod
    def _collected(self, value: bytes | None) -> datetime | None:
        """When the record in these bytes was collected; None for one that is none of ours to play. Raises Reject."""

    @abstractmethod
    def _batch(self, values: list[bytes], position: str) -> Batch:
        """The records, decoded once more."""


class KafkaDocuments(Sorted):
    """Documents with their judgements."""

    def _collected(self, value: bytes | None) -> datetime:
        document: Document = decode(value, Document)
        return document.collected_at

    def _batch(self, values: list[bytes], position: str) -> Batch:
        return Batch(documents=[decode(value, Document) for value in values], position=position)


class KafkaRaw(Sorted):
    """Raw items, to be judged."""

    def _collected(self, value: bytes | None) -> datetime | None:
        record = decode(value, Raw)
        return None if isinstance(record, RawTick) else record.collected_at

    def _batch(self, values: list[bytes], position: str) -> Batch:
        return Batch(raw=[decode(value, RawItem) for value in values], position=position)


def kafka_source(settings: Settings, bootstrap: str, topics: str, span: Span) -> KafkaSource:
    """The source that `kafka:TOPICS` names: `mentions`, `documents`, or raw topics, with a comma between them.

    Raises SourceError for other names.
    """
    names = [name.strip() for name in topics.split(",") if name.strip()]
    folder = settings.state_dir / "replay"
    if names == [MENTIONS.name]:
        return KafkaMentions(settings, bootstrap, span)
    if names == [DOCUMENTS.name]:
        return KafkaDocuments(settings, bootstrap, (DOCUMENTS,), span, folder)
    raw = {topic.name: topic for topic in RAW.values()}
    if names and len(set(names)) == len(names) and raw.keys() >= set(names):
        if len(names) > 1 and (span.first or span.stop):
            raise SourceError(say("replay_kafka.offsets"))
        return KafkaRaw(settings, bootstrap, [raw[name] for name in names], span, folder)
    raise SourceError(say("replay_kafka.topics", topics=plain(topics, 64)))


def _groups(ordering: Iterable[tuple[Key, bytes]], size: int) -> Iterable[list[tuple[Key, bytes]]]:
    group: list[tuple[Key, bytes]] = []
    for entry in ordering:
        group.append(entry)
        if len(group) >= size:
            yield group
            group = []
    if group:
        yield group


def _time(signal: Signal) -> datetime:
    return signal.at if isinstance(signal, Tick) else signal.collected_at


def _name(tp: TopicPartition) -> str:
    return f"{tp.topic}/{tp.partition}"


def _tp(name: str) -> TopicPartition:
    topic, _, number = name.rpartition("/")
    return TopicPartition(topic, int(number))


def _named(offsets: dict[TopicPartition, int]) -> dict[str, int]:
    return {_name(tp): offset for tp, offset in sorted(offsets.items())}


def _offsets(named: dict[str, int]) -> dict[TopicPartition, int]:
    return {_tp(name): offset for name, offset in named.items()}


def _words(place: Any) -> str:
    return msgspec.json.encode(place).decode()
