"""Ticks at the doors: time is data, so every source says how far it has written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from streams.kafka import Outgoing, read_topic
from streams.records import Raw, RawTick, Reject, decode, encode
from streams.settings import Settings
from streams.topics import NEWS_RAW, RAW

EVERY: Final = 5.0  # seconds between the ticks of a live collector
TAIL: Final = 2000  # records of one partition in which its newest tick is looked for
_INSTANT: Final = timedelta(microseconds=1)


class Sink(Protocol):
    """Where records go: returns when every one is durable (`streams.kafka.Producer`)."""

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Write the records."""


def ticks(settings: Settings, at: datetime, source: str) -> list[Outgoing]:
    """One RawTick for every partition of both raw topics."""
    value = encode(RawTick(at=at, source=source))
    return [Outgoing(topic, value, partition=p) for topic in RAW.values() for p in range(topic.count(settings))]


async def told_until(settings: Settings, bootstrap: str) -> datetime | None:
    """The time up to which sources have promised to have written everything; None when no tick is near the end."""
    newest: datetime | None = None
    async for message in read_topic(settings, bootstrap, NEWS_RAW, partition=0, last=TAIL):  # ticks go everywhere
        try:
            record = decode(message.value, Raw)
        except Reject:
            continue  # enrich answers it
        if isinstance(record, RawTick):
            newest = max(record.at, newest or record.at)
    return newest


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
