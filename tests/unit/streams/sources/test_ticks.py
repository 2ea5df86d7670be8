"""Live ticks never overtake what they promise."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.kafka import Message, Outgoing
from streams.settings import Settings
from streams.sources import ticks as module
from streams.sources.ticks import Inflow, ticks, told_until
from streams.topics import NEWS_RAW
from tests.unit.streams.sources.sink import NOW, FakeSink


class Slow(FakeSink):
    """Holds every write until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        await self.go.wait()
        await super().send_all(records)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, partitions=3)


def test_every_partition(settings: Settings) -> None:
    """A tick goes to every partition of both raw topics."""
    made = ticks(settings, NOW, "x")
    assert sorted((r.topic.name, r.partition or 0) for r in made) == [
        (name, p) for name in ("chat.raw", "news.raw") for p in range(3)
    ]


async def test_waits_for_what_it_promises(settings: Settings) -> None:
    """A tick is written after everything stamped before it, even when that is slow."""
    sink = Slow()
    inflow = Inflow(settings, sink, lambda: NOW)
    stamps: list[datetime] = []

    def build(at: datetime) -> list[Outgoing]:
        stamps.append(at)
        return [Outgoing(NEWS_RAW, b"item")]

    sending = asyncio.create_task(inflow.send(build))
    await asyncio.sleep(0)
    ticking = asyncio.create_task(inflow.tick())
    await asyncio.sleep(0.01)
    assert not sink.sent
    sink.go.set()
    await sending
    at = await ticking
    assert sink.sent[0].value == b"item"
    assert len(sink.sent) == 7
    assert stamps[0] < at


async def test_clock_set_back(settings: Settings) -> None:
    """When the clock is set back, stamps still follow the promises already made."""
    times = iter([NOW, NOW - timedelta(hours=1), NOW - timedelta(hours=1)])
    inflow = Inflow(settings, FakeSink(), lambda: next(times))
    first = await inflow.tick()
    second = await inflow.tick()
    assert first < second < first + timedelta(seconds=1)


async def test_a_failed_write_holds_up_nobody(settings: Settings) -> None:
    """A write that was given up does not keep ticks from being written."""
    sink = Slow()
    inflow = Inflow(settings, sink, lambda: NOW)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await inflow.send(lambda _: [Outgoing(NEWS_RAW, b"item")])
    sink.go.set()
    await inflow.tick()
    assert len(sink.tick_times) == 1


async def test_run_ends_with_a_tick(settings: Settings) -> None:
    """A stopped collector promises once more what it has written."""
    sink, stopping = FakeSink(), asyncio.Event()
    running = asyncio.create_task(Inflow(settings, sink, lambda: NOW).run(stopping))
    await asyncio.sleep(0.01)
    stopping.set()
    await running
    assert len(sink.tick_times) == 2


async def test_the_newest_tick_near_the_end_tells_the_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of order, among items and records that nobody can read, the latest promise counts; else there is none."""
    log = [NOW, NOW + timedelta(seconds=5), NOW - timedelta(days=1)]
    values = [b"{", *(ticks(settings, at, "x")[0].value for at in log), b""]

    async def read(*_: Any, **__: Any) -> AsyncIterator[Message]:
        for offset, value in enumerate(values):
            yield Message("news.raw", 0, offset, None, value, 0.0)

    monkeypatch.setattr(module, "read_topic", read)
    assert await told_until(settings, "nowhere:1") == log[1]
    values.clear()
    assert await told_until(settings, "nowhere:1") is None
