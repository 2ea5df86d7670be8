"""The detector around the engines: whatever is killed, dropped or repeated, the same alerts are in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from alerts.detector import Detector, expected_channels
from alerts.engine import Engine
from streams.kafka import Message, Outgoing
from streams.records import AlertEvent, DeadLetter, Signal, decode, encode
from streams.settings import Settings
from tests.unit.alerts.signals import mention, rule, tick

RULE = rule("type: threshold, at_least: 3, window: 20m, keep_firing_for: 5m")
SETTINGS = Settings(partitions=1, allowed_lateness=0)  # type: ignore[call-arg]
NEWS, CHAT = sorted(expected_channels(SETTINGS), reverse=True)


class Broker:
    """Three logs in memory: what was written is there, in order."""

    def __init__(self, signals: Sequence[Signal | bytes]) -> None:
        self.input = [
            Message("mentions", 0, n, None, s if isinstance(s, bytes) else encode(s), 0.0)
            for n, s in enumerate(signals)
        ]
        self.written: dict[str, list[bytes]] = {"alerts": [], "detector.state": [], "deadletters": []}

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Durable at once."""
        for record in records:
            self.written[record.topic.name].append(record.value)

    async def snapshots(self, partition: int) -> AsyncIterator[bytes]:
        """All there are."""
        for data in self.written["detector.state"]:
            yield data

    async def mentions(self, partition: int, start: int, stop: int) -> AsyncIterator[Message]:
        """The log."""
        for message in self.input[start:stop]:
            yield message

    def alerts(self) -> dict[str, AlertEvent]:
        """Alert events by id; each id stands for one content only."""
        found: dict[str, AlertEvent] = {}
        for data in self.written["alerts"]:
            event = decode(data, AlertEvent)
            assert found.setdefault(event.id, event) == event
        return found


class Timer:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def start(broker: Broker, timer: Timer | None = None) -> Detector:
    """A detector process."""
    return Detector(SETTINGS, [RULE], broker, broker, lambda: datetime.now(UTC), timer or Timer())  # type: ignore[arg-type]


def day() -> list[Signal | bytes]:
    """Two episodes, with broken records in between."""
    out: list[Signal | bytes] = []
    for minute in range(1, 120):
        if minute % 50 < 6:
            out.append(mention(minute, f"d{minute}", channel=NEWS))
        if minute % 40 == 7:
            out.append(b"{broken")
        out += [tick(minute, NEWS), tick(minute, CHAT)]
    return out


async def plain() -> dict[str, AlertEvent]:
    """The alerts of an undisturbed run."""
    broker = Broker(day())
    await deliver(start(broker), broker, 0, len(broker.input))
    return broker.alerts()


async def deliver(detector: Detector, broker: Broker, first: int, last: int) -> bool:
    """One batch."""
    return await detector.deliver(await detector.prepare(broker.input[first:last]))


@pytest.mark.parametrize(("snapshot_every", "crash_every"), [(1, 1), (1, 7), (3, 4), (3, 30), (7, 11)])
async def test_killed_again_and_again_it_writes_the_same_alerts(snapshot_every: int, crash_every: int) -> None:
    """A process that dies after every few batches resumes from what was acknowledged; the alerts are the same."""
    broker = Broker(day())
    detector, acknowledged, at, batch = start(broker), 0, 0, 0
    while acknowledged < len(broker.input):
        batch += 1
        durable = await deliver(detector, broker, at, at + 5)
        at = min(at + 5, len(broker.input))
        if batch % snapshot_every == 0 or at == len(broker.input):
            await detector.flush()
            durable = True
        acknowledged = at if durable else acknowledged
        if batch % crash_every == 0:
            detector, at = start(broker), acknowledged
    assert broker.alerts() == await plain()


async def test_without_any_snapshot_the_log_is_folded_anew() -> None:
    """A new process that is given only the last record writes all that came before."""
    broker = Broker(day())
    await deliver(start(broker), broker, len(broker.input) - 1, len(broker.input))
    assert broker.alerts() == await plain()


async def test_acknowledgements_wait_for_a_snapshot() -> None:
    """False until the state is durable: by time, or by flush."""
    broker, timer = Broker(day()), Timer()
    detector = start(broker, timer)
    assert await deliver(detector, broker, 0, 10) is False
    assert broker.written["detector.state"] == []
    timer.now += SETTINGS.snapshot_every
    assert await deliver(detector, broker, 10, 20) is True
    assert len(broker.written["detector.state"]) == 1
    assert await deliver(detector, broker, 0, 20) is True  # nothing new: nothing to wait for


async def test_a_redelivered_batch_changes_nothing() -> None:
    """Records below the contained position are skipped."""
    broker = Broker(day())
    detector = start(broker)
    for _ in range(3):
        await deliver(detector, broker, 0, len(broker.input))
    assert len(broker.written["alerts"]) == len(broker.alerts())


async def test_a_zombies_snapshot_and_a_damaged_one_lose() -> None:
    """The snapshot that contains the most wins, wherever it lies in the log; unreadable ones are passed over."""
    broker = Broker(day())
    good, zombie = start(broker), start(broker)
    await deliver(zombie, broker, 0, 30)
    await deliver(good, broker, 0, 200)
    await good.flush()
    await zombie.flush()
    broker.written["detector.state"] += [b"", b"junk", broker.written["detector.state"][0][:-4]]
    fresh = start(broker)
    await deliver(fresh, broker, 200, len(broker.input))
    assert broker.alerts() == await plain()


async def test_after_a_rebalance_and_a_gap_the_engine_catches_up() -> None:
    """Records that another worker handled meanwhile are folded from the log, not missed."""
    broker = Broker(day())
    detector = start(broker)
    await deliver(detector, broker, 0, 20)
    await deliver(detector, broker, 150, 160)
    detector.forget()
    await deliver(detector, broker, 160, len(broker.input))
    assert broker.alerts() == await plain()


async def test_a_broken_record_is_a_dead_letter_and_no_obstacle() -> None:
    """Its reason and origin are kept."""
    broker = Broker([b"{broken", tick(1, NEWS)])
    await deliver(start(broker), broker, 0, 2)
    (letter,) = [decode(d, DeadLetter) for d in broker.written["deadletters"]]
    assert (letter.id, letter.reason) == ("detect:mentions/0@0", "bad_json")


async def test_the_detector_is_the_engine_and_nothing_else() -> None:
    """Its alerts are those of the pure fold over the same log."""
    engine = Engine([RULE], lateness=0, channels=[NEWS, CHAT])
    events = [e for n, s in enumerate(day()) if not isinstance(s, bytes) for e in engine.feed(s, n)]
    assert {e.id: e for e in events} == await plain()
    assert len(events) >= 4


async def test_time_that_stands_still_is_told() -> None:
    """When mentions come and a channel brings no ticks, nothing can ring: the log names it once a minute."""
    signals: list[Signal | bytes] = []
    for minute in range(1, 40):
        signals += [mention(minute, f"d{minute}", channel=NEWS), tick(minute, NEWS)]
    broker, timer = Broker(signals), Timer()
    detector = start(broker, timer)
    with capture_logs() as told:
        for offset in range(len(signals)):
            await deliver(detector, broker, offset, offset + 1)
            timer.now += 2
    assert [line["channels"] for line in told if line["event"] == "detector.time_stands_still"] == [CHAT, CHAT]


async def test_time_that_moves_is_not_told() -> None:
    """An ordinary day, however slowly it comes, is no reason to warn."""
    broker, timer = Broker(day()), Timer()
    detector = start(broker, timer)
    with capture_logs() as told:
        for offset in range(len(broker.input)):
            await deliver(detector, broker, offset, offset + 1)
            timer.now += 20
    assert "detector.time_stands_still" not in {line["event"] for line in told}


async def test_rules_change_while_it_runs_and_a_crash_afterwards_judges_nothing_twice() -> None:
    """Alerts of a rule that was changed are resolved; a detector that starts again under the new rules agrees."""
    broker = Broker(day())
    detector = start(broker)
    await deliver(detector, broker, 0, 12)
    assert [e.state for e in broker.alerts().values()] == ["firing"]
    stricter = rule("type: threshold, at_least: 4, window: 20m, keep_firing_for: 5m")
    await detector.use([stricter])
    await deliver(detector, broker, 12, len(broker.input))
    told = [(e.state, e.reason, e.rule_hash) for e in broker.alerts().values()]
    assert told[1] == ("resolved", "rule_removed", RULE.hash)
    assert {hash_ for _, _, hash_ in told[2:]} == {stricter.hash}
    again = Detector(SETTINGS, [stricter], broker, broker, lambda: datetime.now(UTC), Timer())  # type: ignore[arg-type]
    before = broker.alerts()
    await deliver(again, broker, 12, len(broker.input))
    assert broker.alerts() == before


async def test_the_end_of_a_calendar_is_told_once() -> None:
    """Beyond it weekdays count as trading days, and somebody should know."""
    year = 366 * 24 * 60
    broker = Broker([tick(year, NEWS), tick(year, CHAT), tick(year + 5, NEWS), tick(year + 5, CHAT)])
    detector = start(broker)
    with capture_logs() as logs:
        await deliver(detector, broker, 0, 2)
        await deliver(detector, broker, 2, 4)
    assert [line["market"] for line in logs if line["event"] == "calendar.ended"] == ["cn"]
