"""The notify stage: alert events in; outbox rows, deliveries, receipts and dead letters out.

An alert is acknowledged to Kafka when its notifications are on disk, whatever the receivers do. When the outbox file
is new or was damaged, the alerts are read again from Kafka; receipts tell what had been delivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from alerts.delivery.message import alert_body, notification_id, rings
from alerts.delivery.outbox import Notification, Outbox, OutboxUnavailable, Settled, open_outbox
from alerts.delivery.sender import DAY, Post, Records, Sender
from alerts.delivery.webhook import Receiver
from streams import metrics
from streams.deadletter import Breaker, dead_letter
from streams.kafka import FATAL, FIRST_PAUSE, LONGEST_PAUSE, Message
from streams.records import AlertEvent, Receipt, Reject, decode
from streams.settings import Settings
from streams.topics import ALERTS, RECEIPTS, Topic

STAGE: Final = "notify"
FILE: Final = "outbox.sqlite"
AT_ONCE: Final = 500  # alerts stored in one transaction while the outbox is rebuilt

log = structlog.get_logger(__name__)

ReadTopic = Callable[[Topic], AsyncIterator[Message]]  # the whole log of a topic up to now


@dataclass(frozen=True, slots=True)
class Decoded:
    """One record of the topic: an alert event, or why it is none."""

    message: Message
    event: AlertEvent | None
    reject: Reject | None = None


def outbox_path(settings: Settings) -> Path:
    """Where the outbox of this installation and namespace lies."""
    return settings.state_dir / "notify" / (f"{settings.namespace}-{FILE}" if settings.namespace else FILE)


class Notifier:
    """`prepare` decodes, `deliver` stores; `run` opens the outbox and delivers from it meanwhile."""

    def __init__(
        self,
        settings: Settings,
        receivers: Sequence[Receiver],
        *,
        post: Post,
        records: Records,
        read_topic: ReadTopic,
        now: Callable[[], datetime],
        draw: Callable[[], float],
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._settings = settings
        self._receivers = receivers
        self._post = post
        self._records = records
        self._read_topic = read_topic
        self._now = now
        self._draw = draw
        self._first_pause = first_pause
        self._breaker = Breaker()
        self._outbox: Outbox | None = None
        self._sender: Sender | None = None

    async def run(self, consume: Callable[[], Awaitable[None]]) -> None:
        """Deliver while `consume` runs, and end with it. A fault of either ends the other and is raised."""
        outbox = self._outbox = await self._open()
        try:
            await self._wait_out(lambda: outbox.enrol({r.id: r.settings for r in self._receivers}))
            if not outbox.complete:
                await self._rebuild(outbox)
            sender = self._sender = Sender(
                outbox,
                self._receivers,
                self._post,
                self._records,
                now=self._now,
                draw=self._draw,
                keep_days=self._settings.outbox_days,
                namespace=self._settings.namespace,
                first_pause=self._first_pause,
            )
            self._say_who_listens(outbox)
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(sender.run(), name="sender")
                await consume()
                sending.cancel()
        finally:
            self._outbox = self._sender = None
            outbox.close()

    def _say_who_listens(self, outbox: Outbox) -> None:
        if not self._receivers:
            log.warning("notify.no_receiver", effect="alerts reach nobody", remedy="set TOCSIN_WEBHOOK_URLS")
        disabled = outbox.disabled()
        for receiver in self._receivers:
            log.info("notify.receiver", receiver=receiver.name, disabled=disabled.get(receiver.id, ""))

    async def prepare(self, messages: list[Message]) -> list[Decoded]:
        """Decode the batch; no effects."""
        metrics.BATCH_RECORDS.labels(STAGE).observe(len(messages))
        return [_decode(message) for message in messages]

    async def deliver(self, batch: list[Decoded]) -> bool:
        """Dead letters are written, then all rows of the batch in one transaction; then it may be acknowledged."""
        now = self._now()
        letters = [dead_letter(STAGE, d.message, d.reject, now) for d in batch if d.reject is not None]
        if letters:
            await self._records.send_all(letters)
        await self._store(batch)
        self._account(batch)
        return True

    async def _store(self, batch: Sequence[Decoded]) -> None:
        outbox, sender = self._outbox, self._sender
        if outbox is None or sender is None:
            raise RuntimeError("the outbox is not open: deliver() runs inside run()")
        rows, expired = self._rows(batch)
        if rows:
            await self._wait_out(lambda: outbox.add(rows, self._now().timestamp(), expired))
            sender.wake()
            metrics.OUTBOX.set(outbox.waiting())

    def _rows(self, batch: Sequence[Decoded]) -> tuple[list[Notification], dict[str, Settled]]:
        """A row for each receiver of each event that rings, and the ids of those too old to be sent now."""
        horizon = self._now().timestamp() - self._settings.outbox_days * DAY
        rows: list[Notification] = []
        expired: dict[str, Settled] = {}
        for one in batch:
            if one.event is None or not rings(one.event):
                continue
            for receiver in self._receivers:
                old = one.message.timestamp < horizon
                rows.append(self._row(one.event, receiver.id, b"" if old else None))
                if old:
                    expired[rows[-1].id] = "expired"
        return rows, expired

    def _row(self, event: AlertEvent, receiver: str, body: bytes | None) -> Notification:
        return Notification(
            id=notification_id(event.id, receiver),
            receiver=receiver,
            thread=event.alert,
            sequence=event.sequence,
            kind=event.state,
            event=event.id,
            body=alert_body(event, receiver, self._settings.namespace) if body is None else body,
        )

    def _account(self, batch: Sequence[Decoded]) -> None:
        now = self._now().timestamp()
        rejects = [one.reject for one in batch if one.reject is not None]
        silent = sum(one.event is not None and not rings(one.event) for one in batch)
        ringing = len(batch) - len(rejects) - silent
        metrics.RECORDS.labels(STAGE, "rejected").inc(len(rejects))
        metrics.RECORDS.labels(STAGE, "silent").inc(silent)
        metrics.RECORDS.labels(STAGE, "accepted" if self._receivers else "no_receiver").inc(ringing)
        for reject in rejects:
            metrics.REJECTS.labels(STAGE, reject.reason).inc()
        for one in batch:
            metrics.LATENCY.labels(STAGE).observe(max(0.0, now - one.message.timestamp))
        metrics.LAST_DELIVERY.labels(STAGE).set(now)
        self._breaker.count(len(batch) - len(rejects), len(rejects))

    async def _open(self) -> Outbox:
        found: list[Outbox] = []
        await self._wait_out(lambda: found.append(open_outbox(outbox_path(self._settings))))
        return found[0]

    async def _rebuild(self, outbox: Outbox) -> None:
        """Fill a new outbox from Kafka. Repeated from the start after a fault; rows that are there stay as they are."""
        pause = self._first_pause
        while True:
            try:
                added = await self._read_again(outbox)
                break
            except FATAL:
                raise
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("notify.rebuild_waiting", error=type(error).__name__, pause=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        await self._wait_out(outbox.mark_complete)
        log.info("notify.rebuilt", rows=added)

    async def _read_again(self, outbox: Outbox) -> int:
        settled: dict[str, Settled] = {}
        async for message in self._read_topic(RECEIPTS):
            receipt = _receipt(message)
            if receipt is not None and receipt.outcome != "retry":
                settled[receipt.notification] = receipt.outcome
        added = 0
        batch: list[Decoded] = []
        async for message in self._read_topic(ALERTS):
            batch.append(_decode(message))
            if len(batch) >= AT_ONCE:
                added += self._add_again(outbox, batch, settled)
                batch.clear()
        return added + self._add_again(outbox, batch, settled)

    def _add_again(self, outbox: Outbox, batch: Sequence[Decoded], settled: dict[str, Settled]) -> int:
        rows, expired = self._rows(batch)
        return outbox.add(rows, self._now().timestamp(), expired | settled)

    async def _wait_out(self, write: Callable[[], object]) -> None:
        """Do it, again and again while the disk refuses: nothing is acknowledged meanwhile."""
        pause = self._first_pause
        while True:
            try:
                write()
                return
            except OutboxUnavailable as error:
                log.error("outbox.unavailable", holding="alerts", error=str(error), pause=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)


def _decode(message: Message) -> Decoded:
    try:
        return Decoded(message, decode(message.value, AlertEvent))
    except Reject as reject:
        return Decoded(message, None, reject)


def _receipt(message: Message) -> Receipt | None:
    try:
        receipt: Receipt = decode(message.value, Receipt)
    except Reject:
        return None  # ours alone write there; an unreadable one proves no delivery
    return receipt
