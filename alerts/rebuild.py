"""What Kafka knows when the outbox was lost: every alert and operation in order of time, and what was told to whom."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import structlog
from aiokafka.errors import KafkaError

from alerts.delivery.channel import Channel
from alerts.delivery.message import notification_id
from alerts.delivery.outbox import Outbox
from alerts.delivery.policy import Policy
from alerts.delivery.routing import Routing
from streams.kafka import FATAL, LONGEST_PAUSE, Message
from streams.records import AlertEvent, Escalation, Operation, Receipt, Reject, decode
from streams.topics import ALERTS, FEEDBACK, RECEIPTS, Topic

log = structlog.get_logger(__name__)

ReadTopic = Callable[[Topic], AsyncIterator[Message]]  # the whole log of a topic up to now

Told = Mapping[str, Collection[str]]  # receivers by the alert event that they were told of, and by the notification
NOTHING: Final[Told] = MappingProxyType({})


def remembered(outbox: Outbox, routing: Routing, channels: Sequence[Channel]) -> Policy:
    """The policy as the outbox has it; an empty one, and an outbox to be rebuilt, when another version wrote rows that
    this one cannot read."""
    try:
        return Policy(routing, channels, outbox.remembered())
    except msgspec.MsgspecError as error:
        log.error("outbox.unreadable", error=type(error).__name__, effect="rebuilt from Kafka")
        outbox.begin_anew()
        return Policy(routing, channels)


async def already_told(read_topic: ReadTopic, channels: Iterable[Channel]) -> Told:
    """Receivers by the alert events, and by the notifications, that receipts prove to have been told to them, or
    refused by them, in full."""
    ids = {channel.name[:256]: channel.id for channel in channels}
    found: defaultdict[str, set[str]] = defaultdict(set)
    async for message in read_topic(RECEIPTS):
        receipt = _receipt(message)
        if receipt is None or receipt.receiver not in ids or receipt.outcome == "retry":
            continue
        if receipt.outcome != "delivered" or receipt.part == receipt.parts:
            for told in (*(receipt.events or (receipt.event,)), receipt.notification):
                found[told].add(ids[receipt.receiver])
    return {event: frozenset(receivers) for event, receivers in found.items()}


def told_before(record: AlertEvent | Operation, told: Told, receivers: Iterable[str]) -> Collection[str]:
    """Of these receivers, by id, those that were told of the step, or because of this call for further people."""
    if isinstance(record, Escalation):
        return [id_ for id_ in receivers if id_ in told.get(notification_id(record.id, id_), ())]
    return told.get(record.id, ())


async def history(read_topic: ReadTopic) -> AsyncIterator[Message]:
    """The records of alerts and feedback, merged by the time at which Kafka took them."""
    alerts, feedback = read_topic(ALERTS), read_topic(FEEDBACK)
    one, other = await anext(alerts, None), await anext(feedback, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.timestamp <= other.timestamp):
            assert one is not None  # noqa: S101 - told to the type checker: one of the two is there
            yield one
            one = await anext(alerts, None)
        else:
            yield other
            other = await anext(feedback, None)


async def until_read(read: Callable[[], Awaitable[int]], pause: float) -> int:
    """What `read` returns, once Kafka has let it; what Kafka will never allow is raised."""
    while True:
        try:
            return await read()
        except FATAL:
            raise
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("notify.rebuild_waiting", error=type(error).__name__, pause=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _receipt(message: Message) -> Receipt | None:
    try:
        receipt: Receipt = decode(message.value, Receipt)
    except Reject:
        return None  # ours alone write there; an unreadable one proves no delivery
    return receipt
