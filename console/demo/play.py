"""Plays the day into the pipeline, watches it, and waits until every stage has come to rest."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from aiokafka.errors import KafkaError
from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch
from prometheus_client.parser import text_string_to_metric_families

from console.demo import traces
from console.demo.display import Display, Progress
from console.demo.receiver import Receiver
from console.workers import Workers
from streams.endpoints import Endpoints
from streams.kafka import Producer
from streams.lag import lags
from streams.settings import Settings
from streams.sources.ingest import Clock, Options, Summary, ingest

DAY_SECONDS: Final = 16 * 3600.0  # event time the day covers
AFTER: Final = 1800.0  # event seconds after the last item in which nothing more happens: what must end, ends
LOOK_EVERY: Final = 1.0
LEAST_SLEEP: Final = 0.25  # seconds between two steps of the ingest: a few larger steps instead of one per item
PATIENCE: Final = 120.0  # seconds without any change after which the pipeline counts as stuck


class DemoStuck(RuntimeError):  # noqa: N818 - reads as what it says
    """The pipeline did not come to rest in time. `lags` says which stage has how much left."""

    def __init__(self, seconds: float, left: dict[str, int]) -> None:
        super().__init__(f"no change in {seconds:.0f} s: {left}")
        self.lags = left


class WorkerGaveUp(RuntimeError):  # noqa: N818 - reads as what it says
    """A worker says that it cannot run with its settings."""


@dataclass(slots=True)
class Scene:
    """Everything that is up while the day is played."""

    settings: Settings
    at: Endpoints
    elastic: AsyncElasticsearch
    receiver: Receiver
    workers: Workers
    day: date
    path: Path  # the day as a file
    total: int  # its lines
    played: Summary = field(default_factory=Summary)
    _indexed: int = 0
    _looked: float = 0.0

    def watch(self) -> None:
        """Start again the workers that ended; WorkerGaveUp when that cannot help."""
        try:
            self.workers.watch()
        except RuntimeError as error:
            raise WorkerGaveUp(str(error)) from None

    async def look(self, display: Display) -> None:
        """Show how far everything has got."""
        try:
            found = await traces.counts(self.elastic, self.settings)
        except (TransportError, ApiError):
            return  # away, or an index was made just now; the pipeline waits too, and the next look tells
        duplicates = await asyncio.to_thread(unchanged, self.settings)
        now = display.elapsed
        rate = (found["indexed"] - self._indexed) / (now - self._looked) if self._looked else 0.0
        self._indexed, self._looked = found["indexed"], now
        rang = sum(d.alert.get("state") == "firing" for d in self.receiver.deliveries.values())
        display.progress(
            Progress(
                total=self.total,
                sent=self.played.sent,
                rejected=self.played.rejections,
                indexed=found["indexed"],
                unjudged=found["unjudged"],
                duplicates=duplicates,
                alerts=rang,
                per_second=max(0.0, rate),
                event_time=self.played.event_time,
            )
        )


async def play(scene: Scene, display: Display, seconds: float) -> None:
    """Send the day in; with `seconds` 0 as fast as Kafka takes it. Returns when the last tick is durable."""
    producer = Producer(scene.settings, scene.at.kafka)
    options = Options(
        pace="event" if seconds else "full",
        speed=DAY_SECONDS / seconds if seconds else 1.0,
        from_start=True,
        settle=AFTER,
    )

    async def sleep(wanted: float) -> None:
        await asyncio.sleep(max(wanted, LEAST_SLEEP))

    def note(summary: Summary) -> None:
        scene.played = summary

    task = asyncio.create_task(
        ingest([str(scene.path)], options, producer, scene.settings, clock=Clock(sleep=sleep), progress=note)
    )
    try:
        while not task.done():
            await asyncio.wait([task], timeout=LOOK_EVERY)
            scene.watch()
            await scene.look(display)
        scene.played = task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await producer.stop()


async def settle(scene: Scene, display: Display) -> None:
    """Return when every stage has acknowledged everything, twice in a row: what one stage wrote, the next has read.

    Raises DemoStuck when nothing changes for two minutes.
    """
    quiet = 0
    left: dict[str, int] = {}
    changed = display.elapsed
    while quiet < 2:
        scene.watch()
        try:
            found = await lags(scene.settings, scene.at.kafka)
        except (KafkaError, OSError):
            found = {"kafka": -1}
        if found != left:
            left, changed = found, display.elapsed
        elif display.elapsed - changed > PATIENCE:
            raise DemoStuck(PATIENCE, left)
        quiet = 0 if any(left.values()) else quiet + 1
        await scene.look(display)
        await asyncio.sleep(0.2)


def unchanged(settings: Settings) -> int:
    """Documents that were in Elasticsearch already, by the index worker's own metric; 0 while it does not answer."""
    total = 0.0
    for path in sorted((settings.state_dir / "metrics").glob("index-*.json")):
        try:
            note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            with urllib.request.urlopen(note["url"], timeout=2) as answer:  # noqa: S310 - noted by our own worker
                text = answer.read(4_000_000).decode()
        except (OSError, ValueError):
            continue
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "tocsin_index_items_total" and sample.labels.get("outcome") == "unchanged":
                    total += sample.value
    return int(total)
