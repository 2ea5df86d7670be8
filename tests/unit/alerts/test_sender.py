"""The sender: what waits is delivered in order, repeated by schedule, and accounted for by receipts."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.delivery.channel import Channel, Limit, Message
from alerts.delivery.message import notification_id
from alerts.delivery.outbox import Outbox, open_outbox
from alerts.delivery.receivers import environment_receivers
from alerts.delivery.schedule import ATTEMPTS, PAUSES, Reply
from alerts.delivery.sender import Sender
from alerts.delivery.trouble import FAILING_AFTER
from alerts.delivery.webhook import Receiver, read_receivers, verify
from streams.records import AlertEvent, DeadLetter, decode, digest
from streams.topics import ALERTS, DEADLETTERS, Topic
from tests.ringing import (
    Clock,
    Kept,
    ScriptedReceiver,
    event,
    holds_still,
    notification,
    receiving,
    settings,
    until,
)

AFTER = 1.21  # past any pause with its jitter


class Bench:
    """A sender at work: real outbox, real HTTP, a clock that is set."""

    def __init__(self, folder: Path, servers: Sequence[ScriptedReceiver], timeout: float) -> None:
        self.settings = settings(folder, ",".join(server.url for server in servers), webhook_timeout=timeout)
        self.receivers: tuple[Receiver, ...] = read_receivers(self.settings)
        self.clock = Clock()
        self.kept = Kept()
        self.channels: tuple[Channel, ...] = environment_receivers(self.settings)
        self.path = folder / "outbox.sqlite"
        self.outbox: Outbox = open_outbox(self.path)
        self.sender: Sender
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.outbox.enrol({r.id: r.settings for r in self.receivers})
        self.sender = Sender(
            self.outbox,
            self.channels,
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
        rows = [notification(e, channel) for e in events for channel in self.channels]
        self.outbox.store(rows, [], self.clock.now().timestamp())
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
        for channel in found.channels:
            await channel.close()
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


def written(at: Bench, topic: Topic, kind: type[Any]) -> list[Any]:
    """The records of one topic."""
    return [decode(record.value, kind) for record in at.kept.of(topic)]


async def test_gone_disables_the_channel_and_says_so(tmp_path: Path) -> None:
    """After 410 a channel hears no more, across restarts, until its settings change; an alert about it is written, and
    a dead letter for each notification it never took."""
    async with receiving(410) as gone, receiving() as other, bench(tmp_path, gone, other) as at:
        at.ring(event())
        await at.settled(2)
        at.ring(event(alert=digest("b")))
        await at.settled(3)
        await at.restart()
        at.ring(event(alert=digest("c")))
        await at.settled(4)
        assert len(gone.requests) == 1
        (firing,) = written(at, ALERTS, AlertEvent)
        assert (firing.kind, firing.rule, firing.severity, firing.state) == (
            *("system", "tocsin-channel", "critical", "firing"),
        )
        assert firing.subject == f"system:channel/{at.channels[0].name}"
        (letter,) = written(at, DEADLETTERS, DeadLetter)
        assert (letter.stage, letter.reason) == ("notify", "undelivered")
        assert event().id in letter.message
        at.outbox.enrol({r.id: r.settings + "changed" for r in at.receivers})
        at.ring(event(alert=digest("d")))
        await at.settled(6)
        assert len(gone.requests) == 2
        await until(lambda: len(at.kept.of(ALERTS)) == 2)
    assert at.outcomes().count("disabled") == 1
    over = written(at, ALERTS, AlertEvent)[1]
    assert (over.alert, over.sequence, over.state) == (firing.alert, 1, "resolved")
    assert set(over.annotations) == set(firing.annotations) == {"en", "zh", "fix_en", "fix_zh"}


async def test_a_channel_that_fails_for_minutes_is_told_of(tmp_path: Path) -> None:
    """Long before a notification is given up an alert says that its channel takes nothing; it ends with a success."""
    async with receiving(*[500] * FAILING_AFTER) as server, bench(tmp_path, server) as at:
        at.ring(event())
        for attempt in range(1, FAILING_AFTER):
            await at.settled(attempt)
            assert at.kept.of(ALERTS) == []
            at.forward(PAUSES[attempt] * AFTER)
        await until(lambda: len(at.kept.of(ALERTS)) == 1)
        at.forward(PAUSES[FAILING_AFTER] * AFTER)
        await until(lambda: len(at.kept.of(ALERTS)) == 2)
    assert [e.state for e in written(at, ALERTS, AlertEvent)] == ["firing", "resolved"]
    assert at.kept.of(DEADLETTERS) == []
    assert "canary" not in str(at.kept.records)


@dataclass
class Scripted:
    """A channel that answers by script and accepts afterwards; counts what it was sent, and when."""

    name: str = "desk"
    script: list[Reply] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    limits: tuple[Limit, ...] = ()
    type: str = "dingtalk"
    settings: str = "1"
    grouped: bool = True
    demo: bool = False

    @property
    def id(self) -> str:
        return f"id-{self.name}"

    def render(self, message: Message) -> tuple[bytes, ...]:
        return (b"one", b"two", b"three")

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:
        self.sent.append((id_, part))
        return self.script.pop(0) if self.script else Reply(200, answer="accepted", code="0")

    async def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def scripted(folder: Path, *channels: Scripted) -> AsyncIterator[Bench]:
    found = Bench(folder, (), 1.0)
    found.channels, found.receivers = channels, channels  # type: ignore[assignment]
    found.start()
    try:
        yield found
    finally:
        await found.stop()
        found.outbox.close()


async def test_a_retry_does_not_repeat_the_parts_that_arrived(tmp_path: Path) -> None:
    """Of three parts the second fails once, over a restart: the first is not sent again, and each has its receipts."""
    ok, fault = Reply(200, answer="accepted", code="0"), Reply(200, answer="refused", code="130101", meaning="busy")
    channel = Scripted(script=[ok, fault])
    async with scripted(tmp_path, channel) as at:
        (id_,) = at.ring(event())
        await at.settled(2)
        await at.restart()
        at.forward(PAUSES[1] * AFTER)
        await at.settled(4)
    assert channel.sent == [(f"{id_}_1", b"one"), (f"{id_}_2", b"two"), (f"{id_}_2", b"two"), (f"{id_}_3", b"three")]
    told = [(r.part, r.parts, r.attempt, r.outcome, r.answer, r.code) for r in at.kept.receipts()]
    assert told == [
        *((1, 3, 1, "delivered", "accepted", "0"), (2, 3, 1, "retry", "refused", "130101")),
        *((2, 3, 2, "delivered", "accepted", "0"), (3, 3, 1, "delivered", "accepted", "0")),
    ]
    assert at.kept.receipts()[1].meaning == "busy"


async def test_what_will_never_be_taken_is_refused_at_once(tmp_path: Path) -> None:
    """A final refusal is not repeated: a dead letter, an alert about the channel, and the next message goes out."""
    channel = Scripted(script=[Reply(200, answer="refused", code="310000", final=True, fix="Add the keyword")])
    async with scripted(tmp_path, channel) as at:
        at.ring(event(), event(1, "resolved"))
        await at.settled(4)
        await until(lambda: len(at.kept.of(ALERTS)) == 2)
    assert at.outcomes() == ["refused", "delivered", "delivered", "delivered"]
    assert len(at.kept.of(DEADLETTERS)) == 1
    assert "Add the keyword" in written(at, ALERTS, AlertEvent)[0].annotations["fix_en"]


async def test_a_platforms_limit_is_kept(tmp_path: Path) -> None:
    """No more requests than the platform takes within its window, though more wait."""
    channel = Scripted(limits=(Limit(2, 60.0),))
    channel.render = lambda _: (b"one",)  # type: ignore[method-assign]
    async with scripted(tmp_path, channel) as at:
        at.ring(*[event(alert=digest(str(n))) for n in range(5)])
        await at.settled(2)
        await holds_still(lambda: len(channel.sent) > 2)
        at.forward(59.0)
        await holds_still(lambda: len(channel.sent) > 2)
        at.forward(1.0)
        await at.settled(4)
        await holds_still(lambda: len(channel.sent) > 4)


async def test_a_throttled_platform_is_left_alone(tmp_path: Path) -> None:
    """When the platform says for how long, nothing is sent to it before; others are served, and no alert is made."""
    busy = Scripted(script=[Reply(200, answer="throttled", code="130101", pause=600.0)])
    busy.render = lambda _: (b"one",)  # type: ignore[method-assign]
    other = Scripted(name="other")
    async with scripted(tmp_path, busy, other) as at:
        at.ring(event())
        await at.settled(4)
        at.ring(event(alert=digest("b")))
        await at.settled(7)
        at.forward(599.0)
        await holds_still(lambda: len(busy.sent) > 1)
        at.forward(200.0)
        await at.settled(9)
    assert at.kept.of(ALERTS) == []


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
        await until(lambda: not at.outbox.records())
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


async def test_a_bug_in_an_attempt_ends_no_other_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is a failed attempt, told in log and receipt by kind and place alone; the next one may deliver."""

    async def broken(*_: object) -> None:
        raise KeyError("canary")

    async with receiving() as server, bench(tmp_path, server) as at:
        with monkeypatch.context() as patch:
            patch.setattr("alerts.delivery.webhook.Webhooks.post", broken)
            at.ring(event())
            await at.settled(1)
        at.forward(PAUSES[1] * AFTER)
        await at.settled(2)
    assert [(found.outcome, found.code) for found in at.kept.receipts()] == [("retry", "fault"), ("delivered", "")]
    printed = "".join(capfd.readouterr())
    assert "error=KeyError" in printed
    assert "canary" not in printed
