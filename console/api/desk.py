"""Operations become records: durable in Kafka before they are answered, once for one id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from alerts.operations import outgoing, same
from console.api.known import Known
from streams.kafka import Outgoing
from streams.records import Operation

# Kafka tells when the record came; until the feed has read it, it came after everything: clocks may differ.
UNTOLD: Final = datetime.max.replace(tzinfo=UTC)
KAFKA_WAIT: Final = 10.0  # seconds a caller waits for Kafka before it is told to come back

log = structlog.get_logger(__name__)


class Conflict(ValueError):  # noqa: N818 - what happened
    """The same key was used for something else before."""


class KafkaAway(RuntimeError):  # noqa: N818 - what happened
    """Kafka did not answer in time. The record may still arrive; asking again with the same key is harmless."""


class Records(Protocol):
    """Where records go: `streams.kafka.Producer`, or a double."""

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Return when all are durable."""


class Desk:
    """Writes operations and folds them into what is known."""

    def __init__(self, known: Known, records: Records, wait: float = KAFKA_WAIT) -> None:
        self._known = known
        self._records = records
        self._wait = wait
        self._one_at_a_time = asyncio.Lock()

    async def do(self, operation: Operation) -> tuple[Operation, bool]:
        """The record that stands, and whether it is new. Raises Conflict or KafkaAway.

        In order: a record of this id that is there already is the answer; the record is durable; it is known.
        """
        try:
            async with asyncio.timeout(self._wait), self._one_at_a_time:  # whoever waits for another's turn waits, too
                known = self._known.board.operation(operation.id)
                if known is not None:
                    if not same(operation, known):
                        raise Conflict
                    return known, False
                await self._records.send_all([outgoing(operation)])
                self._known.take(operation, UNTOLD)
        except TimeoutError:
            raise KafkaAway from None
        log.info("api.operation", kind=type(operation).__name__, id=operation.id, author=operation.author)
        return operation, True

    async def keep(self, records: Sequence[Outgoing]) -> None:
        """Return when records that are no operations are durable. Raises KafkaAway."""
        try:
            async with asyncio.timeout(self._wait):
                await self._records.send_all(records)
        except TimeoutError:
            raise KafkaAway from None
