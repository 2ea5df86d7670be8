"""The notify stage: alerts, what people do about them, and heartbeats in; notifications and records about them out.

A record is acknowledged to Kafka when all it leads to is on disk, whatever the channels do. When the outbox file is
new, damaged or of another version, alerts and operations are read again from Kafka; receipts tell what was delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog

from alerts.delivery.bulletins import WHY, write_bulletin
from alerts.delivery.channel import Channel
from alerts.delivery.heart import Heart
from alerts.delivery.message import rings
from alerts.delivery.outbox import Outbox, OutboxDamaged, OutboxUnavailable, open_outbox
from alerts.delivery.policy import Policy
from alerts.delivery.routing import Routing
from alerts.delivery.sender import DAY, Records, Sender
from alerts.delivery.telling import Dispatch
from alerts.delivery.trouble import reconcile
from alerts.delivery.written import Links, no_links, place, write_all
from alerts.evaluation.badge import BadgeOf, no_badge
from alerts.rebuild import NOTHING, ReadTopic, Told, already_told, history, remembered, told_before, until_read
from streams import metrics
from streams.deadletter import Breaker, dead_letter
from streams.kafka import FIRST_PAUSE, LONGEST_PAUSE, Message, Outgoing
from streams.records import AlertEvent, Bulletin, Feedback, Heartbeat, Opinion, Reject, decode, encode
from streams.settings import Settings
from streams.topics import ALERTS, FEEDBACK, HEALTH, REPORTS, Topic

STAGE: Final = "notify"
FILE: Final = "outbox.sqlite"
AT_ONCE: Final = 500  # records taken in one transaction while the outbox is rebuilt
IDLE: Final = 30.0  # seconds after which the policy is asked whatever happens
SHORTEST: Final = 0.05
PRUNE_EVERY: Final = 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """One record: what it says, or why it says nothing."""

    message: Message
    record: AlertEvent | Opinion | Heartbeat | Bulletin | None
    reject: Reject | None = None


def outbox_path(settings: Settings) -> Path:
    """Where the outbox of this installation and namespace lies."""
    return settings.state_dir / "notify" / (f"{settings.namespace}-{FILE}" if settings.namespace else FILE)


class Notifier:
    """`prepare` decodes, `deliver` stores; `run` opens the outbox, delivers from it, and keeps the policy's time."""

    def __init__(
        self,
        settings: Settings,
        channels: Sequence[Channel],
        routing: Routing,
        *,
        records: Records,
        read_topic: ReadTopic,
        now: Callable[[], datetime],
        draw: Callable[[], float],
        links: Links = no_links,
        heart: Heart | None = None,
        badge_of: BadgeOf = no_badge,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._settings = settings
        self._channels = {channel.id: channel for channel in channels}
        self._routing = routing
        self._records = records
        self._read_topic = read_topic
        self._now = now
        self._draw = draw
        self._links = links
        self._heart = heart
        self._badge_of = badge_of
        self._first_pause = first_pause
        kinds: dict[Topic, Any] = {ALERTS: AlertEvent, FEEDBACK: Opinion, HEALTH: Heartbeat, REPORTS: Bulletin}
        self._kinds = {topic.full(settings): kind for topic, kind in kinds.items()}
        self._breaker = Breaker()
        self._one_at_a_time = asyncio.Lock()  # a step of the policy and its transaction are one
        self._changed = asyncio.Event()
        self._outbox: Outbox | None = None
        self._policy: Policy | None = None
        self._sender: Sender | None = None

    async def run(self, consume: Callable[[], Awaitable[None]]) -> None:
        """Deliver while `consume` runs, and end with it. A fault of either ends the other and is raised."""
        outbox = self._outbox = await self._open()
        try:
            await self._wait_out(lambda: outbox.enrol({c.id: c.settings for c in self._channels.values()}))
            policy = self._policy = self._remember(outbox)
            moved = {old: (new, self._channels[new].type) for old, new in policy.moved.items()}
            await self._wait_out(lambda: outbox.move(moved, policy.changes()))
            sender = self._sender = self._make_sender(outbox)
            new = not outbox.complete
            if new:
                await self._rebuild(outbox)
            await self._settle_troubles(outbox, policy, new)
            self._say_who_listens(outbox)
            async with asyncio.TaskGroup() as group:
                work = [sender.run(), self._keep_time(), *([self._heart.run()] if self._heart else [])]
                tasks = [group.create_task(one) for one in work]
                await consume()
                for task in tasks:
                    task.cancel()
        finally:
            self._outbox = self._sender = self._policy = None
            outbox.close()

    def _remember(self, outbox: Outbox) -> Policy:
        return remembered(outbox, self._routing, tuple(self._channels.values()))

    def _make_sender(self, outbox: Outbox) -> Sender:
        return Sender(
            outbox,
            tuple(self._channels.values()),
            self._records,
            now=self._now,
            draw=self._draw,
            keep_days=self._settings.outbox_days,
            first_pause=self._first_pause,
        )

    def _say_who_listens(self, outbox: Outbox) -> None:
        if not self._channels:
            remedy = "set TOCSIN_CHANNELS or TOCSIN_WEBHOOK_URLS"
            log.warning("notify.no_receiver", effect="alerts reach nobody", remedy=remedy)
        disabled = outbox.disabled()
        for channel in self._channels.values():
            log.info("notify.receiver", receiver=channel.name, type=channel.type, disabled=disabled.get(channel.id, ""))

    async def _settle_troubles(self, outbox: Outbox, policy: Policy, new: bool) -> None:
        known = {id_: decode(event, AlertEvent) for id_, event in outbox.troubles().items()}
        now, channels = self._now(), tuple(self._channels.values())
        changed, over = reconcile(policy.about_channels(), known, channels, now, new=new)
        troubles = {id_: None if event is None else encode(event) for id_, event in changed.items()}
        records = [Outgoing(ALERTS, encode(event), key=event.alert.encode()) for event in over]
        await self._wait_out(lambda: outbox.change_troubles(troubles, records, now.timestamp()))

    async def prepare(self, messages: list[Message]) -> list[Decoded]:
        """Decode the batch; no effects."""
        metrics.BATCH_RECORDS.labels(STAGE).observe(len(messages))
        return [self._decode(message) for message in messages]

    def _decode(self, message: Message) -> Decoded:
        try:
            return Decoded(message, decode(message.value, self._kinds[message.topic]))
        except Reject as reject:
            return Decoded(message, None, reject)

    async def deliver(self, batch: list[Decoded]) -> bool:
        """Dead letters are written, then all the batch leads to in one transaction; then it may be acknowledged."""
        now = self._now()
        letters = [dead_letter(STAGE, d.message, d.reject, now) for d in batch if d.reject is not None]
        if letters:
            await self._records.send_all(letters)
        await self._take(batch, due=True)
        for one in batch:
            if isinstance(one.record, Heartbeat) and self._heart is not None:
                self._heart.hear(one.record.at)
        self._account(batch)
        return True

    async def tick(self) -> None:
        """Put together what is due by now."""
        await self._take([], due=True)

    async def _take(self, batch: Sequence[Decoded], *, due: bool, told: Told = NOTHING) -> int:
        """Take the records in and store what they lead to; with `due`, what time leads to as well. Returns how many
        notifications are new. A record that cannot be taken in becomes a dead letter and spoils no other."""
        if self._outbox is None:
            raise RuntimeError("the outbox is not open: deliver() runs inside run()")
        async with self._one_at_a_time:
            try:
                added = await self._store(batch, due, told)
            except Exception as error:  # noqa: BLE001 - one of them cannot be taken in: find out which
                log.error("notify.step_failed", records=len(batch), **place(error))
                added = await self._one_by_one(self._outbox, batch, told)
                added += await self._store([], due, told)
        self._changed.set()
        return added

    async def _one_by_one(self, outbox: Outbox, batch: Sequence[Decoded], told: Told) -> int:
        """Each record by itself, from what is on disk: a step that failed half-way leaves nothing behind."""
        added = 0
        self._policy = self._remember(outbox)
        for one in batch:
            try:
                added += await self._store([one], due=False, told=told)
            except (OutboxDamaged, OutboxUnavailable):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the next alert must be told
                log.error("notify.record_failed", offset=one.message.offset, topic=one.message.topic, **place(error))
                self._policy = self._remember(outbox)
                reject = Reject("not_taken_in", f"no step of the policy could be made of it: {type(error).__name__}")
                await self._records.send_all([dead_letter(STAGE, one.message, reject, self._now())])
                metrics.REJECTS.labels(STAGE, reject.reason).inc()
        return added

    async def _store(self, batch: Sequence[Decoded], due: bool, told: Told) -> int:
        """One step of the policy and its transaction."""
        outbox, policy, sender = self._outbox, self._policy, self._sender
        assert outbox is not None and policy is not None and sender is not None, "inside run()"  # noqa: S101, PT018
        now = self._now()
        horizon = now.timestamp() - self._settings.outbox_days * DAY
        dispatches: list[Dispatch] = []
        for one in batch:
            if one.record is not None and not isinstance(one.record, Feedback | Heartbeat | Bulletin):
                known = told_before(one.record, told, self._channels)
                dispatches += policy.take(one.record, now, known, old=one.message.timestamp < horizon)
        dispatches += policy.tick(now) if due else []
        reports = [o.record for o in batch if isinstance(o.record, Bulletin) and o.message.timestamp >= horizon]
        rows, disabled = policy.changes(), outbox.disabled() if dispatches or reports else {}
        namespace = self._settings.namespace
        notifications, lost = write_all(dispatches, self._channels, self._links, namespace, disabled, self._badge_of)
        for report in reports:
            made, unsent = write_bulletin(report, self._channels.values(), disabled, told.get(report.id, ()))
            notifications, lost = notifications + made, lost + unsent
        added: list[int] = []
        if notifications or rows or lost:
            await self._wait_out(lambda: added.append(outbox.store(notifications, rows, now.timestamp(), lost)))
        for dispatch in dispatches:
            metrics.NOTIFICATIONS.labels(dispatch.message.why).inc()
            metrics.SUPPRESSED.inc(dispatch.message.suppressed)
        metrics.NOTIFICATIONS.labels(WHY).inc(len(reports))
        if dispatches or reports:
            sender.wake()
            sender.measure()
        return sum(added)

    async def _keep_time(self) -> None:
        """Wake the policy when something is due."""
        pruned = self._now()
        while self._policy is not None:
            self._changed.clear()
            if abs((self._now() - pruned).total_seconds()) > PRUNE_EVERY:
                pruned = self._now()
                self._policy.prune(pruned)
            due = self._policy.next_due()
            pause = IDLE if due is None else min(max((due - self._now()).total_seconds(), SHORTEST), IDLE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for may swallow a cancellation on Python 3.11
                    await self._changed.wait()
                    continue
            await self.tick()

    def _account(self, batch: Sequence[Decoded]) -> None:
        now = self._now().timestamp()
        rejects = [one.reject for one in batch if one.reject is not None]
        alerts = [one.record for one in batch if isinstance(one.record, AlertEvent)]
        ringing = sum(rings(event) for event in alerts)
        metrics.RECORDS.labels(STAGE, "rejected").inc(len(rejects))
        metrics.RECORDS.labels(STAGE, "silent").inc(len(batch) - len(rejects) - ringing)
        metrics.RECORDS.labels(STAGE, "accepted" if self._channels else "no_receiver").inc(ringing)
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
        """Fill a new outbox from Kafka. Repeated from the start after a fault: what was taken in stays as it is."""
        added = await until_read(self._read_again, self._first_pause)
        await self._wait_out(outbox.mark_complete)
        log.info("notify.rebuilt", notifications=added)

    async def _read_again(self) -> int:
        told = await already_told(self._read_topic, self._channels.values())
        added = 0
        batch: list[Decoded] = []
        async for message in history(self._read_topic):
            batch.append(self._decode(message))
            if len(batch) >= AT_ONCE:
                added += await self._take(batch, due=False, told=told)
                batch.clear()
        async for message in self._read_topic(REPORTS):
            added += await self._take([self._decode(message)], due=False, told=told)
        return added + await self._take(batch, due=False, told=told)

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
