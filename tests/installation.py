"""One Tocsin installation for tests: real engines, real workers, a namespace of its own, and what came out of it."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from console.workers import Workers
from models.labels import HEADS
from streams.elastic import client, pattern
from streams.endpoints import Endpoints, resolve
from streams.kafka import Outgoing, Producer, ensure_topics, read_topic
from streams.lag import lags
from streams.records import AlertEvent, DeadLetter, Raw, RawItem, Reject, content_revision, decode, document_id
from streams.settings import Settings, environment
from streams.topics import ALERTS, CHAT_RAW, DEADLETTERS, NEWS_RAW

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(__file__).parent / "data"
NOISE = 0.03  # of a probability in half precision, from one batch to another; the largest measured is 0.022
# Differ between two runs over the same items, rightly: an archive is kept from when Kafka had it.
VOLATILE = ("indexed_at", "origin", "expires_at")


@dataclass
class Outcome:
    """What an installation holds at its end: documents and alerts by id, rejected origins by reason."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    alerts: dict[str, AlertEvent] = field(default_factory=dict)
    indexed_alerts: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)


@dataclass
class Installation:
    """Workers of one namespace on the shared engines."""

    settings: Settings
    workers: Workers

    @classmethod
    def make(cls, state_dir: Path, namespace: str, **changes: Any) -> Installation:
        """An installation in `namespace` with the test watchlist and rules, snapshotting every second."""
        options: dict[str, Any] = {
            "watchlist": DATA / "watchlist.yaml",
            "rules": DATA / "rules.yaml",
            "snapshot_every": 1.0,
            "partitions": 2,
        }
        settings = Settings(state_dir=state_dir, namespace=namespace, **(options | changes))
        return cls(settings, Workers(settings, logs=state_dir / "logs" / namespace))

    @property
    def endpoints(self) -> Endpoints:
        return resolve(self.settings)

    def produce(self, records: Iterable[Outgoing], pause: float = 0.0) -> None:
        """Write the records durably, in slices of 50 with a pause between them."""

        async def run() -> None:
            await ensure_topics(self.settings, self.endpoints.kafka)
            producer = Producer(self.settings, self.endpoints.kafka)
            rows = list(records)
            for at in range(0, len(rows), 50):
                await producer.send_all(rows[at : at + 50])
                await asyncio.sleep(pause)
            await producer.stop()

        asyncio.run(run())

    def command(self, *arguments: str) -> list[str]:
        """The command line of `tocsin` with these arguments."""
        return [sys.executable, "-m", "console.cli", *arguments]

    def environment(self) -> dict[str, str]:
        """Variables under which a process works on this installation, with its messages in English."""
        return os.environ | environment(self.settings) | {"TOCSIN_LANG": "en"}

    def tocsin(self, *arguments: str, stdin: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """What one command of `tocsin` printed, and its exit code."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            timeout=timeout,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Poll `done` while restarting workers that ended; an AssertionError tells what did not happen."""
        deadline = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < deadline, f"{what}: not within {timeout:.0f} s"
            self.workers.watch()
            time.sleep(0.3)

    def drained(self) -> bool:
        """Whether every running stage has acknowledged all there is."""
        try:
            found = asyncio.run(lags(self.settings, self.endpoints.kafka))
        except Exception:  # noqa: BLE001 - an engine that is away just means: not drained yet
            return False
        return not any(found.get(stage) for stage in self.workers.children)

    def finish(self, timeout: float = 120) -> Outcome:
        """Wait until everything is acknowledged, stop the workers, and return what came out."""
        self.wait(self.drained, timeout, f"{self.settings.namespace} drained")
        self.workers.stop()
        return asyncio.run(self.outcome())

    async def outcome(self) -> Outcome:
        """Everything in Elasticsearch and on the alert and dead letter topics."""
        found = Outcome()
        elastic = client(self.settings, self.endpoints.elasticsearch)
        try:
            for kind in ("documents", "alerts"):
                async for hit in everything(elastic, pattern(self.settings, kind)):
                    if kind == "alerts":
                        found.indexed_alerts.add(hit["_id"])
                    else:
                        assert hit["_id"] not in found.documents, "one id in two indices"
                        found.documents[hit["_id"]] = {k: v for k, v in hit["_source"].items() if k not in VOLATILE}
        finally:
            await elastic.close()
        async for message in read_topic(self.settings, self.endpoints.kafka, ALERTS):
            event = decode(message.value, AlertEvent)
            found.alerts[event.id] = event
        async for message in read_topic(self.settings, self.endpoints.kafka, DEADLETTERS):
            dead = decode(message.value, DeadLetter)
            found.rejected[f"{dead.topic}/{dead.partition}@{dead.offset}"] = dead.reason
        return found

    async def truth(self) -> tuple[set[str], set[str]]:
        """Recomputed from the raw topics alone: ids that must be indexed, origins that must be rejected."""
        ids: set[str] = set()
        bad: set[str] = set()
        for topic in (NEWS_RAW, CHAT_RAW):
            async for message in read_topic(self.settings, self.endpoints.kafka, topic):
                try:
                    record = decode(message.value, Raw)
                except Reject:
                    bad.add(message.origin)
                    continue
                if isinstance(record, RawItem):
                    revision = record.revision or content_revision(record.title, record.text)
                    ids.add(document_id(record.source, record.native_id, revision))
        return ids, bad

    def check(self, outcome: Outcome) -> None:
        """The ledger: indexed exactly what must be, rejected exactly what must be, every alert event indexed."""
        ids, bad = asyncio.run(self.truth())
        assert set(outcome.documents) == ids, (
            f"missing {len(ids - set(outcome.documents))}, extra {len(set(outcome.documents) - ids)}"
        )
        assert set(outcome.rejected) == bad
        if "index" in self.workers.children:
            assert outcome.indexed_alerts == set(outcome.alerts)


async def everything(elastic: Any, index: str) -> Any:
    """Every hit of an index pattern, page by page, after a refresh."""
    await elastic.indices.refresh(index=index, ignore_unavailable=True, allow_no_indices=True)
    after: list[Any] | None = None
    while True:
        page = await elastic.search(
            index=index,
            size=1000,
            sort=[{"id": "asc"}],
            search_after=after,
            query={"match_all": {}},
            allow_no_indices=True,
            ignore_unavailable=True,
        )
        hits = page["hits"]["hits"]
        for hit in hits:
            yield hit
        if len(hits) < 1000:
            return
        after = hits[-1]["sort"]


def same(a: Any, b: Any, tolerance: float = 1e-9) -> bool:
    """Equal, with floats equal within the tolerance."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k], tolerance) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, abs_tol=tolerance)
    return bool(a == b)


def verdict(document: dict[str, Any]) -> tuple[Any, ...]:
    """What the rules make of a document: its side of one half, and its topic."""
    if not document["judged"]:
        return ()
    return document["sentiment"]["label"], document["sentiment"]["negative"] >= 0.5, document["topic"]["label"]


def unlabelled(document: dict[str, Any]) -> dict[str, Any]:
    """A document without the labels, which follow from its probabilities."""
    heads = {h: {k: v for k, v in document[h].items() if k != "label"} for h in HEADS if h in document}
    return document | heads


def subjects(document: dict[str, Any]) -> set[str]:
    """What the document is about."""
    return {f"entity:{e['id']}" for e in document["entities"]} | {f"topic:{document['topic']['label']}"}


def assert_same(found: Outcome, expected: Outcome) -> None:
    """Document by document and alert by alert.

    A text judged in other company differs in the last digits, so one that is all but undecided may turn; then alerts
    about what it is about are left out of the comparison.
    """
    ids = expected.documents.keys()
    assert found.documents.keys() == ids
    pairs = [(found.documents[k], expected.documents[k]) for k in ids]
    different = [pair for pair in pairs if not same(unlabelled(pair[0]), unlabelled(pair[1]), NOISE)]
    assert not different, different[:1]
    assert sorted(found.rejected.values()) == sorted(expected.rejected.values())
    turned = [pair for pair in pairs if verdict(pair[0]) != verdict(pair[1])]
    assert len(turned) <= 1 + len(pairs) // 500, f"{len(turned)} verdicts turned"
    doubtful: set[str] = set().union(*(subjects(document) for pair in turned for document in pair))
    assert rang(found, doubtful) == rang(expected, doubtful)


def rang(outcome: Outcome, without: set[str]) -> list[dict[str, Any]]:
    """Every alert event in order, with all its figures; evidence, whose choice hangs on the last digits, left out."""
    events = sorted((e for e in outcome.alerts.values() if e.subject not in without), key=lambda e: (e.at, e.id))
    return [msgspec.to_builtins(msgspec.structs.replace(event, evidence=())) for event in events]
