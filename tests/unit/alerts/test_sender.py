"""The sender: what waits is delivered in order, repeated by schedule, and accounted for by receipts."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from alerts.delivery.message import alert_body, notification_id
from alerts.delivery.outbox import Notification, Outbox, open_outbox
from alerts.delivery.schedule import ATTEMPTS, PAUSES
from alerts.delivery.sender import Sender
from alerts.delivery.webhook import Receiver, Webhooks, read_receivers, verify
from streams.records import AlertEvent, digest
from tests.ringing import Clock, Kept, ScriptedReceiver, event, holds_still, receiving, settings, until

AFTER = 1.21  # past any pause with its jitter


class Bench:
    """A sender at work: real outbox, real HTTP, a clock that is set."""

    def __init__(self, folder: Path, servers: Sequence[ScriptedReceiver], timeout: float) -> None:
        self.settings = settings(folder, ",".join(server.url for server in servers), webhook_timeout=timeout)
        self.receivers: tuple[Receiver, ...] = read_receivers(self.settings)
        self.clock = Clock()
        self.kept = Kept()
        self.webhooks = Webhooks(self.settings)
        self.path = folder / "outbox.sqlite"
        self.outbox: Outbox = open_outbox(self.path)
        self.sender: Sender
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.outbox.enrol({r.id: r.settings for r in self.receivers})
        self.sender = Sender(
            self.outbox,
            self.receivers,
            self.webhooks.post,
            self.kept,
            now=self.clock.now,
            draw=lambda: 0.5,
            keep_days=7.0,
            first_pause=0.01,
        )
        self.task = asyncio.create_task(self.sender.run())

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    async def restart(self) -> None:
        await self.stop()
        self.outbox.close()
        self.outbox = open_outbox(self.path)
        self.start()

    def ring(self, *events: AlertEvent) -> list[str]:
        rows = [
            Notification(notification_id(e.id, r.id), r.id, e.alert, e.sequence, e.state, e.id, alert_body(e, r.id))
            for e in events
            for r in self.receivers
        ]
        self.outbox.add(rows, self.clock.now().timestamp())
        self.sender.wake()
        return [row.id for row in rows]

    def forward(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.sender.wake()

    def outcomes(self) -> list[str]:
        return [receipt.outcome for receipt in self.kept.receipts()]

    async def settled(self, count: int) -> None:
        await until(lambda: len(self.kept.receipts()) >= count)


@contextlib.asynccontextmanager
async def bench(folder: Path, *servers: ScriptedReceiver, timeout: float = 5.0) -> AsyncIterator[Bench]:
    found = Bench(folder, servers, timeout)
    found.start()
    try:
        yield found
    finally:
        await found.stop()
        await found.webhooks.close()
        found.outbox.close()


async def test_a_notification_is_delivered_with_a_receipt(tmp_path: Path) -> None:
    """One alert, one signed request, one receipt that names the host and nothing more of the address."""
    async with receiving() as server, bench(tmp_path, server) as at:
        (id_,) = at.ring(event())
        await at.settled(1)
    (request,) = server.requests
    assert verify(at.receivers[0].secrets, request.headers, request.body, at.clock.now()) == id_
    (receipt,) = at.kept.receipts()
    assert (receipt.notification, receipt.event, receipt.attempt, receipt.outcome, receipt.status) == (
        *(id_, event().id, 1, "delivered", 204),
    )
    assert receipt.receiver.startswith(f"http://127.0.0.1:{server.port}#")
    assert "canary" not in str(at.kept.records)


async def test_failures_are_repeated_by_the_schedule_under_one_id(tmp_path: Path) -> None:
    """500 three times, then 200: four requests with one id, each signed for its own moment, none before its time."""
    async with receiving(500, 500, 500, 200) as server, bench(tmp_path, server) as at:
        (id_,) = at.ring(event())
        for attempt in range(1, 4):
            await at.settled(attempt)
            at.forward(PAUSES[attempt] * 0.99)
            await holds_still(lambda seen=attempt: len(server.requests) > seen)  # type: ignore[misc]
            at.forward(PAUSES[attempt] * (AFTER - 0.99))
        await at.settled(4)
    assert server.ids == [id_] * 4
    assert len({r.headers["webhook-timestamp"] for r in server.requests}) == 4
    assert len({r.body for r in server.requests}) == 1
    assert at.outcomes() == ["retry", "retry", "retry", "delivered"]
    assert [r.attempt for r in at.kept.receipts()] == [1, 2, 3, 4]


async def test_the_schedule_ends_with_a_refusal_and_the_next_step_follows(tmp_path: Path) -> None:
    """After the last attempt the notification is given up, and the alert's next step is sent."""
    async with receiving(*[500] * ATTEMPTS) as server, bench(tmp_path, server) as at:
        first, second = at.ring(event(), event(1, "resolved"))
        for attempt in range(1, ATTEMPTS):
            await at.settled(attempt)
            at.forward(PAUSES[attempt] * AFTER)
        await at.settled(ATTEMPTS + 1)
    assert server.ids == [first] * ATTEMPTS + [second]
    assert at.outcomes() == ["retry"] * (ATTEMPTS - 1) + ["refused", "delivered"]


async def test_the_end_of_an_alert_waits_for_its_beginning(tmp_path: Path) -> None:
    """While firing is not delivered, resolved is held back; another alert is not."""
    other = event(alert=digest("another"))
    async with receiving(500) as server, bench(tmp_path, server) as at:
        (firing,) = at.ring(event())
        await at.settled(1)
        (resolved,) = at.ring(event(1, "resolved"))
        (elsewhere,) = at.ring(other)
        await at.settled(2)
        assert server.ids == [firing, elsewhere]
        at.forward(PAUSES[1] * AFTER)
        await at.settled(4)
    assert server.ids == [firing, elsewhere, firing, resolved]


async def test_a_hung_receiver_delays_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One receiver hangs on everything, two requests at a time; the other gets each alert once meanwhile."""
    monkeypatch.setattr("alerts.delivery.sender.GRACE", 0.01)
    many = [event(alert=digest(str(n))) for n in range(5)]
    async with receiving(*["hang"] * 50) as hung, receiving() as well, bench(tmp_path, hung, well, timeout=30.0) as at:
        at.ring(*many)
        await at.settled(5)
        await until(lambda: len(hung.requests) == 2)
        await holds_still(lambda: len(hung.requests) > 2)
    assert sorted(well.ids) == sorted(notification_id(e.id, at.receivers[1].id) for e in many)
    assert at.outcomes() == ["delivered"] * 5


async def test_a_receiver_that_is_back_gets_all_at_once(tmp_path: Path) -> None:
    """After an outage the first success brings the delayed notifications forward: a bell hours late is none."""
    async with receiving("reset", "reset", "reset", "reset") as server, bench(tmp_path, server) as at:
        first, second = at.ring(event(), event(alert=digest("b")))
        await at.settled(2)
        at.forward(PAUSES[1] * AFTER)
        await at.settled(4)
        (third,) = at.ring(event(alert=digest("c")))
        await at.settled(7)
    assert server.ids[4] == third
    assert sorted(server.ids[5:]) == sorted([first, second])


async def test_retry_after_is_obeyed(tmp_path: Path) -> None:
    """A receiver that asks for a minute is left alone for a minute, even when others of its alerts pass."""
    busy = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
    async with receiving(busy) as server, bench(tmp_path, server) as at:
        (asked,) = at.ring(event())
        await at.settled(1)
        at.ring(event(alert=digest("b")))
        await at.settled(2)
        at.forward(59.0)
        await holds_still(lambda: len(server.requests) > 2)
        at.forward(1.5)
        await at.settled(3)
    assert server.ids[2] == asked


async def test_gone_disables_the_receiver_and_tells_the_others(tmp_path: Path) -> None:
    """After 410 a receiver hears no more, across restarts, until its settings change; another receiver is told."""
    async with receiving(410) as gone, receiving() as other, bench(tmp_path, gone, other) as at:
        at.ring(event())
        await at.settled(3)
        at.ring(event(alert=digest("b")))
        await at.settled(4)
        await at.restart()
        at.ring(event(alert=digest("c")))
        await at.settled(5)
        assert len(gone.requests) == 1
        assert b"io.tocsin.receiver.disabled" in b"".join(r.body for r in other.requests)
        at.outbox.enrol({r.id: r.settings + "changed" for r in at.receivers})
        at.ring(event(alert=digest("d")))
        await at.settled(7)
        assert len(gone.requests) == 2
    assert at.outcomes().count("disabled") == 1


async def test_an_outage_with_restarts_sends_nothing_twice(tmp_path: Path) -> None:
    """A receiver is away for ten minutes and the worker restarts twice meanwhile: each notification arrives once."""
    async with receiving() as closed:
        away = ScriptedReceiver(port=closed.port)
    async with bench(tmp_path, away) as at:
        ids = at.ring(event(), event(1, "resolved"))
        await at.settled(1)
        for _ in range(2):
            await at.restart()
            at.forward(300.0)
            await asyncio.sleep(0.02)
        async with await asyncio.start_server(away.answer, "127.0.0.1", away.port):
            at.forward(3600.0)
            await until(lambda: len(away.requests) == 2)
    assert away.ids == ids


async def test_what_was_cut_off_is_sent_again_under_its_id(tmp_path: Path) -> None:
    """A worker that ends between the request and the stored outcome repeats the request: same id, new moment."""
    async with receiving("hang") as server, bench(tmp_path, server) as at:
        (id_,) = at.ring(event())
        await until(lambda: server.requests)
        assert at.task is not None
        for task in asyncio.all_tasks():  # a kill gives no grace
            if task.get_name().startswith("deliver") or "_attempt" in repr(task.get_coro()):
                task.cancel()
        await asyncio.sleep(0)
        await at.stop()
        at.clock.forward(10.0)
        await at.restart()
        await at.settled(1)
    assert server.ids == [id_, id_]
    first, second = server.requests
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert [r.attempt for r in at.kept.receipts()] == [1]


async def test_deliveries_do_not_wait_for_kafka(tmp_path: Path) -> None:
    """With Kafka away notifications are delivered all the same, and their receipts kept for later, over a restart."""
    async with receiving() as server, bench(tmp_path, server) as at:
        at.kept.back.clear()
        at.ring(event(), event(1, "resolved"))
        await until(lambda: len(server.requests) == 2)
        await at.restart()
        assert at.kept.records == []
        at.kept.back.set()
        await at.settled(2)
        await until(lambda: not at.outbox.receipts())
    assert at.outcomes() == ["delivered", "delivered"]
    assert len({r.key for r in at.kept.records}) == 2


async def test_an_outcome_the_disk_refuses_is_held_not_repeated(tmp_path: Path) -> None:
    """When the outcome cannot be stored the sender keeps it: the receiver is not called again for it."""
    async with receiving() as server, bench(tmp_path, server) as at:
        at.ring(event())
        blocker = sqlite3.connect(at.path, isolation_level=None)
        at.outbox._db.execute("PRAGMA busy_timeout = 1")
        blocker.execute("BEGIN IMMEDIATE")
        await until(lambda: server.requests)
        await asyncio.sleep(0.05)
        assert at.kept.records == []
        blocker.execute("ROLLBACK")
        blocker.close()
        await at.settled(1)
    assert len(server.requests) == 1


async def test_no_secret_and_no_address_is_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Over failures, refusals and successes neither the secret nor the path of a receiver is printed."""
    async with (
        receiving(500, "reset", 302, b"canary-in-the-reply\r\n\r\n", 410) as server,
        bench(tmp_path, server) as at,
    ):
        at.ring(event())
        for attempt in range(1, 5):
            await at.settled(attempt)
            at.forward(PAUSES[attempt] * AFTER)
        await at.settled(5)
        printed = "".join(capfd.readouterr())
    assert "delivery.retry" in printed
    assert "delivery.disabled" in printed
    for secret in ("canary", at.settings.webhook_secret.get_secret_value()[6:]):
        assert secret not in printed


async def test_a_bug_in_an_attempt_is_not_swallowed(tmp_path: Path) -> None:
    """An exception that is no fault of the network ends the sender, so that the worker fails visibly."""

    async def broken(*_: object) -> None:
        raise KeyError("a bug")

    async with receiving() as server, bench(tmp_path, server) as at:
        await at.stop()
        at.webhooks.post = broken  # type: ignore[method-assign, assignment]
        at.start()
        at.ring(event())
        assert at.task is not None
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(at.task, 2.0)
        at.task = None
    assert caught.group_contains(KeyError)
