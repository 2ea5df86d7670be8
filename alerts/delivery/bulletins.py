"""Reports on their way to receivers: the same channels, outbox and receipts as alerts, once to each receiver.

Which receivers a report goes to is written in it; routes, silences and quiet hours are about alerts. Demo data goes to
receivers with `demo` only. A report is known by the event `report:<kind>:<day>.<number>`, so that a second copy of the
record, another process that made it, or a rebuilt outbox sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import structlog

from alerts.delivery.accounts import letters
from alerts.delivery.channel import Channel
from alerts.delivery.message import notification_id
from alerts.delivery.notification import Notification
from alerts.delivery.written import UNWRITABLE, Written, place
from streams.kafka import Outgoing
from streams.records import Bulletin

WHY = "report"

log = structlog.get_logger(__name__)


def write_bulletin(
    bulletin: Bulletin, channels: Iterable[Channel], disabled: Mapping[str, str], told: Collection[str] = ()
) -> Written:
    """A notification for each of its receivers but those `told` before, and dead letters for what cannot be sent: a
    receiver that is switched off, or one that takes no reports."""
    made, lost = list[Notification](), list[Outgoing]()
    for channel in channels:
        if channel.name not in bulletin.receivers or channel.id in told or (bulletin.demo and not channel.demo):
            continue
        row = _row(bulletin, channel)
        if not row.parts:
            lost += letters(channel, [row], UNWRITABLE, bulletin.at)
            continue
        made.append(row)
        if channel.id in disabled:
            lost += letters(channel, [row], disabled[channel.id], bulletin.at)
    return made, lost


def _row(bulletin: Bulletin, channel: Channel) -> Notification:
    id_ = notification_id(bulletin.id, channel.id)
    try:
        parts = channel.report(bulletin, id_)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other receivers must be told
        log.error("delivery.unwritable", receiver=channel.name, notification=id_, **place(error))
        parts = ()
    return Notification(
        id=id_, receiver=channel.id, type=channel.type, why=WHY, events=(bulletin.id,), parts=tuple(parts)
    )
