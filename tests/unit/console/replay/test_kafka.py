"""A Kafka range as a source, over a log that lies in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from msgspec.structs import replace

from alerts.replay.playback import Playback
from console.replay import kafka
from console.replay.kafka import KafkaMentions, KafkaRaw, KafkaSource, kafka_source
from console.replay.kafka_range import Range
from console.replay.source import Batch, SourceError
from console.replay.span import Span
from streams.kafka import Message
from streams.records import AlertEvent, RawItem, RawTick, Signal, Tick, encode
from streams.settings import Settings
from streams.topics import Topic
from tests.unit.alerts.signals import at, mention, rule, tick
from tests.unit.streams.test_index import AT, document

SETTINGS = Settings(partitions=1)
NEWS, CHAT = "news.raw/0", "chat.raw/0"
Logs = dict[tuple[str, int], list[bytes]]


class Memory:
    """In place of a reader: the same range, from lists."""

    def __init__(self, logs: Logs, chosen: Range) -> None:
        self.range, self._logs = chosen, logs

    async def head(self, tp: TopicPartition) -> Message | None:
        offset = self.range.next[tp]
        if offset >= self.range.end[tp]:
            return None
        return Message(tp.topic, tp.partition, offset, None, self._logs[tp.topic, tp.partition][offset], 0.0)

    def take(self, tp: TopicPartition) -> None:
        self.range.next[tp] += 1

    def end(self, tp: TopicPartition) -> None:
        self.range.next[tp] = self.range.end[tp]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    """The topics, to be filled."""
    held: Logs = {}

    @asynccontextmanager
    async def reading(
        _: Settings, __: str, topics: Sequence[Topic], span: Span, fixed: Range | None = None
    ) -> AsyncIterator[Memory]:
        names = {topic.name for topic in topics}
        tps = {TopicPartition(name, n): len(log) for (name, n), log in held.items() if name in names}
        yield Memory(held, fixed or Range(dict.fromkeys(tps, 0), dict(tps)))

    monkeypatch.setattr(kafka, "reading", reading)
    return held


async def played(source: KafkaSource, position: str = "") -> list[Batch]:
    return [batch async for batch in source.items(position)]


def both(minutes: float) -> list[Signal]:
    """Both channels have written everything up to then."""
    return [tick(minutes, NEWS), tick(minutes, CHAT)]


def folded(batches: Sequence[Batch], channels: Any) -> list[AlertEvent]:
    playback = Playback([rule("type: threshold, window: 10m, at_least: 2")], lateness=0, channels=channels)
    return [e for batch in batches for partition, signal in batch.signals for e in playback.signal(signal, partition)]


def mentions(span: Span = Span()) -> KafkaMentions:  # noqa: B008
    return KafkaMentions(SETTINGS, "", span)


def story() -> list[Signal]:
    return [mention(1, "a"), *both(2), mention(3, "b"), mention(4, "c", channel=CHAT), *both(30), mention(3.5, "late")]


async def test_signals_come_as_they_lie_partitions_abreast(logs: Logs) -> None:
    """Each partition keeps its order, and none runs ahead of another in event time."""
    logs["mentions", 0] = [encode(mention(n, f"a{n}")) for n in (1, 2, 9, 3, 10)]
    logs["mentions", 1] = [encode(mention(n, f"b{n}")) for n in (0, 4, 5)]
    source = mentions()
    batches = await played(source)
    told = [(p, (s.collected_at - at(0)).seconds // 60) for b in batches for p, s in b.signals]  # type: ignore[union-attr]
    assert told == [(1, 0), (0, 1), (0, 2), (1, 4), (1, 5), (0, 9), (0, 3), (0, 10)]
    assert (source.notes.read, source.notes.total) == (8, 8)
    assert source.channels == {NEWS, CHAT}


async def test_a_record_that_cannot_be_read_is_told_by_its_place(logs: Logs) -> None:
    """It is counted with its reason, and the rest is played."""
    logs["mentions", 0] = [b"{no", encode(mention(1, "a")), b"\xff", encode(tick(2, NEWS)), b""]
    source = mentions()
    signals = [s for b in await played(source) for s in b.signals]
    assert len(signals) == 2
    assert sum(fault.count for fault in source.notes.faults.values()) == 3
    assert source.notes.faults["bad_json"].first[0].startswith("mentions/0@0: ")
    assert source.notes.read == source.notes.total == 5


async def test_a_record_that_cannot_be_read_counts_once_though_a_replay_is_continued(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of a batch knows what had been counted by then."""
    monkeypatch.setattr(kafka, "SIGNALS", 1)
    logs["mentions", 0] = [b"{", encode(mention(1, "a")), b"{", encode(mention(2, "b")), b"{", encode(mention(3, "c"))]
    for batch in await played(mentions()):
        source = mentions()
        await played(source, batch.position)
        assert (source.notes.faults["bad_json"].count, source.notes.read) == (3, 6)


async def test_what_retention_removed_is_told_though_a_replay_is_continued(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, by every place it was continued from."""
    monkeypatch.setattr(kafka, "SIGNALS", 1)
    logs["mentions", 0] = [encode(mention(n, f"d{n}")) for n in range(3)]
    begun = kafka.Place({"mentions/0": 0}, {"mentions/0": 3}, gone={"mentions/0": 7})
    for batch in await played(mentions(), msgspec.json.encode(begun).decode()):
        source = mentions()
        await played(source, batch.position)
        assert [note.values for note in source.notes.caveats] == [{"place": "mentions/0", "count": 7}]


async def test_from_any_position_the_rest_gives_the_rest_of_the_alerts(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay continued at any batch folds what it would have folded, though the topic has grown."""
    monkeypatch.setattr(kafka, "SIGNALS", 2)
    logs["mentions", 0] = [encode(s) for s in story()]
    logs["mentions", 1] = [encode(s) for s in both(5)]
    batches = await played(mentions())
    for log in logs.values():
        log += [encode(s) for s in [mention(31, "d"), mention(31, "e"), *both(60)]]
    for n, batch in enumerate(batches):
        rest = await played(mentions(), batch.position)
        want = [s for later in batches[n + 1 :] for s in later.signals]
        assert [s for later in rest for s in later.signals] == want
    assert folded(batches, (NEWS, CHAT))


async def test_with_an_end_nothing_is_known_that_came_later(logs: Logs) -> None:
    """Ticks stop at the end, and the partition ends where all channels have passed it."""
    logs["mentions", 0] = [encode(s) for s in story()]
    source = mentions(Span(end=at(10)))
    signals = [s for b in await played(source) for _, s in b.signals]
    assert signals[-2:] == [tick(10, NEWS), tick(10, CHAT)]
    assert "late" not in [getattr(s, "headline", "") for s in signals]
    assert all((s.at if isinstance(s, Tick) else s.collected_at) <= at(10) for s in signals)


async def test_with_a_begin_older_mentions_are_left_out(logs: Logs) -> None:
    """What was collected before the begin is not played; ticks are, and change nothing."""
    logs["mentions", 0] = [encode(s) for s in story()]
    signals = [s for b in await played(mentions(Span(begin=at(3)))) for _, s in b.signals]
    assert [s.document for s in signals if not isinstance(s, Tick)] == [
        m.document for m in (mention(3, "b"), mention(4, "c"), mention(3.5, "late"))
    ]


async def test_documents_come_in_order_of_collection(logs: Logs, tmp_path: Path) -> None:
    """Whatever the partitions hold, documents come in order, also from the position of any batch."""
    settings = Settings(partitions=2, state_dir=tmp_path)
    for n in range(40):
        one = replace(document(n), collected_at=at((n * 17) % 23))
        logs.setdefault(("documents", n % 2), []).append(encode(one))
    logs["documents", 0].insert(3, b"[]")
    batches = await played(kafka_source(settings, "", "documents", Span(begin=at(2), end=at(20))))
    found = [d for batch in batches for d in batch.documents]
    assert [d.collected_at for d in found] == sorted(d.collected_at for d in found)
    assert {d.collected_at for d in found} == {at(n) for n in range(2, 20)}
    for n, batch in enumerate(batches):
        rest = await played(kafka_source(settings, "", "documents", Span(begin=at(2), end=at(20))), batch.position)
        want = [d for later in batches[n + 1 :] for d in later.documents]
        assert [d for later in rest for d in later.documents] == want


async def test_raw_topics_are_played_together_without_their_ticks(logs: Logs, tmp_path: Path) -> None:
    """Items of news and chat in one order of collection."""
    item = RawItem(source="wire", native_id="1", kind="news", text="Halden falls", collected_at=AT)
    logs["news.raw", 0] = [encode(replace(item, collected_at=at(5))), encode(RawTick(at=at(6), source="wire"))]
    logs["chat.raw", 0] = [encode(replace(item, kind="chat", collected_at=at(4)))]
    source = kafka_source(Settings(partitions=1, state_dir=tmp_path), "", "news.raw, chat.raw", Span())
    assert isinstance(source, KafkaRaw)
    assert [i.kind for b in await played(source) for i in b.raw] == ["chat", "news"]
    assert source.notes.read == source.notes.total == 2


@pytest.mark.parametrize("topics", ["", "alerts", "mentions,documents", "news.raw,news.raw", "news.raw,mentions", "x"])
def test_other_topics_are_refused_with_the_names_that_go(topics: str) -> None:
    """Only topics that hold the past of opinion can be replayed."""
    with pytest.raises(SourceError, match=r"kafka:news\.raw,chat\.raw"):
        kafka_source(SETTINGS, "", topics, Span())


def test_offsets_of_two_topics_are_refused() -> None:
    """An offset is of one topic; of two nobody could say which is meant."""
    with pytest.raises(SourceError, match="--from and --to"):
        kafka_source(SETTINGS, "", "news.raw,chat.raw", Span(first={0: 1}))


@pytest.mark.parametrize(
    "position", ["x", '{"next": {"documents/0": 1}, "end": {"documents/0": 2}}', '{"end": {"a": 1}}']
)
async def test_a_position_of_another_source_is_refused(logs: Logs, position: str) -> None:
    """A damaged position, or one of another topic, is told."""
    logs["mentions", 0] = []
    with pytest.raises(SourceError, match="--anew"):
        await played(mentions(), position)
