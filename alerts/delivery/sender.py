"""Delivers what waits in the outbox: one loop per channel, so that a hung or throttled one delays nobody else.

Nothing is remembered outside the outbox but what is under way and how fast each platform was called: a killed sender
goes on where the outbox stands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import structlog

from alerts.delivery.accounts import letters, orphaned, receipt
from alerts.delivery.channel import Channel
from alerts.delivery.limiter import Limiter
from alerts.delivery.outbox import Notification, Outbox, OutboxUnavailable
from alerts.delivery.schedule import Decision, Reply, decide
from alerts.delivery.trouble import trouble_after
from alerts.delivery.written import place
from streams import metrics
from streams.kafka import Outgoing
from streams.records import AlertEvent, decode, encode
from streams.topics import ALERTS

CONCURRENCY: Final = 2  # attempts under way at once for one channel
IDLE: Final = 30.0  # seconds after which the outbox is looked at again whatever happens
GRACE: Final = 2.0  # seconds that attempts under way get at a shutdown; the rest is sent again after the restart
PRUNE_EVERY: Final = 3600.0
RECORDS_AT_ONCE: Final = 100
DAY: Final = 86_400.0

log = structlog.get_logger(__name__)


class Records(Protocol):
    """Where receipts, alerts about channels and dead letters go (`streams.kafka.Producer`)."""

    async def send_all(self, records: Sequence[Outgoing]) -> None: ...


class Sender:
    """Runs until cancelled. `wake` after new rows were stored; `first_pause` is the pause when the disk refuses."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        records: Records,
        *,
        now: Callable[[], datetime],
        draw: Callable[[], float],
        keep_days: float,
        first_pause: float = 0.25,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._records = records
        self._now = now
        self._draw = draw
        self._keep = keep_days * DAY
        self._first_pause = first_pause
        self._wakers = {channel.id: asyncio.Event() for channel in channels}
        self._limiters = {channel.id: Limiter(channel.limits) for channel in channels}
        self._to_write = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._to_write.set()
        for waker in self._wakers.values():
            waker.set()

    async def run(self) -> None:
        """Deliver, write records and prune until cancelled. Raises what is a bug or a damaged outbox."""
        async with asyncio.TaskGroup() as group:
            for channel in self._channels:
                group.create_task(self._serve(channel), name=f"deliver {channel.name}")
            group.create_task(self._write_records(), name="records")
            group.create_task(self._prune(), name="prune")

    async def _serve(self, channel: Channel) -> None:
        under_way: dict[str, asyncio.Task[None]] = {}
        waker, limiter = self._wakers[channel.id], self._limiters[channel.id]
        try:
            while True:
                waker.clear()
                for id_, task in list(under_way.items()):
                    if task.done():
                        del under_way[id_]
                        task.result()
                free = CONCURRENCY - len(under_way)
                for due in self._outbox.due(channel.id, self._now().timestamp(), free, under_way):
                    now = self._now().timestamp()
                    if limiter.wait(now) > 0:
                        break
                    limiter.took(now)
                    task = asyncio.create_task(self._attempt(channel, due))
                    task.add_done_callback(lambda _: waker.set())
                    under_way[due.id] = task
                await _wait(waker, self._until_next(channel, under_way))
        finally:
            await _settle(list(under_way.values()))

    def _until_next(self, channel: Channel, under_way: dict[str, asyncio.Task[None]]) -> float:
        if len(under_way) >= CONCURRENCY:
            return IDLE
        due = self._outbox.next_due(channel.id, under_way)
        if due is None:
            return IDLE
        now = self._now().timestamp()
        return min(max(due - now, self._limiters[channel.id].wait(now), 0.0), IDLE)

    async def _attempt(self, channel: Channel, due: Notification) -> None:
        at = self._now()
        # Each part is a request of its own to whoever recognises repetitions by the id.
        id_ = due.id if len(due.parts) == 1 else f"{due.id}_{due.done + 1}"
        reply = await _sent(channel, due.parts[due.done], id_, at)
        decision = decide(reply, due.attempts + 1, self._now(), self._draw())
        if reply.pause:
            self._limiters[channel.id].block(self._now().timestamp() + reply.pause)
        await self._hold(partial(self._record, channel, due, reply, decision, at), "outcome")
        self._note(channel, due, decision)
        self.wake()

    def _record(self, channel: Channel, due: Notification, reply: Reply, decision: Decision, at: datetime) -> None:
        """Store the outcome with all that is to be said of it: receipt, dead letters, the alert about the channel."""
        known = self._outbox.troubles().get(channel.id)
        before: AlertEvent | None = None if known is None else decode(known, AlertEvent)
        after, said = trouble_after(before, channel, reply, decision, due.attempts + 1, at)
        lost = [due] if decision.outcome == "refused" else []
        if decision.outcome == "disabled":
            lost = self._outbox.waiting_for(channel.id)
        records = [
            receipt(channel, due, at, reply, decision),
            *letters(channel, lost, decision.reason, at),
            *[Outgoing(ALERTS, encode(event), key=event.alert.encode()) for event in said],
        ]
        trouble = None if after is None else encode(after)
        self._outbox.record(due, decision, reply.outage, records, self._now().timestamp(), trouble)

    async def _hold(self, write: Callable[[], object], what: str) -> None:
        """Write to the outbox; while the disk refuses, keep the value and try again. Repeats no delivery."""
        pause = self._first_pause
        while True:
            try:
                write()
                return
            except OutboxUnavailable as error:
                log.error("outbox.unavailable", holding=what, error=str(error), pause=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, IDLE)

    def _note(self, channel: Channel, due: Notification, decision: Decision) -> None:
        metrics.DELIVERIES.labels(decision.outcome).inc()
        self.measure()
        level = {"delivered": log.info, "retry": log.warning}.get(decision.outcome, log.error)
        level(
            f"delivery.{decision.outcome}",
            receiver=channel.name,
            notification=due.id,
            event_id=due.events[0],
            events=len(due.events),
            part=due.done + 1,
            parts=len(due.parts),
            attempt=due.attempts + 1,
            reason=decision.reason,
            pause=round(decision.pause, 1),
        )

    def measure(self) -> None:
        """Show how much waits, and for how long."""
        count, oldest = self._outbox.waiting()
        metrics.OUTBOX.set(count)
        metrics.OUTBOX_OLDEST.set(oldest or 0.0)

    async def _write_records(self) -> None:
        while True:
            self._to_write.clear()
            waiting = self._outbox.records(RECORDS_AT_ONCE)
            if not waiting:
                await _wait(self._to_write, IDLE)
                continue
            await self._records.send_all([w.record for w in waiting])
            await self._hold(partial(self._outbox.records_written, waiting[-1].number), "records")

    async def _prune(self) -> None:
        while True:
            at = self._now()
            now = at.timestamp()
            await self._hold(partial(self._outbox.set_back, now), "clock")
            await self._hold(partial(self._outbox.prune, now - self._keep, now, partial(orphaned, at=at)), "prune")
            self._to_write.set()
            self.measure()
            await asyncio.sleep(PRUNE_EVERY)


async def _sent(channel: Channel, part: bytes, id_: str, at: datetime) -> Reply:
    """One attempt. A fault of ours is a failed one: it must not end the deliveries of all channels."""
    try:
        return await channel.send(part, id_, at)
    except Exception as error:  # noqa: BLE001 - `send` raises for bugs alone
        log.error("delivery.fault", receiver=channel.name, notification=id_, **place(error))
        return Reply(None, "fault", answer="refused", code="fault", meaning="Tocsin could not make the request")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: up to Python 3.11 it loses a cancellation that arrives together with the event.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _settle(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Let attempts end for a moment, then cut them off."""
    if tasks:
        await asyncio.wait(tasks, timeout=GRACE)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
