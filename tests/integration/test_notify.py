"""The notify stage from alert records to a receiver: real outbox, real HTTP; Kafka's logs are lists."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from alerts.delivery.channels_file import load_channels
from alerts.delivery.message import notification_id
from alerts.delivery.webhook import read_receivers
from alerts.notifier import Notifier, outbox_path
from streams.deadletter import TooManyRejects
from streams.kafka import Message
from streams.records import AlertEvent, DeadLetter, decode, digest, encode
from streams.safe_batches import SafeBatches
from streams.topics import ALERTS, DEADLETTERS, RECEIPTS, Topic
from tests.ringing import SHORT, START, Clock, Kept, Logs, event, holds_still, receiving, settings, until


class Stage:
    """One worker's life of the notify stage."""

    def __init__(self, folder: Path, urls: str, logs: Logs, kept: Kept, clock: Clock, **changes: Any) -> None:
        self.settings = settings(folder, urls, **changes)
        self.channels, routing = load_channels(self.settings)
        self.notifier = Notifier(
            self.settings,
            self.channels,
            routing,
            records=kept,
            read_topic=logs.read,
            now=clock.now,
            draw=lambda: 0.5,
            first_pause=0.01,
        )
        self.ready = asyncio.Event()

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()

    async def consume(self) -> None:
        self.ready.set()
        await asyncio.Event().wait()

    async def take(self, *messages: Message) -> bool:
        """What `SafeBatches` does with one batch; True: acknowledged."""
        return await self.notifier.deliver(await self.notifier.prepare(list(messages)))


@contextlib.asynccontextmanager
async def running(
    folder: Path, urls: str, logs: Logs, kept: Kept, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[Stage]:
    stage = Stage(folder, urls, logs, kept, clock or Clock(), **changes)
    task = asyncio.create_task(stage.notifier.run(stage.consume))
    try:
        ready = asyncio.create_task(stage.ready.wait())
        await asyncio.wait({ready, task}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield stage
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await stage.close()


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_an_alerts_life_reaches_the_receiver(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """Of pending, firing, updated and resolved the receiver hears the last three, in order; redelivery adds nothing."""
    life = [
        event(0, "pending"),
        event(1, "firing"),
        event(2, "updated", reason="doubled"),
        event(3, "updated", reason="severity"),
        event(4, "resolved"),
    ]
    messages = logs.ring(*life)
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        assert await stage.take(*messages[:2])
        assert await stage.take(*messages)
        await until(lambda: len(kept.receipts()) == 3)
        assert await stage.take(*messages)
        await holds_still(lambda: len(server.requests) > 3)
    assert [json.loads(r.body)["type"].rpartition(".")[2] for r in server.requests] == ["firing", "updated", "resolved"]


async def test_an_alert_that_never_rang_ends_in_silence(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """A pending alert that lapses is nobody's news."""
    messages = logs.ring(event(0, "pending"), event(1, "resolved", reason="lapsed"))
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        await stage.take(*messages)
        await holds_still(lambda: server.requests)


async def test_bad_records_become_dead_letters(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """What is no alert event goes to the dead letters with its reason; the good ones around it are delivered."""
    bad = [logs.append(ALERTS, value) for value in (b"{not json", b"\xff\xfe", None, b"[]", b'{"v":1}')]
    (good,) = logs.ring(event())
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        assert await stage.take(*bad[:2], good, *bad[2:])
        await until(lambda: server.requests)
    letters = [decode(r.value, DeadLetter) for r in kept.of(DEADLETTERS)]
    assert [(d.stage, d.offset, d.reason) for d in letters] == [
        *(("notify", 0, "bad_json"), ("notify", 1, "bad_json")),
        *(("notify", 2, "empty"), ("notify", 3, "bad_schema"), ("notify", 4, "bad_schema")),
    ]


async def test_nothing_but_bad_records_stops_the_stage(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """A flood of rejects is likelier our own fault: the breaker stops the worker instead of emptying the topic."""
    bad = [logs.append(ALERTS, b"{") for _ in range(300)]
    async with running(tmp_path, "", logs, kept) as stage:
        with pytest.raises(TooManyRejects):
            await stage.take(*bad)


async def test_without_a_receiver_nothing_piles_up(
    tmp_path: Path, logs: Logs, kept: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    """With no receiver alerts are acknowledged, said so once, and not sent when one is named later."""
    messages = logs.ring(event(), event(alert=digest("b")))
    async with running(tmp_path, "", logs, kept) as stage:
        assert await stage.take(*messages)
        assert await stage.take(*messages)
    assert "".join(capfd.readouterr()).count("notify.no_receiver") == 1
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        await holds_still(lambda: server.requests)


async def test_rows_are_on_disk_before_the_acknowledgement(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """When `deliver` returns, another process can read the rows, and nothing more of the address than its digest."""
    async with (
        receiving("hang") as server,
        running(tmp_path, server.url, logs, kept, webhook_timeout=SHORT) as stage,
    ):
        await stage.take(*logs.ring(event()))
        db = sqlite3.connect(f"file:{outbox_path(stage.settings)}?mode=ro", uri=True)
        rows = db.execute("SELECT id, state FROM notifications").fetchall()
        dump = repr(
            db.execute("SELECT * FROM notifications").fetchall() + db.execute("SELECT * FROM receivers").fetchall()
        )
        db.close()
        receiver = read_receivers(stage.settings)[0].id
    assert rows == [(notification_id(event().id, receiver), "waiting")]
    assert "canary" not in dump
    assert "whsec" not in dump


async def test_a_disk_that_refuses_holds_the_acknowledgement(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """While the outbox cannot be written nothing is acknowledged; afterwards everything is delivered, once."""
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        outbox = stage.notifier._outbox
        assert outbox is not None
        pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
        outbox._db.execute(f"PRAGMA max_page_count = {pages}")
        many = [event(alert=digest(str(n))) for n in range(30)]
        taking = asyncio.create_task(stage.take(*logs.ring(*many)))
        await holds_still(taking.done)
        outbox._db.execute("PRAGMA max_page_count = 1000000")
        assert await asyncio.wait_for(taking, 2)
        await until(lambda: len(server.requests) == 30)
    assert len(set(server.ids)) == 30


@pytest.mark.parametrize("loss", ["deleted", "truncated", "garbage"])
async def test_a_lost_outbox_is_rebuilt_from_kafka(tmp_path: Path, logs: Logs, kept: Kept, loss: str) -> None:
    """After the file is lost, what waited is sent under the same ids; what receipts prove delivered is not repeated."""
    done, waits = event(), event(alert=digest("b"))
    async with receiving(204, 500) as server:
        async with running(tmp_path, server.url, logs, kept) as stage:
            await stage.take(*logs.ring(done))
            await until(lambda: len(kept.receipts()) == 1)
            await stage.take(*logs.ring(waits))
            await until(lambda: len(server.requests) == 2)
            path = outbox_path(stage.settings)
        for record in kept.of(RECEIPTS):
            logs.append(RECEIPTS, record.value)
        data = path.read_bytes()
        for lost in path.parent.glob("outbox.sqlite*"):
            lost.unlink()
        if loss != "deleted":
            path.write_bytes(data[: len(data) // 2] if loss == "truncated" else b"garbage" * 1000)
        async with running(tmp_path, server.url, logs, kept) as stage:
            await until(lambda: any(r.outcome == "delivered" and r.event == waits.id for r in kept.receipts()))
            await stage.take(*logs.ring(event(1, "resolved")))
            await until(lambda: len({*server.ids}) == 3)
    assert server.ids.count(server.ids[0]) == 1
    assert json.loads(server.requests[-1].body)["data"]["state"] == "resolved"


async def test_a_rebuild_waits_for_kafka(tmp_path: Path, kept: Kept) -> None:
    """A broker that is away while the outbox is rebuilt is waited for; nothing is consumed before."""

    class Away(Logs):
        faults = 2

        async def read(self, topic: Topic) -> AsyncIterator[Message]:
            if self.faults:
                self.faults -= 1
                raise KafkaConnectionError("away")
            async for message in super().read(topic):
                yield message

    logs = Away()
    logs.ring(event())
    async with receiving() as server, running(tmp_path, server.url, logs, kept):
        await until(lambda: len(server.requests) == 1)
        assert logs.faults == 0


async def test_old_alerts_do_not_ring_again(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """A topic read from its beginning rings nobody for last month, but the end of a long alert is still told."""
    long_ago = START - timedelta(days=30)
    old = logs.ring(event(), at=long_ago)
    async with receiving() as server, running(tmp_path, server.url, Logs(), kept) as stage:
        await stage.take(*old)
        await holds_still(lambda: server.requests)
        await stage.take(*logs.ring(event(1, "resolved")))
        await until(lambda: len(server.requests) == 1)
    assert json.loads(server.requests[0].body)["type"] == "io.tocsin.alert.resolved"


async def test_a_second_worker_waits_for_the_first(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """Two workers on one machine do not deliver twice: the second starts when the first has ended."""
    async with receiving() as server:
        async with running(tmp_path, server.url, logs, kept):
            second = Stage(tmp_path, server.url, logs, kept, Clock())
            task = asyncio.create_task(second.notifier.run(second.consume))
            await holds_still(second.ready.is_set)
        await asyncio.wait_for(second.ready.wait(), 2)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await second.close()


@dataclass(slots=True)
class Stream:
    """What Faust hands the agent: batches, then silence; remembers what was acknowledged."""

    messages: list[Message]
    acked: list[int] = field(default_factory=list)
    enable_acks: bool = True

    async def noack_take(self, size: int, within: float) -> AsyncIterator[list[Any]]:
        for start in range(0, len(self.messages), size):
            yield [SimpleNamespace(message=m) for m in self.messages[start : start + size]]
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    async def ack(self, event: Any) -> None:
        self.acked.append(event.message.offset)


async def test_the_stage_under_safe_batches(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """As the app wires it: alerts are acknowledged in order though the receiver hangs; a flood of rejects ends it."""
    good = logs.ring(*[event(alert=digest(str(n))) for n in range(20)])
    async with receiving(*["hang"] * 100) as server:
        stage = Stage(tmp_path, server.url, logs, kept, Clock(), webhook_timeout=SHORT)
        batches = SafeBatches(
            prepare=stage.notifier.prepare, deliver=stage.notifier.deliver, size=8, wait=0.01, in_flight=1
        )
        stream = Stream(good)
        task = asyncio.create_task(stage.notifier.run(lambda: batches.run(stream)))
        await until(lambda: len(stream.acked) == 20)
        assert stream.acked == list(range(20))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        flood = Stream([logs.append(ALERTS, b"{") for _ in range(300)])
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(stage.notifier.run(lambda: batches.run(flood)), 5)
        assert caught.group_contains(TooManyRejects)
        assert len(flood.acked) <= 200
        await stage.close()


async def test_a_fault_of_consumption_ends_the_sender_too(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """When consuming fails the stage ends with that fault and lets the outbox go."""

    async def fail() -> None:
        raise KeyError("a bug")

    stage = Stage(tmp_path, "", logs, kept, Clock())
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(stage.notifier.run(fail), 3)
    assert caught.group_contains(KeyError)
    async with running(tmp_path, "", logs, kept):
        pass


async def test_a_namespace_has_an_outbox_of_its_own(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """Runs in different namespaces share nothing."""
    async with running(tmp_path, "", logs, kept), running(tmp_path, "", logs, kept, namespace="night") as night:
        assert outbox_path(night.settings).name == "night-outbox.sqlite"


def test_events_survive_the_wire() -> None:
    """The events these tests use are what the detector writes."""
    assert decode(encode(event()), AlertEvent) == event()
