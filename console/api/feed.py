"""What the API knows, kept up to date: all alerts, operations and receipts of the log, then whatever comes, for ever.

It is held in memory and made anew at each start. While Kafka is away it goes on answering with what it knows, and says
that it is behind. Whoever listens hears of what comes after all that was there has been read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from console.alert_log import KINDS, record_of
from console.api.known import Known
from streams.kafka import FATAL, FIRST_PAUSE, LONGEST_PAUSE, Message, client_options, read_topic, refused
from streams.settings import Settings
from streams.topics import MIB, Topic

BEHIND: Final = 15.0  # seconds without a word from Kafka after which answers may be old
TRIM_EVERY: Final = 1000  # records
AT_ONCE: Final = 100  # records after which those who listen, and all others, get their turn
Batches = AsyncIterator[Sequence[Message]]

log = structlog.get_logger(__name__)


async def follow(settings: Settings, bootstrap: str, positions: Mapping[Topic, int]) -> Batches:
    """Records of single-partition topics from these offsets on, as they come; an empty batch when there is none.

    No consumer group is involved and nothing is committed. Raises what the client raises.
    """
    consumer = AIOKafkaConsumer(
        **client_options(settings, bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * MIB,
    )
    try:
        await consumer.start()
        places = {TopicPartition(topic.full(settings), 0): offset for topic, offset in positions.items()}
        consumer.assign(list(places))
        for place, offset in places.items():
            consumer.seek(place, offset)
        while True:
            await consumer.end_offsets(list(places))  # raises while no broker answers; getmany would wait in silence
            found = await consumer.getmany(timeout_ms=500, max_records=2000)
            yield [
                Message(r.topic, r.partition, r.offset, r.key, r.value, r.timestamp / 1000)
                for records in found.values()
                for r in records
            ]
    finally:
        await consumer.stop()


class Feed:
    """Fills what is known. `run` never returns; `ready` is set once everything that was there has been read."""

    def __init__(
        self,
        settings: Settings,
        bootstrap: str,
        known: Known,
        now: Callable[[], datetime],
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._settings = settings
        self._bootstrap = bootstrap
        self.known = known
        self._now = now
        self._first_pause = first_pause
        self._topics = {topic.full(settings): topic for topic in KINDS}
        self._positions = dict.fromkeys(KINDS, 0)
        self._heard: datetime | None = None
        self._taken = 0
        self.ready = asyncio.Event()

    @property
    def current(self) -> bool:
        """Whether the board holds everything up to a few seconds ago."""
        return self._heard is not None and (self._now() - self._heard).total_seconds() < BEHIND

    async def run(self) -> None:
        """Read and follow; after a fault go on where it stopped. Raises SettingsError when Kafka refuses us."""
        pause = self._first_pause
        while True:
            try:
                await self._read()
                async for batch in follow(self._settings, self._bootstrap, self._positions):
                    for number, message in enumerate(batch, 1):
                        self._take(message)
                        if number % AT_ONCE == 0:
                            await asyncio.sleep(0)
                    self._heard = self._now()
                    pause = self._first_pause
            except FATAL as error:
                raise refused(error) from None
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("board.waiting", error=type(error).__name__, pause=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _read(self) -> None:
        for topic in KINDS:
            async for message in read_topic(self._settings, self._bootstrap, topic, start=self._positions[topic]):
                self._take(message)
        self._heard = self._now()
        self.ready.set()

    def _take(self, message: Message) -> None:
        topic = self._topics[message.topic]
        self._positions[topic] = message.offset + 1
        record = record_of(message, topic)
        if record is not None:
            self.known.take(record, datetime.fromtimestamp(message.timestamp, UTC))
            if self.ready.is_set():
                self.known.tell(record)
        self._taken += 1
        if self._taken % TRIM_EVERY == 0:
            self.known.board.trim(self._now())
