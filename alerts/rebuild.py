"""What Kafka knows when the outbox was lost: every alert and operation in order of time, and what was told to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from alerts.delivery.channel import Channel
from streams.kafka import Message
from streams.records import Receipt, Reject, decode
from streams.topics import ALERTS, FEEDBACK, RECEIPTS, Topic

ReadTopic = Callable[[Topic], AsyncIterator[Message]]  # the whole log of a topic up to now


async def already_told(read_topic: ReadTopic, channels: Iterable[Channel]) -> Mapping[str, frozenset[str]]:
    """Receivers by the alert events that receipts prove to have been told to them, or refused by them, in full."""
    ids = {channel.name[:256]: channel.id for channel in channels}
    found: defaultdict[str, set[str]] = defaultdict(set)
    async for message in read_topic(RECEIPTS):
        receipt = _receipt(message)
        if receipt is None or receipt.receiver not in ids or receipt.outcome == "retry":
            continue
        if receipt.outcome != "delivered" or receipt.part == receipt.parts:
            for event in receipt.events or (receipt.event,):
                found[event].add(ids[receipt.receiver])
    return {event: frozenset(receivers) for event, receivers in found.items()}


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


def _receipt(message: Message) -> Receipt | None:
    try:
        receipt: Receipt = decode(message.value, Receipt)
    except Reject:
        return None  # ours alone write there; an unreadable one proves no delivery
    return receipt
