"""Reports on their way out: one record in the topic `reports`, which `notify` delivers like alerts, each receiver once.

What was sent is known from that topic, so a restart, a second scheduler or a command by hand sends nothing twice; and
should two of them write at once, both records have one id, and the outbox takes a notification once. The topic forgets
after three months. A command by hand may name an older day, so it asks the receipts too: they are small, and they stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alerts.delivery.channel import Channel
from alerts.delivery.channels.alertmanager import Alertmanager
from alerts.delivery.channels_file import load_channels
from console.alert_display import moment
from console.messages import say
from console.report.bulletin import bulletin_of, numbered
from console.report.contents import Report
from console.report.log import receipts_of
from console.report.making import make
from console.report.period import Period
from streams import clock
from streams.kafka import Outgoing, Producer, ensure_topics, read_topic
from streams.plain import plain
from streams.records import Bulletin, Reject, decode, encode
from streams.settings import Settings
from streams.topics import RECEIPTS, REPORTS

HALVES: Final = {"en": ("en",), "zh": ("zh",), "both": ("zh", "en")}


class NotSent(ValueError):  # noqa: N818 - what happened
    """It cannot be sent as asked; the message says why and what to do."""


class NotNow(RuntimeError):  # noqa: N818 - what happened
    """It cannot be sent now; later it may be."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A report was sent to somebody. `number` counts how often it was sent again on purpose."""

    number: int
    receiver: str
    at: datetime


async def bulletins(settings: Settings, bootstrap: str) -> list[Bulletin]:
    """All reports that were handed over within the topic's retention, in order."""
    await ensure_topics(settings, bootstrap)  # an older installation lacks the topic
    found: list[Bulletin] = []
    async for message in read_topic(settings, bootstrap, REPORTS):
        try:
            found.append(decode(message.value, Bulletin))
        except Reject:
            continue  # ours alone write there
    return found


async def answered(settings: Settings, bootstrap: str, period: Period) -> list[Handed]:
    """To whom receipts say that the report of this period was sent, whatever they answered, however long ago."""
    name, found = name_of(period), list[Handed]()
    async for message in read_topic(settings, bootstrap, RECEIPTS):
        for about, receipt in receipts_of(message):
            if about == name:
                found.append(Handed(number_of(receipt.event), receipt.receiver, receipt.at))
    return found


def handed(known: Iterable[Bulletin], period: Period) -> list[Handed]:
    """To whom these records sent the report of a period."""
    name = name_of(period)
    mine = [each for each in known if each.id.rpartition(".")[0] == name]
    return [Handed(number_of(each.id), name, each.at) for each in mine for name in each.receivers]


def name_of(period: Period) -> str:
    """What the ids of all reports of a period begin with."""
    return numbered(period, 0).rpartition(".")[0]


def number_of(id_: str) -> int:
    """The number of a report, from its id."""
    return int(id_.rpartition(".")[2])


def receivers(settings: Settings, names: Sequence[str]) -> list[Channel]:
    """The receivers of these names, or else those of the settings. Raises NotSent for a name that is none."""
    wanted = list(names) or [name.strip() for name in settings.report_receivers.split(",") if name.strip()]
    if not wanted:
        raise NotSent(say("report.refused.no_receivers"))
    channels, _ = load_channels(settings)
    known = {channel.name: channel for channel in channels}
    for name in wanted:
        if name not in known:
            listed = ", ".join(sorted(known)) or "–"
            raise NotSent(say("report.refused.unknown_receiver", name=plain(name, 60), known=plain(listed, 300)))
        if isinstance(known[name], Alertmanager):
            raise NotSent(say("report.refused.takes_none", name=plain(name, 60)))
    return [known[name] for name in dict.fromkeys(wanted)]


async def by_hand(settings: Settings, bootstrap: str, period: Period, names: Sequence[str], *, again: bool) -> str:
    """Send the report of a period; what happened, in words. Raises NotSent and NotNow."""
    if not period.complete:
        values = {"day": period.last.isoformat(), "zone": period.zone.key}
        raise NotSent(say("report.refused.not_over", **values))
    chosen = receivers(settings, names)
    known = handed(await bulletins(settings, bootstrap), period) + await answered(settings, bootstrap, period)
    left = chosen if again else missing(chosen, known)
    if not left:
        having = [channel.name for channel in chosen]
        at = max(each.at for each in known if each.receiver in having)
        return say("report.again_nothing", receivers=plain(", ".join(having), 300), at=f"{moment(at)} UTC")
    report = await make(settings, bootstrap, period, clock.now())
    if report.missing:
        raise NotNow(say("report.refused.incomplete"))
    number = next_number(known) if again else 0
    sent = await hand_over(settings, bootstrap, report, left, number)
    if not sent:
        raise NotSent(say("report.refused.demo"))
    return say("report.handed", receivers=plain(", ".join(sent), 300))


def missing(chosen: Sequence[Channel], known: Iterable[Handed]) -> list[Channel]:
    """The receivers that the report was not sent to."""
    have = {each.receiver for each in known}
    return [channel for channel in chosen if channel.name not in have]


def next_number(known: Iterable[Handed]) -> int:
    """The number of a report that is sent once more."""
    return max((each.number for each in known), default=-1) + 1


async def hand_over(
    settings: Settings, bootstrap: str, report: Report, chosen: Sequence[Channel], number: int = 0
) -> list[str]:
    """Write the record, durable in Kafka; the names of its receivers. Of demo data only those that take it."""
    takers = [channel for channel in chosen if channel.demo or not report.demo]
    if not takers:
        return []
    languages = dict.fromkeys(
        lang for channel in takers for lang in HALVES[getattr(_reader(channel), "language", "en")]
    )
    record = await asyncio.to_thread(bulletin_of, report, takers, tuple(languages), settings.public_url, number)
    producer = Producer(settings, bootstrap)
    try:
        await producer.send_all([Outgoing(REPORTS, encode(record), key=record.id.encode())])
    finally:
        await producer.stop()
    return [channel.name for channel in takers]


def _reader(channel: Channel) -> Any:
    """Who reads at this receiver; a webhook has both languages' titles and is for programs."""
    return getattr(channel, "reader", None)
