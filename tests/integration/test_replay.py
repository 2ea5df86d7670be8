"""What rang live rings again in a replay of its topics and of its index, byte for byte, and nothing live is touched."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, ClassVar, Final

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from msgspec.structs import replace

from alerts.replay.log import key, line, read_log
from alerts.replay.playback import Playback
from alerts.rule_files import parse_rules
from alerts.shares import read_rates
from console.replay.elastic import ElasticSource
from console.replay.indices import IntoRefused, drop, filling
from console.replay.kafka import kafka_source
from console.replay.runs import Checkpoint
from console.replay.source import Source, SourceError
from console.replay.span import Span
from deploy.stack import Stack
from models.registry import SHIPPED
from streams.document import Pipeline
from streams.elastic import client
from streams.entities import Gazetteer
from streams.kafka import Outgoing, Producer, ensure_topics, read_topic
from streams.lag import asking, partitions
from streams.records import AlertEvent, Document, RawItem, decode, encode
from streams.topics import ALERTS, NEWS_RAW
from tests.installation import ROOT, Installation
from tests.ringing import SECRET
from tests.stream import BAD, CRISIS, START, plan, ticks

pytestmark = [pytest.mark.engines, pytest.mark.fault, pytest.mark.timeout(300)]
ITEMS: Final = 300
SETTLE: Final = 3 * 3600.0  # of the last tick behind the last item
RULES: Final = """rules:
  - {name: two, type: threshold, scope: {subject: entity}, window: 30m, at_least: 2, keep_firing_for: 10m}
  - {name: turned, type: share, scope: {subject: entity}, window: 1h, at_least: 0.5, min_support: 4, for: 2m}
  - {name: unusual, type: surge, scope: {subject: entity}, window: 1h, min_count: 3, severity: {info: 1, critical: 2}}
  - {name: matters, type: threshold, scope: {subject: topic}, window: 1h, at_least: 3, min_authors: 2}
"""


class Receiver(BaseHTTPRequestHandler):
    """A webhook receiver that keeps what it gets."""

    heard: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        """Take a notification."""
        Receiver.heard.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Lived:
    """A day that was lived: its installation, still running, and the alert events of it as canonical lines."""

    run: Installation
    alerts: frozenset[bytes]
    footprint: dict[str, Any]


@pytest.fixture(scope="module")
def lived(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A stream through all workers, `detect` killed in the middle of it, with a receiver that hears of its alerts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rules = tmp_path_factory.mktemp("rules") / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    run = Installation.make(
        stack.settings.state_dir, "lived", rules=rules, webhook_urls=f"http://127.0.0.1:{server.server_port}/hook",
        webhook_secret=SECRET, webhook_allow="127.0.0.0/8",
    )  # fmt: skip
    try:
        records = plan(run.settings, ITEMS).records
        half = len(records) * 3 // 5  # in the midst of the crisis
        run.produce(records[:half])
        run.workers.start()
        run.wait(lambda: len(asyncio.run(told(run))) > 0, 60, "the first alerts")
        run.produce(records[half:])
        run.workers.kill("detect")
        before = asyncio.run(told(run))
        run.wait(run.drained, 60, "drained")
        run.wait(lambda: len(Receiver.heard) > 0, 20, "heard")
        alerts = asyncio.run(told(run))
        assert before < alerts
        yield Lived(run, frozenset(alerts), asyncio.run(footprint(run)))
    finally:
        run.workers.stop()
        server.shutdown()
        server.server_close()


async def told(run: Installation) -> set[bytes]:
    """The events on the topic `alerts`, each once."""
    found: set[bytes] = set()
    async for message in read_topic(run.settings, run.endpoints.kafka, ALERTS):
        event = decode(message.value, AlertEvent)
        assert not event.replay
        found.add(line(event))
    return found


async def footprint(run: Installation) -> dict[str, Any]:
    """All that a replay could touch: ends of topics, groups with their positions, live indices, the receiver."""
    found: dict[str, Any] = {"heard": len(Receiver.heard)}
    async with asking(run.settings, run.endpoints.kafka) as (admin, consumer):
        own = f"{run.settings.namespace}."
        counts = {name: count for name, count in (await partitions(admin)).items() if name.startswith(own)}
        found["ends"] = await consumer.end_offsets(
            [TopicPartition(name, n) for name in counts for n in range(counts[name])]
        )
        groups = sorted(name for name, *_ in await admin.list_consumer_groups())
        found["groups"] = {name: await admin.list_consumer_group_offsets(name) for name in groups}
    elastic = client(run.settings, run.endpoints.elasticsearch)
    try:
        live = f"{run.settings.namespace}-*"
        await elastic.indices.refresh(index=live)
        rows: Any = await elastic.cat.indices(index=live, format="json")
        found["indices"] = {row["index"]: row["docs.count"] for row in rows}
        found["aliases"] = dict(await elastic.indices.get_alias(index=live))
    finally:
        await elastic.close()
    return found


async def played(run: Installation, source: Source) -> tuple[list[AlertEvent], list[Document]]:
    rules = parse_rules(RULES)
    rates = read_rates(SHIPPED)
    playback = Playback(rules, lateness=run.settings.allowed_lateness, rates=rates, channels=source.channels)
    pipeline = Pipeline(run.settings, Gazetteer.load(run.settings.watchlist), b"key", "1")
    events: list[AlertEvent] = []
    documents: list[Document] = []
    async for batch in source.items():
        for partition, signal in batch.signals:
            events += playback.signal(signal, partition)
        for document in batch.documents:
            documents.append(document)
            for mention in pipeline.mentions(document, "archive/0", 0):
                events += playback.mention(mention)
    return events + playback.finish(SETTLE), documents


def live(events: Sequence[AlertEvent]) -> set[bytes]:
    """Canonical lines of the events without their mark, which each must carry."""
    found = [replace(event, replay=False) for event in events if event.replay]
    assert len(found) == len(events)
    return {line(event) for event in found}


def replayed(run: Installation, source: str, log: Path, *options: str) -> list[AlertEvent]:
    """The log that `tocsin replay` writes."""
    done = run.tocsin("replay", source, "--rules", str(run.settings.rules), "--log", str(log), *options)
    assert done.returncode == 0, done.stderr
    return list(read_log(log))


@pytest.mark.parametrize("source", ["kafka:mentions", "kafka:documents", "elasticsearch:"])
def test_what_rang_live_rings_again_byte_for_byte(lived: Lived, source: str, tmp_path: Path) -> None:
    """`detect` was killed in the middle, nothing came late: the mentions, the documents and the index give the same."""
    settle = "0s" if source == "kafka:mentions" else "3h"
    events = replayed(lived.run, source, tmp_path / "alerts.jsonl", "--settle", settle)
    assert live(events) == lived.alerts
    assert len({(event.rule, event.subject) for event in events}) > 2


def test_raw_items_are_judged_and_ring(lived: Lived, tmp_path: Path) -> None:
    """The raw topics through the models: of the last digits a verdict may differ, the crisis rings all the same."""
    events = replayed(lived.run, "kafka:news.raw,chat.raw", tmp_path / "alerts.jsonl", "--settle", "3h")
    assert f"entity:{CRISIS}" in {event.subject for event in events if event.state == "firing"}


def test_indices_are_filled_and_dropped_by_command(lived: Lived, tmp_path: Path) -> None:
    """`--into` fills indices beside the log; `drop` names what it removed, and what is no name is refused."""
    run = lived.run
    events = replayed(run, "kafka:documents", tmp_path / "alerts.jsonl", "--settle", "3h", "--into", "shelf")
    assert live(events) == lived.alerts
    done = run.tocsin("replay", "drop", "shelf")
    assert done.returncode == 0, done.stderr
    prefix = f"replay.{run.settings.namespace}.shelf."
    assert all(prefix + end in done.stdout for end in ("alerts-2026", "documents-2026.03"))
    assert run.tocsin("replay", "drop", "lived-documents-2026.03").returncode == 2


async def test_what_retention_removed_is_told(lived: Lived) -> None:
    """A range that begins before the log does: the rest is played, and what is gone is counted for its partition."""
    settings = lived.run.settings.model_copy(update={"namespace": "gone"})
    bootstrap = lived.run.endpoints.kafka
    await ensure_topics(settings, bootstrap)
    producer = Producer(settings, bootstrap)
    item = RawItem(source="wire", native_id="1", kind="news", text="Halden falls", collected_at=START)
    await producer.send_all([Outgoing(NEWS_RAW, encode(item), partition=1) for _ in range(20)])
    await producer.stop()
    async with asking(settings, bootstrap) as (admin, _):
        await admin.delete_records({TopicPartition("gone.news.raw", 1): RecordsToDelete(before_offset=7)})
    source = kafka_source(settings, bootstrap, "news.raw", Span(begin=START))
    batches = [batch async for batch in source.items()]
    assert sum(len(batch.raw) for batch in batches) == 13
    (told,) = source.notes.caveats
    assert (told.code, told.values) == ("retention", {"place": "gone.news.raw/1", "count": 7})


async def test_into_indices_of_its_own(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second filling changes nothing, other rules are refused, what is not a replay's is left alone by drop."""
    run, url = lived.run, lived.run.endpoints.elasticsearch
    monkeypatch.setattr("console.replay.elastic.PAGE", 64)
    source = kafka_source(run.settings, run.endpoints.kafka, "documents", Span())
    events, documents = await played(run, source)
    filled = []
    for _ in range(2):
        async with filling(run.settings, url, "q1", "these rules") as into:
            for document in documents:
                await into.add_document(document)
            for event in events:
                await into.add_alert(event)
        filled.append(into.filled)
    assert (filled[0].written, filled[0].refused) == (ITEMS + len(events), 0)
    assert (filled[1].written, filled[1].unchanged) == (0, len(documents) + len(events))
    again = ElasticSource(run.settings, url, into.names.pattern("documents"), Span())
    assert live((await played(run, again))[0]) == lived.alerts
    with pytest.raises(IntoRefused, match="tocsin replay drop q1"):
        async with filling(run.settings, url, "q1", "other rules"):
            pass
    elastic = client(run.settings, url)
    try:
        namespace = run.settings.namespace
        foreign = f"replay.{namespace}.q1.documents-1999.01"
        other = f"replay.{namespace}.q10.documents-1999.01"
        alias = f"replay.{namespace}.q2.alerts-2026"
        for index in (foreign, other):
            await elastic.indices.create(index=index)
        gone, left = await drop(run.settings, url, "q1")
        assert gone == [into.names.prefix + end for end in ("alerts-2026", "documents-2026.03")]
        assert left == [foreign]
        await elastic.indices.put_alias(index=other, name=alias)
        with pytest.raises(IntoRefused, match="made by no replay"):
            async with filling(run.settings, url, "q2", "x"):
                pass
        assert await drop(run.settings, url, "q2") == ([], [other])
        assert await elastic.indices.exists(index=other)
        await elastic.indices.delete(index=[foreign, other])
    finally:
        await elastic.close()


async def test_a_part_of_the_index(lived: Lived) -> None:
    """By time and by words; words that are no query are looked for as they are; a pattern without indices is told."""
    run, url = lived.run, lived.run.endpoints.elasticsearch
    span = Span(begin=START + timedelta(hours=3), end=START + timedelta(hours=4))
    crisis = ElasticSource(run.settings, url, "", span, "Halden (fraud | bankruptcy)")
    _, found = await played(run, crisis)
    assert found
    assert all(span.holds(d.collected_at) and "Halden" in d.title + d.text for d in found)
    assert all("fraud" in d.title + d.text or "bankruptcy" in d.title + d.text for d in found)
    _, found = await played(run, ElasticSource(run.settings, url, "", Span(), '"(Halden'))
    assert found
    with pytest.raises(SourceError, match="called nothing-"):
        await played(run, ElasticSource(run.settings, url, "nothing-*", Span()))


async def test_a_part_of_the_topic(lived: Lived) -> None:
    """By time and by offset, as the records of these offsets say."""
    run, kafka = lived.run, lived.run.endpoints.kafka
    span = Span(begin=START + timedelta(hours=3), end=START + timedelta(hours=4))
    _, within = await played(run, kafka_source(run.settings, kafka, "documents", span))
    _, whole = await played(run, kafka_source(run.settings, kafka, "documents", Span()))
    assert within == [d for d in whole if span.holds(d.collected_at)]
    _, tail = await played(
        run, kafka_source(run.settings, kafka, "documents", Span(first={0: 10, 1: 20}, stop={0: 15}))
    )
    assert 5 < len(tail) < len(whole)
    for changes, says in (({"partitions": 4}, "TOCSIN_PARTITIONS"), ({"namespace": "elsewhere"}, "elsewhere.mentions")):
        other = kafka_source(run.settings.model_copy(update=changes), kafka, "mentions", Span())
        with pytest.raises(SourceError, match=says):
            await played(run, other)


def test_nothing_live_was_touched(lived: Lived) -> None:
    """After all replays of this file: no topic grew, no group moved or appeared, no live index changed, no stage lags,
    and the receiver, which had heard of the day itself, heard nothing more."""
    assert asyncio.run(footprint(lived.run)) == lived.footprint
    assert lived.footprint["heard"] > 0
    assert lived.run.drained()


KILLED: Final = """
import sys
from console.cli import main
from console.replay import kafka, runner
runner.SAVE_EVERY = 0.0
kafka.SIGNALS = 40
sys.argv[0] = "tocsin"
main()
"""


def trouble(run: Installation) -> list[Outgoing]:
    """Another company in trouble on the evening of the day."""
    at = START + timedelta(hours=13)
    items = [
        RawItem(
            source="wire", native_id=f"evening-{n}", kind="news", title=text.format(name="Bravoline Foods", n=n),
            author=f"by-{n}", lang="en", collected_at=at + n * timedelta(minutes=1),
        )
        for n, text in enumerate(BAD)
    ]  # fmt: skip
    told = [Outgoing(NEWS_RAW, encode(item), key=f"wire|{item.native_id}".encode()) for item in items]
    return told + ticks(run.settings, at + timedelta(hours=1))


def test_a_killed_replay_beside_live_traffic(lived: Lived, tmp_path: Path) -> None:
    """`kill -9` in the middle of a paced run, twice, while live items flow; the same command again ends with the log of
    an undisturbed run: of what the topic held at first. Live works on, rings, and nobody hears of the replay."""
    run, log = lived.run, tmp_path / "alerts.jsonl"
    checkpoint = run.settings.state_dir / "replay" / "runs" / "killed" / "checkpoint"
    with paced(run, log, 500) as process:
        run.wait(lambda: reached(checkpoint) > START, 30, "begun")
        heard = len(Receiver.heard)
        run.produce(trouble(run))
        run.wait(run.drained, 30, "live drained beside the replay")
        run.wait(lambda: len(Receiver.heard) > heard, 30, "live heard")
        assert process.poll() is None
        process.kill()
    before = asyncio.run(footprint(run))
    with paced(run, log, 8000) as process:
        run.wait(lambda: reached(checkpoint) >= START + timedelta(hours=4), 30, "half replayed")
        assert process.poll() is None
        process.kill()
    assert not log.exists()
    events = replayed(run, "kafka:mentions", log, "--run", "killed", "--settle", "0s")
    assert live(events) == lived.alerts
    assert log.read_bytes() == b"".join(line(event) + b"\n" for event in sorted(events, key=key))
    assert asyncio.run(footprint(run)) == before
    assert not [body for body in Receiver.heard if b'"replay":true' in body]


def paced(run: Installation, log: Path, speed: int) -> subprocess.Popen[bytes]:
    """A named replay of the mentions under way, which saves where it stands all the time."""
    options = ["--rules", str(run.settings.rules), "--log", str(log), "--run", "killed", "--settle", "0s"]
    command = [sys.executable, "-c", KILLED, "replay", "kafka:mentions", *options, "--speed", str(speed)]
    return subprocess.Popen(command, env=run.environment(), cwd=ROOT, stdout=DEVNULL, stderr=DEVNULL)


def reached(checkpoint: Path) -> datetime:
    """Event time of a checkpoint."""
    try:
        found = msgspec.msgpack.decode(checkpoint.read_bytes(), type=Checkpoint)
    except FileNotFoundError:
        return START
    return found.at or START
