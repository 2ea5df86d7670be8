"""Delivers what waits in the outbox: one loop per receiver, so that a hung one delays nobody else.

Nothing is remembered outside the outbox but what is under way: a killed sender goes on where the outbox stands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import structlog

from alerts.delivery.message import notice_body, notification_id
from alerts.delivery.outbox import Notification, Outbox, OutboxUnavailable
from alerts.delivery.schedule import Decision, Reply, decide
from alerts.delivery.webhook import Receiver
from streams import metrics
from streams.kafka import Outgoing
from streams.records import Receipt, encode
from streams.topics import RECEIPTS

CONCURRENCY: Final = 2  # attempts under way at once for one receiver
IDLE: Final = 30.0  # seconds after which the outbox is looked at again whatever happens
GRACE: Final = 2.0  # seconds that attempts under way get at a shutdown; the rest is sent again after the restart
PRUNE_EVERY: Final = 3600.0
RECEIPTS_AT_ONCE: Final = 100
DAY: Final = 86_400.0

log = structlog.get_logger(__name__)


class Post(Protocol):
    """One attempt to hand a body to a receiver (`Webhooks.post`)."""

    def __call__(self, receiver: Receiver, id_: str, body: bytes, at: datetime) -> Awaitable[Reply]: ...


class Records(Protocol):
    """Where receipts go (`streams.kafka.Producer`)."""

    async def send_all(self, records: Sequence[Outgoing]) -> None: ...


class Sender:
    """Runs until cancelled. `wake` after new rows were stored; `first_pause` is the pause when the disk refuses."""

    def __init__(
        self,
        outbox: Outbox,
        receivers: Sequence[Receiver],
        post: Post,
        records: Records,
        *,
        now: Callable[[], datetime],
        draw: Callable[[], float],
        keep_days: float,
        namespace: str = "",
        first_pause: float = 0.25,
    ) -> None:
        self._outbox = outbox
        self._receivers = receivers
        self._post = post
        self._records = records
        self._now = now
        self._draw = draw
        self._keep = keep_days * DAY
        self._namespace = namespace
        self._first_pause = first_pause
        self._wakers = {receiver.id: asyncio.Event() for receiver in receivers}
        self._receipts = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox now."""
        for waker in self._wakers.values():
            waker.set()

    async def run(self) -> None:
        """Deliver, write receipts and prune until cancelled. Raises what is a bug or a damaged outbox."""
        async with asyncio.TaskGroup() as group:
            for receiver in self._receivers:
                group.create_task(self._serve(receiver), name=f"deliver {receiver.name}")
            group.create_task(self._write_receipts(), name="receipts")
            group.create_task(self._prune(), name="prune")

    async def _serve(self, receiver: Receiver) -> None:
        under_way: dict[str, asyncio.Task[None]] = {}
        waker = self._wakers[receiver.id]
        try:
            while True:
                waker.clear()
                for id_, task in list(under_way.items()):
                    if task.done():
                        del under_way[id_]
                        task.result()
                free = CONCURRENCY - len(under_way)
                for due in self._outbox.due(receiver.id, self._now().timestamp(), free, under_way):
                    task = asyncio.create_task(self._attempt(receiver, due))
                    task.add_done_callback(lambda _: waker.set())
                    under_way[due.id] = task
                await _wait(waker, self._until_next(receiver, under_way))
        finally:
            await _settle(list(under_way.values()))

    def _until_next(self, receiver: Receiver, under_way: dict[str, asyncio.Task[None]]) -> float:
        if len(under_way) >= CONCURRENCY:
            return IDLE
        due = self._outbox.next_due(receiver.id, under_way)
        return IDLE if due is None else min(max(due - self._now().timestamp(), 0.0), IDLE)

    async def _attempt(self, receiver: Receiver, due: Notification) -> None:
        at = self._now()
        reply = await self._post(receiver, due.id, due.body, at)
        decision = decide(reply, due.attempts + 1, self._now(), self._draw())
        receipt = _receipt(receiver, due, at, reply, decision)
        await self._hold(
            lambda: self._outbox.record(due, decision, reply.outage, receipt, self._now().timestamp()), "outcome"
        )
        if decision.outcome == "disabled":
            await self._tell_others(receiver, due.id)
        self._note(receiver, due, decision)
        self._receipts.set()
        self.wake()

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

    def _note(self, receiver: Receiver, due: Notification, decision: Decision) -> None:
        metrics.DELIVERIES.labels(decision.outcome).inc()
        metrics.OUTBOX.set(self._outbox.waiting())
        level = {"delivered": log.info, "retry": log.warning}.get(decision.outcome, log.error)
        level(
            f"delivery.{decision.outcome}",
            receiver=receiver.name,
            notification=due.id,
            event_id=due.event,
            attempt=due.attempts + 1,
            reason=decision.reason,
            pause=round(decision.pause, 1),
        )

    async def _tell_others(self, gone: Receiver, cause: str) -> None:
        """Word to the other receivers that one wants no more: somebody should know that it will stay silent."""
        now = self._now()
        notices = []
        for other in self._receivers:
            if other.id == gone.id:
                continue
            id_ = notification_id(f"receiver.disabled:{gone.id}:{cause}", other.id)
            body = notice_body("receiver.disabled", id_, now, self._namespace, receiver=gone.name)
            notices.append(Notification(id_, other.id, id_, 0, "notice", id_, body))
        await self._hold(partial(self._outbox.add, notices, now.timestamp()), "notice")

    async def _write_receipts(self) -> None:
        while True:
            self._receipts.clear()
            waiting = self._outbox.receipts(RECEIPTS_AT_ONCE)
            if not waiting:
                await _wait(self._receipts, IDLE)
                continue
            await self._records.send_all([Outgoing(RECEIPTS, r.value, key=r.key.encode()) for r in waiting])
            last = waiting[-1].number
            await self._hold(partial(self._outbox.receipts_written, last), "receipts")

    async def _prune(self) -> None:
        while True:
            before = self._now().timestamp() - self._keep
            await self._hold(partial(self._outbox.prune, before), "prune")
            metrics.OUTBOX.set(self._outbox.waiting())
            await asyncio.sleep(PRUNE_EVERY)


def _receipt(receiver: Receiver, due: Notification, at: datetime, reply: Reply, decision: Decision) -> bytes:
    return encode(
        Receipt(
            notification=due.id,
            event=due.event,
            receiver=receiver.name,
            attempt=due.attempts + 1,
            at=at,
            outcome=decision.outcome,
            status=reply.status,
            reason=decision.reason[:256],
        )
    )


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
