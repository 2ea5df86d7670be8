"""Ticks at the doors: time is data, so every source says how far it has written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from streams.kafka import Outgoing
from streams.records import RawTick, encode
from streams.settings import Settings
from streams.topics import RAW

EVERY: Final = 5.0  # seconds between the ticks of a live collector
_INSTANT: Final = timedelta(microseconds=1)


class Sink(Protocol):
    """Where records go: returns when every one is durable (`streams.kafka.Producer`)."""

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Write the records."""


def ticks(settings: Settings, at: datetime, source: str) -> list[Outgoing]:
    """One RawTick for every partition of both raw topics."""
    value = encode(RawTick(at=at, source=source))
    return [Outgoing(topic, value, partition=p) for topic in RAW.values() for p in range(topic.count(settings))]


class Inflow:
    """What live sources send, stamped and ticked so that a tick never overtakes what it promises.

    Effects in order: a record's time is taken, the record is durable, a tick of that time or later is written.
    """

    def __init__(self, settings: Settings, sink: Sink, now: Callable[[], datetime], source: str = "collect") -> None:
        self._settings = settings
        self._sink = sink
        self._now = now
        self._source = source
        self._last = datetime(1970, 1, 1, tzinfo=UTC)
        self._under_way: set[asyncio.Future[None]] = set()

    def _stamp(self) -> datetime:
        self._last = max(self._now(), self._last + _INSTANT)  # a clock set back must not break a promise
        return self._last

    async def send(self, build: Callable[[datetime], Sequence[Outgoing]]) -> None:
        """Write what `build` makes for the time of collection; returns when it is durable."""
        done = asyncio.get_running_loop().create_future()
        self._under_way.add(done)
        try:
            await self._sink.send_all(build(self._stamp()))
        finally:
            self._under_way.discard(done)
            done.set_result(None)

    async def tick(self) -> datetime:
        """Promise that everything stamped up to now is written, after it is. Returns the time promised."""
        at = self._stamp()
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._sink.send_all(ticks(self._settings, at, self._source))
        return at

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick every five seconds until told to stop, and once more then."""
        while not stopping.is_set():
            await self.tick()
            try:
                async with asyncio.timeout(EVERY):
                    await stopping.wait()
            except TimeoutError:
                continue
        await self.tick()
