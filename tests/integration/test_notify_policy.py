"""The notify stage with routes: what people do, rebuilds, broken channels, a storm. Kafka's logs are lists."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.delivery.channel import Limit, Message
from alerts.delivery.heart import Heart
from alerts.delivery.policy import Policy
from alerts.delivery.routing import Routing
from alerts.delivery.schedule import Reply
from alerts.notifier import Notifier, outbox_path
from streams.kafka import Message as Record
from streams.records import Acknowledgement, AlertEvent, DeadLetter, Feedback, Heartbeat, decode, digest, encode
from streams.topics import ALERTS, DEADLETTERS, FEEDBACK, HEALTH, RECEIPTS, Topic
from tests.ringing import START, Clock, Kept, Logs, holds_still, settings, until
from tests.unit.alerts.desk import ack, escalation, routing, short, silence, step
from tests.unit.alerts.signals import engine, fold, mention, rule, tick

OK = Reply(200, answer="accepted", code="0")
ROUTES = routing({"receivers": ["desk"]}, everything=("hook",))


@dataclass
class Spoken:
    """A channel whose parts are readable; it answers by script and accepts afterwards."""

    name: str
    grouped: bool = True
    script: list[Reply | Exception] = field(default_factory=list)
    cannot: str = ""  # put into words: `text` from outside, or the whole `event`
    heard: list[str] = field(default_factory=list)
    demo: bool = False
    type: str = "spoken"
    settings: str = "1"
    limits: tuple[Limit, ...] = ()
    address: str = ""

    @property
    def id(self) -> str:
        return f"id-{self.name}{self.address}"

    def render(self, message: Message) -> tuple[bytes, ...]:
        for event in message.events:
            if event.unit == "no words" and (self.cannot == "event" or (self.cannot == "text" and event.evidence)):
                raise ValueError("no words")
        told = " ".join(sorted(short(event) for event in message.events))
        held = f" +{message.suppressed}" if message.suppressed else ""
        return (f"{message.why}: {told}{held}".encode(),)

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:
        reply = self.script.pop(0) if self.script else OK
        if isinstance(reply, Exception):
            raise reply
        if reply.said == "accepted":
            self.heard.append(part.decode())
        return reply

    async def close(self) -> None:
        pass


@dataclass
class World:
    """Kafka, a clock, channels, and the stage at work among them."""

    folder: Path
    channels: tuple[Spoken, ...]
    rules: Routing = ROUTES
    logs: Logs = field(default_factory=Logs)
    kept: Kept = field(default_factory=Kept)
    clock: Clock = field(default_factory=Clock)
    heart: Heart | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Notifier]:
        ready = asyncio.Event()
        notifier = Notifier(
            settings(self.folder), self.channels, self.rules, records=self.kept, read_topic=self.logs.read,
            now=self.clock.now, draw=lambda: 0.5, first_pause=0.01, heart=self.heart,
        )  # fmt: skip

        async def consume() -> None:
            ready.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(notifier.run(consume))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, task}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        try:
            if task.done():
                task.result()
            yield notifier
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def append(self, topic: Topic, *records: Any) -> list[Record]:
        return [self.logs.append(topic, encode(record), self.clock.now()) for record in records]

    async def take(self, notifier: Notifier, topic: Topic, *records: Any) -> None:
        assert await notifier.deliver(await notifier.prepare(self.append(topic, *records)))

    async def later(self, notifier: Notifier, seconds: float) -> None:
        self.clock.forward(seconds)
        await notifier.tick()
        assert notifier._sender is not None
        notifier._sender.wake()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, (Spoken("desk"), Spoken("hook", grouped=False)))


async def test_a_group_and_a_plain_webhook(world: World) -> None:
    """The webhook hears each step at once, the group waits; both survive a restart in between."""
    desk, hook = world.channels
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"), step("b"))
        await until(lambda: len(hook.heard) == 2)
        assert desk.heard == []
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"), step("b"), step("c"))
        await world.later(notifier, 30.0)
        await until(lambda: desk.heard)
        await world.later(notifier, 3600.0)
    assert (desk.heard, sorted(hook.heard)) == (["first: a.0 b.0 c.0"], ["first: a.0", "first: b.0", "first: c.0"])


async def test_what_people_do_is_obeyed(world: World) -> None:
    """Operations from the topic act on the telling; corrections of documents do not concern it."""
    desk, _ = world.channels
    correction = Feedback(
        document=digest("d"), head="topic", label="legal", judged="other", author="p", at=world.clock.now()
    )
    async with world.running() as notifier:
        await world.take(notifier, FEEDBACK, silence(START, "1h", subject="entity:A"), correction)
        await world.take(notifier, ALERTS, step("a"), step("b"))
        await world.later(notifier, 30.0)
        await until(lambda: desk.heard)
        await world.take(notifier, FEEDBACK, ack("b", world.clock.now()))
        await world.later(notifier, 3600.0)
        await until(lambda: len(desk.heard) == 2)
        await world.later(notifier, 4 * 3600.0)
        await until(lambda: len(desk.heard) == 3)
    assert desk.heard == ["first: b.0 +1", "resumed: a.0", "repeat: a.0"]


async def test_a_call_of_a_person_is_obeyed_once_even_when_the_outbox_is_lost(tmp_path: Path) -> None:
    """The further receiver hears at once, also when the call is read before its alert; receipts prove that it did."""
    desk, chief = channels = (Spoken("desk"), Spoken("chief"))
    rules = routing({"receivers": ["desk"], "escalate": {"after": "8h", "to": ["chief"], "at_least": "critical"}})
    world = World(tmp_path, channels, rules)
    async with world.running() as notifier:
        await world.take(notifier, FEEDBACK, escalation("a", START))
        await world.take(notifier, ALERTS, step("a"))
        await until(lambda: chief.heard)
        await world.take(notifier, FEEDBACK, escalation("a", START))
        await world.later(notifier, 60.0)
        await until(lambda: desk.heard and len(world.kept.receipts()) == 2)
    for record in world.kept.of(RECEIPTS):
        world.logs.append(RECEIPTS, record.value, world.clock.now())
    outbox_path(settings(tmp_path)).unlink()
    async with world.running() as notifier:
        await world.take(notifier, FEEDBACK, escalation("a", START, "another"))
        await world.later(notifier, 60.0)
        await until(lambda: len(chief.heard) == 2)
    assert (desk.heard, chief.heard) == (["first: a.0"], ["escalated: a.0", "escalated: a.0"])


async def test_a_lost_outbox_is_rebuilt_with_what_people_did(world: World) -> None:
    """After the file is lost silences and acknowledgements hold as before, receipts say what was told, the rest is."""
    desk, hook = world.channels
    async with world.running() as notifier:
        await world.take(notifier, FEEDBACK, silence(START, "8h", subject="entity:C"))
        await world.take(notifier, ALERTS, step("a"), step("b"))
        await world.later(notifier, 30.0)
        await world.take(notifier, FEEDBACK, ack("a", world.clock.now()))
        await until(lambda: len(world.kept.receipts()) == 3)
    for record in world.kept.of(RECEIPTS):
        world.logs.append(RECEIPTS, record.value)
    world.clock.forward(60.0)
    world.append(ALERTS, step("c"), step("d"), step("b", 1, "resolved"))
    for lost in outbox_path(settings(world.folder)).parent.glob("outbox.sqlite*"):
        lost.unlink()
    async with world.running() as notifier:
        await world.later(notifier, 300.0)
        await until(lambda: len(desk.heard) == 2)
        await world.later(notifier, 4 * 3600.0)
        await until(lambda: len(desk.heard) == 3)
    assert desk.heard == ["first: a.0 b.0", "more: b.1 d.0 +1", "repeat: d.0"]
    assert Counter(hook.heard) == Counter(["first: a.0", "first: b.0", "resolved: b.1", "first: d.0"])


HOSTILE = {
    "a number that fits no row": {"documents": 10**30},
    "a time at the end of the calendar": {"at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE.keys())
async def test_an_event_that_cannot_be_taken_in_stops_nobody(world: World, changes: dict[str, Any]) -> None:
    """It becomes a dead letter; what stood before and after it in the batch is told once, also after a restart."""
    desk, hook = world.channels
    world.rules = routing({"receivers": ["desk"]}, everything=("hook",), flapping=True)
    batch = [step("a"), step("b", **changes), step("c")]
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, *batch)
        await until(lambda: len(hook.heard) == 2)
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, *batch)
        await world.later(notifier, 30.0)
        await until(lambda: desk.heard)
    assert (desk.heard, sorted(hook.heard)) == (["first: a.0 c.0"], ["first: a.0", "first: c.0"])
    letters = [decode(record.value, DeadLetter) for record in world.kept.of(DEADLETTERS)]
    assert {(letter.topic, letter.offset, letter.reason) for letter in letters} == {
        ("alerts", 1, "not_taken_in"),
        ("alerts", 4, "not_taken_in"),
    }


async def test_a_text_that_cannot_be_rendered_goes_without_it(world: World) -> None:
    """First without the texts from outside; an alert that fails even so becomes a dead letter, the others are told."""
    desk, hook = world.channels
    desk.cannot, hook.cannot = "text", "event"
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"), step("b", unit="no words"), step("c"))
        await world.later(notifier, 30.0)
        await until(lambda: desk.heard and len(hook.heard) == 2 and world.kept.of(DEADLETTERS))
        await world.take(notifier, ALERTS, step("d"))
        await until(lambda: len(hook.heard) == 3)
        desk.cannot = "event"
        await world.later(notifier, 300.0)
        await world.take(notifier, ALERTS, step("e", unit="no words"), step("f"))
        await world.later(notifier, 300.0)
        await until(lambda: len(desk.heard) == 3 and len(world.kept.of(DEADLETTERS)) == 3)
    assert desk.heard == ["first: a.0 b.0 c.0", "more: d.0", "more: f.0"]
    letters = [decode(record.value, DeadLetter) for record in world.kept.of(DEADLETTERS)]
    assert [step(name).id in letter.message for letter, name in zip(letters, "bee", strict=True)] == [True] * 3
    assert not any(step("f").id in letter.message for letter in letters)


async def test_a_fault_of_a_channel_is_a_failed_attempt(world: World) -> None:
    """An exception while sending ends nobody's deliveries, and its text is written nowhere."""
    desk, hook = world.channels
    hook.script = [RuntimeError("canary")]
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"))
        await world.later(notifier, 30.0)
        await until(lambda: desk.heard and len(world.kept.receipts()) == 2)
    (fault,) = [found for found in world.kept.receipts() if found.answer != "accepted"]
    assert (fault.receiver, fault.outcome, fault.code) == ("hook", "retry", "fault")
    assert "canary" not in str(world.kept.records)


async def test_rows_are_forgotten_however_busy_the_stage_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats that come more often than the stage would look by itself do not keep it from forgetting."""
    pruned: list[datetime] = []
    monkeypatch.setattr(Policy, "prune", lambda _, now: pruned.append(now))
    async with world.running() as notifier:
        for _ in range(3):
            await world.take(notifier, HEALTH, Heartbeat(at=world.clock.now(), open=0))
            world.clock.forward(4000.0)
        await until(lambda: pruned)


async def test_bad_feedback_is_a_dead_letter(world: World) -> None:
    """Each topic is decoded as what it holds; the rest goes on."""
    bad = [world.logs.append(FEEDBACK, encode(step("a"))), world.logs.append(ALERTS, encode(ack("a", START)))]
    async with world.running() as notifier:
        assert await notifier.deliver(await notifier.prepare(bad + world.append(ALERTS, step("b"))))
        await until(lambda: world.channels[1].heard)
    letters = [decode(record.value, DeadLetter) for record in world.kept.of(DEADLETTERS)]
    assert [(letter.topic, letter.reason) for letter in letters] == [
        ("feedback", "bad_schema"),
        ("alerts", "bad_schema"),
    ]


async def test_a_fresh_heartbeat_calls_the_switch(world: World) -> None:
    """Heartbeats come by the same agent; an old one calls nobody."""
    calls: list[datetime] = []

    async def call() -> Reply:
        calls.append(world.clock.now())
        return Reply(204)

    world.heart = Heart(call, 60.0, world.clock.now)
    async with world.running() as notifier:
        await world.take(notifier, HEALTH, Heartbeat(at=START - timedelta(minutes=10), open=0))
        await holds_still(lambda: calls)
        await world.take(notifier, HEALTH, Heartbeat(at=START, open=0), Heartbeat(at=START, open=0))
        await until(lambda: calls)
        await holds_still(lambda: len(calls) > 1)


async def test_a_broken_channel_is_told_of_to_another(world: World) -> None:
    """The alert about the channel comes back through Kafka, is told to the other channel, and resolved by a success."""
    desk, hook = world.channels
    desk.script = [Reply(200, answer="refused", code="310000", meaning="no keyword", final=True)]

    async def carry(notifier: Notifier, seen: int) -> None:
        await until(lambda: len(world.kept.of(ALERTS)) > seen)
        record = world.kept.of(ALERTS)[seen]
        await world.take(notifier, ALERTS, decode(record.value, AlertEvent))

    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"))
        await world.later(notifier, 30.0)
        await carry(notifier, 0)
        await world.take(notifier, ALERTS, step("a", 1, "resolved"))
        await world.later(notifier, 300.0)
        await carry(notifier, 1)
        await until(lambda: len(hook.heard) == 4)
    about = decode(world.kept.of(ALERTS)[0].value, AlertEvent)
    assert sorted(hook.heard) == sorted(
        ["first: a.0", "resolved: a.1", f"first: {about.alert}.0", f"resolved: {about.alert}.1"]
    )
    assert desk.heard == ["resolved: a.1"]
    assert len(world.kept.of(DEADLETTERS)) == 1


async def test_what_a_receiver_that_asked_for_no_more_misses_is_a_dead_letter(world: World) -> None:
    """Both what waited when it said so, and what comes later."""
    _, hook = world.channels
    hook.script = [Reply(410)]
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"))
        await until(lambda: world.kept.of(DEADLETTERS))
        await world.take(notifier, ALERTS, step("b"))
        await until(lambda: len(world.kept.of(DEADLETTERS)) == 2)
    letters = [decode(record.value, DeadLetter) for record in world.kept.of(DEADLETTERS)]
    assert [step(name).id in letter.message for letter, name in zip(letters, "ab", strict=True)] == [True, True]
    assert hook.heard == []


async def test_rows_of_another_version_are_made_again(world: World) -> None:
    """A row that cannot be read stops nobody: all is read again from Kafka, and nothing is told twice."""
    desk, hook = world.channels
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"))
        await until(lambda: world.kept.receipts())
    for record in world.kept.of(RECEIPTS):
        world.logs.append(RECEIPTS, record.value)
    db = sqlite3.connect(outbox_path(settings(world.folder)))
    db.execute("UPDATE policy SET value = x'81a16101' WHERE kind = 'alert'")
    db.commit()
    db.close()
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a", 1, "resolved"), step("b"))
        await until(lambda: len(hook.heard) == 3)
        await world.later(notifier, 30.0)
        await until(lambda: desk.heard)
    assert hook.heard[0] == "first: a.0"
    assert sorted(hook.heard[1:]) == ["first: b.0", "resolved: a.1"]


async def test_what_waits_goes_to_the_new_address(world: World) -> None:
    """A robot that was replaced while it was broken: the new one is sent what the old one never took, once."""
    desk, hook = world.channels
    desk.script = [Reply(None, "connect", answer="unreachable")] * 9
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"))
        await world.later(notifier, 30.0)
        await until(lambda: len(world.kept.receipts()) == 2)
    fresh = Spoken("desk", address="new")
    world.channels = (fresh, hook)
    for _ in range(2):
        async with world.running() as notifier:
            await world.take(notifier, ALERTS, step("a", 1, "resolved"))
            await world.later(notifier, 3600.0)
            await until(lambda: len(fresh.heard) == 2)
    assert fresh.heard == ["first: a.0", "resolved: a.1"]


async def test_the_alert_about_a_channel_ends_with_the_channel(world: World) -> None:
    """Taken out of the file while it is broken: the alert about it is ended, once, and the others hear of it."""
    desk, hook = world.channels
    desk.script = [Reply(200, answer="refused", code="310000", final=True)]
    async with world.running() as notifier:
        await world.take(notifier, ALERTS, step("a"))
        await world.later(notifier, 30.0)
        await until(lambda: world.kept.of(ALERTS))
        await world.take(notifier, ALERTS, decode(world.kept.of(ALERTS)[0].value, AlertEvent))
    world.channels, world.rules = (hook,), routing({"receivers": ["hook"]}, everything=("hook",))
    async with world.running() as notifier:
        await until(lambda: len(world.kept.of(ALERTS)) == 2)
        over = decode(world.kept.of(ALERTS)[1].value, AlertEvent)
        await world.take(notifier, ALERTS, over)
        await until(lambda: f"resolved: {over.id}" in hook.heard)
    async with world.running():
        await holds_still(lambda: len(world.kept.of(ALERTS)) > 2)


def storm() -> list[AlertEvent]:
    """10,000 mentions of 500 subjects within a minute, through the engine: every event it writes."""
    rung = engine(rule("type: threshold, at_least: 5, window: 30m"))
    signals = [
        mention(1 + number / 10_000, f"d{number}", subject=f"entity:S{number % 500:03}") for number in range(10_000)
    ]
    return fold(rung, *signals, tick(3), tick(120))


async def test_a_storm_is_few_messages_and_none_is_lost(tmp_path: Path) -> None:
    """500 alerts at once, three receivers: each hears of every alert in one message, and of the ends in another."""
    events = storm()
    firing = {event.alert for event in events if event.state == "firing"}
    assert len(firing) == 500
    rules = routing(
        {"receivers": ["one", "two"], "group_by": ["rule"], "continue": True},
        {"receivers": ["three"], "group_by": ["severity"]},
    )
    world = World(tmp_path, tuple(Spoken(name) for name in ("one", "two", "three")), rules)
    world.channels[0].script = [Reply(None, "connect", answer="unreachable")]
    async with world.running() as notifier:
        beginning = [event for event in events if event.state != "resolved"]
        for start in range(0, len(beginning), 64):
            await world.take(notifier, ALERTS, *beginning[start : start + 64])
        await world.later(notifier, 30.0)
        await until(lambda: world.channels[1].heard and world.channels[2].heard)
        await world.later(notifier, 3600.0)
        await until(lambda: world.channels[0].heard)
        ending = [event for event in events if event.state == "resolved"]
        for start in range(0, len(ending), 64):
            await world.take(notifier, ALERTS, *ending[start : start + 64])
        await world.later(notifier, 300.0)
        await until(lambda: all(len(channel.heard) == 2 for channel in world.channels), 10.0)
    for channel in world.channels:
        first, last = (text.split(": ")[1].split(" ") for text in channel.heard)
        assert {told.split(".")[0] for told in first} == firing
        assert {told.split(".")[0] for told in last} == firing
    db = sqlite3.connect(outbox_path(settings(tmp_path)))
    assert db.execute("SELECT COUNT(*) FROM notifications").fetchone() == (6,)
    assert db.execute("SELECT COUNT(*) FROM policy WHERE kind = 'alert'").fetchone() == (0,)
    db.close()


async def test_a_storm_at_night_is_escalated_and_told_in_the_morning(tmp_path: Path) -> None:
    """Quiet hours hold the desk's 500 back and tell them as one digest; the duty hears of all at once, and its chief
    of those that nobody has acknowledged, in one message. The process dies in between."""
    events = [event for event in storm() if event.state != "resolved"]
    firing = {event.alert for event in events if event.state == "firing"}
    rules = routing(
        {"receivers": ["duty"], "continue": True, "escalate": {"after": "15m", "to": ["chief"], "at_least": "info"}},
        {"receivers": ["desk"], "quiet": ["night"], "quiet_at_most": "critical"},
        schedules={"night": {"from": "09:00", "to": "11:00"}},
    )
    duty, chief, desk = channels = tuple(Spoken(name) for name in ("duty", "chief", "desk"))
    world = World(tmp_path, channels, rules)
    async with world.running() as notifier:
        for start in range(0, len(events), 64):
            await world.take(notifier, ALERTS, *events[start : start + 64])
        await world.later(notifier, 30.0)
        await until(lambda: duty.heard)
    acknowledged = Acknowledgement(id="k", alert=min(firing), author="duty", at=world.clock.now())
    async with world.running() as notifier:
        await world.take(notifier, FEEDBACK, acknowledged)
        await world.later(notifier, 900.0)
        await until(lambda: chief.heard)
    assert desk.heard == []
    async with world.running() as notifier:
        await world.later(notifier, 5400.0)
        await until(lambda: desk.heard)
    told = {channel.name: [text.split(" +")[0].partition(": ") for text in channel.heard] for channel in channels}
    assert {name: [why for why, _, _ in texts] for name, texts in told.items()} == {
        "duty": ["first"],
        "chief": ["escalated"],
        "desk": ["digest"],
    }
    heard = {name: {e.split(".")[0] for e in texts[0][2].split(" ")} for name, texts in told.items()}
    assert heard == {"duty": firing, "chief": firing - {min(firing)}, "desk": firing}
