"""The detector's own state and input, read back from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka import FATAL, FIRST_PAUSE, LONGEST_PAUSE, Message, client_options, read_topic
from streams.settings import Settings
from streams.topics import DETECTOR_STATE, MENTIONS

TAIL: Final = 64  # records of `detector.state` looked at first: several snapshots of each partition, as a rule

log = structlog.get_logger(__name__)


class KafkaLog:
    """Reads snapshots and mentions; waits out broker outages, raises only for wrong credentials."""

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        self._settings = settings
        self._bootstrap = bootstrap

    async def snapshots(self, partition: int) -> AsyncIterator[bytes]:
        """The snapshots of a partition at the end of the log; further back when there are none."""
        for data in await self._patiently(lambda: self._tail(str(partition).encode())):
            yield data

    async def mentions(self, partition: int, start: int, stop: int) -> AsyncIterator[Message]:
        """The records in [start, stop) of a partition of `mentions`, in order, each once."""
        pause = FIRST_PAUSE
        while start < stop:
            try:
                async for message in read_topic(
                    self._settings, self._bootstrap, MENTIONS, partition=partition, start=start, stop={partition: stop}
                ):
                    start, pause = message.offset + 1, FIRST_PAUSE
                    yield message
                return
            except FATAL:
                raise
            except (KafkaError, OSError, TimeoutError) as error:
                pause = await _wait(error, pause)

    async def _tail(self, key: bytes) -> list[bytes]:
        first, last = await self._bounds()
        count = TAIL
        while True:
            start = max(first, last - count)
            found = [
                message.value
                async for message in read_topic(
                    self._settings, self._bootstrap, DETECTOR_STATE, partition=0, start=start, stop={0: last}
                )
                if message.key == key and message.value
            ]
            if found or start == first:
                return found
            count *= 4

    async def _bounds(self) -> tuple[int, int]:
        tp = TopicPartition(DETECTOR_STATE.full(self._settings), 0)
        consumer = AIOKafkaConsumer(**client_options(self._settings, self._bootstrap), enable_auto_commit=False)
        await consumer.start()
        try:
            begins, ends = await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])
            return int(begins[tp]), int(ends[tp])
        finally:
            await consumer.stop()

    async def _patiently(self, read: Callable[[], Awaitable[list[bytes]]]) -> list[bytes]:
        pause = FIRST_PAUSE
        while True:
            try:
                return await read()
            except FATAL:
                raise
            except (KafkaError, OSError, TimeoutError) as error:
                pause = await _wait(error, pause)


async def _wait(error: BaseException, pause: float) -> float:
    log.warning("detector.waiting_for_kafka", error=type(error).__name__, pause=pause)
    await asyncio.sleep(pause)
    return min(pause * 2, LONGEST_PAUSE)
