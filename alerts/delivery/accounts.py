"""What is written about a delivery: a receipt for each attempt, a dead letter for what a channel never took. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from alerts.delivery.channel import Channel
from alerts.delivery.notification import Notification
from alerts.delivery.schedule import Decision, Reply
from streams.deadletter import CHANNEL, letter
from streams.kafka import Outgoing
from streams.plain import plain
from streams.records import Receipt, Reject, encode
from streams.topics import DEADLETTERS, RECEIPTS

STAGE: Final = "notify"
UNDELIVERED: Final = "undelivered"
EVENTS_NAMED: Final = 10


def receipt(channel: Channel, done: Notification, at: datetime, reply: Reply, decision: Decision) -> Outgoing:
    """What the channel answered to one attempt at one part."""
    record = Receipt(
        notification=done.id,
        event=done.events[0],
        receiver=channel.name[:256],
        attempt=done.attempts + 1,
        at=at,
        outcome=decision.outcome,
        status=reply.status,
        reason=plain(decision.reason, 256),
        channel=channel.type[:256],
        answer=reply.said,
        code=plain(reply.code, 256),
        meaning=plain(reply.meaning, 500),
        fix=plain(reply.fix, 500),
        part=done.done + 1,
        parts=len(done.parts),
        events=done.events if len(done.events) > 1 else (),
    )
    return Outgoing(RECEIPTS, encode(record), key=done.id.encode())


def letters(channel: Channel, lost: Sequence[Notification], reason: str, at: datetime) -> list[Outgoing]:
    """A dead letter for each notification that this channel never took; the alerts themselves lie in their topic."""
    return [_letter(channel.name, one, reason, at) for one in lost]


def orphaned(lost: Sequence[Notification], at: datetime) -> list[Outgoing]:
    """A dead letter for each notification whose receiver was taken out of the settings and never came back."""
    return [_letter(one.type or one.receiver, one, "its receiver is not configured any more", at) for one in lost]


def _letter(name: str, lost: Notification, reason: str, at: datetime) -> Outgoing:
    more = len(lost.events) - EVENTS_NAMED
    named = ", ".join(lost.events[:EVENTS_NAMED]) + (f" and {more} more" if more > 0 else "")
    reject = Reject(UNDELIVERED, f"{plain(reason, 200)}; events: {named}")
    origin = f"{CHANNEL}{name}"[:256]
    record = replace(letter(STAGE, origin, 0, 0, None, reject, at), id=f"{STAGE}:{lost.id}")
    return Outgoing(DEADLETTERS, encode(record), key=lost.id.encode())
