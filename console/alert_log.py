"""The log of alerts and of what people did, as commands read and write it: Kafka alone, so it works while
Elasticsearch is down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import structlog
from aiokafka.errors import KafkaError

from alerts.board import KEEP, MISSED, Board, NotOne
from alerts.operations import outgoing
from alerts.refused import OperationRefused
from console.exits import told
from console.messages import say
from streams import clock
from streams.endpoints import resolve
from streams.kafka import Message, Producer, TopicMissing, ensure_topics, read_topic
from streams.log import configure
from streams.plain import plain
from streams.records import AlertEvent, Feedback, Operation, Opinion, Receipt, Reject, decode
from streams.settings import Settings, load
from streams.topics import ALERTS, FEEDBACK, RECEIPTS, Topic

TOPICS: Final = (ALERTS, FEEDBACK)  # what a board is made of
KINDS: Final[Mapping[Topic, Any]] = {ALERTS: AlertEvent, FEEDBACK: Opinion, RECEIPTS: Receipt}
TRIM_EVERY: Final = 10_000  # records
Build = Callable[[Board, datetime], Operation]

log = structlog.get_logger(__name__)


class AlertRefused(ValueError):  # noqa: N818 - what happened
    """The command cannot do this; the message says why and what to do."""


@contextmanager
def kafka() -> Iterator[tuple[Settings, str]]:
    """Settings and Kafka's address; what goes wrong becomes words and an exit code."""
    with told(
        refused=(AlertRefused,), unavailable=(TopicMissing,), away=(KafkaError, OSError), key="alerts.away"
    ), refusals():  # fmt: skip
        settings = load()
        configure(settings, "alerts")
        yield settings, resolve(settings, "kafka").kafka


@contextmanager
def refusals() -> Iterator[None]:
    """What the pure parts refuse, in words."""
    try:
        yield
    except OperationRefused as error:
        parts = [say(f"alerts.refused.{error.reason}.{part}", **error.values) for part in ("what", "fix")]
        raise AlertRefused(" ".join(parts)) from None
    except NotOne as error:
        raise AlertRefused(say(f"alerts.id.{error.reason}", id=plain(error.prefix, 64))) from None


def record_of(message: Message, topic: Topic) -> AlertEvent | Opinion | Receipt | None:
    """What the record of one of these topics says; None for what is not of our making."""
    try:
        return cast(AlertEvent | Opinion | Receipt, decode(message.value, KINDS[topic]))
    except Reject as reject:
        log.warning("board.unreadable", origin=message.origin, reason=reject.reason)
        return None


async def read_board(settings: Settings, bootstrap: str, keep: timedelta = KEEP, most_missed: int = MISSED) -> Board:
    """Everything on both topics, folded; of closed alerts what was touched within `keep`, of the events that people
    added what is as young, and of those the newest `most_missed`."""
    await ensure_topics(settings, bootstrap)  # an older installation may lack one
    board, taken = Board(keep, most_missed=most_missed), 0
    for topic in TOPICS:
        async for message in read_topic(settings, bootstrap, topic):
            record = record_of(message, topic)
            if record is not None and not isinstance(record, Feedback | Receipt):
                board.take(record, datetime.fromtimestamp(message.timestamp, UTC))
            taken += 1
            if taken % TRIM_EVERY == 0:
                board.trim(clock.now())
    board.trim(clock.now())
    return board


async def read_receipts(settings: Settings, bootstrap: str, alert: str) -> list[Receipt]:
    """What channels answered when they were told of this alert, in order."""
    found: list[Receipt] = []
    async for message in read_topic(settings, bootstrap, RECEIPTS):
        receipt = record_of(message, RECEIPTS)
        if isinstance(receipt, Receipt) and any(
            event.partition(".")[0] == alert for event in (receipt.event, *receipt.events)
        ):
            found.append(receipt)
    return found


async def write(settings: Settings, bootstrap: str, operation: Operation) -> None:
    """The operation, durable in Kafka."""
    producer = Producer(settings, bootstrap)
    try:
        await producer.send_all([outgoing(operation)])
    finally:
        await producer.stop()


async def do(
    settings: Settings, bootstrap: str, build: Build, keep: timedelta = KEEP, most_missed: int = MISSED
) -> tuple[Operation, Board]:
    """Build an operation from the board as it is, make it durable, and give it with the board that knows it. What was
    done before is not written again."""
    board = await read_board(settings, bootstrap, keep, most_missed)
    operation: Operation = build(board, clock.now())
    known = board.operation(operation.id)
    if known is None:
        await write(settings, bootstrap, operation)
        board.take(operation)
    return known or operation, board
