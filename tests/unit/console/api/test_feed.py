"""The board is filled from the log, kept up to date, and goes on where it stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from alerts import operations
from alerts.board import Board
from console.api import feed as module
from console.api.feed import Feed
from console.api.known import Known
from streams.kafka import Message
from streams.records import Feedback, Receipt, encode
from streams.settings import Settings, SettingsError
from streams.topics import ALERTS, FEEDBACK, RECEIPTS, Topic
from tests.ringing import ALERT, START, Clock, Logs, event, until

ACK = operations.acknowledge(ALERT, author="li", at=START)


class Broker:
    """Two topics; what comes later is given by `follow`, which may fail as a broker does."""

    def __init__(self) -> None:
        self.logs = Logs()
        self.coming: asyncio.Queue[Sequence[Message] | Exception] = asyncio.Queue()
        self.followed: list[dict[str, int]] = []
        self.read: list[tuple[str, int]] = []

    async def read_topic(self, _: Any, __: str, topic: Topic, start: int) -> AsyncIterator[Message]:
        self.read.append((topic.name, start))
        async for message in self.logs.read(topic):
            if message.offset >= start:
                yield message

    async def follow(self, _: Any, __: str, positions: Mapping[Topic, int]) -> AsyncIterator[Sequence[Message]]:
        self.followed.append({topic.name: offset for topic, offset in positions.items()})
        while True:
            batch = await self.coming.get()
            if isinstance(batch, Exception):
                raise batch
            yield batch


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    found = Broker()
    monkeypatch.setattr(module, "read_topic", found.read_topic)
    monkeypatch.setattr(module, "follow", found.follow)
    return found


@contextlib.asynccontextmanager
async def running(tmp_path: Path, clock: Clock) -> AsyncIterator[tuple[Feed, Board]]:
    known = Known()
    feed = Feed(Settings(state_dir=tmp_path), "", known, clock.now, first_pause=0.001)
    task = asyncio.create_task(feed.run())
    try:
        yield feed, known.board
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_is_there_is_read_before_it_is_ready(tmp_path: Path, broker: Broker) -> None:
    """Alerts and operations are folded; what is no record, or says nothing of alerts, is passed over."""
    broker.logs.ring(event())
    broker.logs.append(ALERTS, b"{nonsense")
    broker.logs.append(FEEDBACK, encode(ACK))
    label = Feedback(document="d" * 32, head="topic", label="legal", judged="", author="p", at=START)
    broker.logs.append(FEEDBACK, encode(label))
    async with running(tmp_path, Clock()) as (feed, board):
        await asyncio.wait_for(feed.ready.wait(), 5)
        (entry,) = board.entries(START)
        await until(lambda: broker.followed)
    assert entry.acknowledged == ACK
    assert broker.followed == [{"alerts": 2, "feedback": 2, "receipts": 0}]


async def test_what_comes_later_is_taken_and_a_fault_repeats_nothing(tmp_path: Path, broker: Broker) -> None:
    """After an outage it goes on at the record after the last; meanwhile it knows that it is behind."""
    broker.logs.ring(event())
    clock = Clock()
    async with running(tmp_path, clock) as (feed, board):
        await asyncio.wait_for(feed.ready.wait(), 5)
        broker.coming.put_nowait([broker.logs.append(FEEDBACK, encode(ACK))])
        await until(lambda: board.entries(START)[0].acknowledged)
        assert feed.current
        clock.forward(module.BEHIND)
        assert not feed.current
        broker.coming.put_nowait(KafkaConnectionError())
        await until(lambda: len(broker.followed) == 2)
        assert feed.current
    first, again = [(name, 0) for name in ("alerts", "feedback", "receipts")], [("alerts", 1), ("feedback", 1)]
    assert broker.read == [*first, *again, ("receipts", 0)]


async def test_whoever_listens_hears_of_what_comes_and_not_of_what_was_there(tmp_path: Path, broker: Broker) -> None:
    """Alerts and operations once each, after all that was there has been read; receipts and labels are no news."""
    broker.logs.ring(event())
    broker.logs.append(FEEDBACK, encode(ACK))
    async with running(tmp_path, Clock()) as (feed, _):
        events = feed.known.hub.join()
        await asyncio.wait_for(feed.ready.wait(), 5)
        assert events.empty()
        receipt = Receipt(
            notification="n", event=f"{ALERT}.0", receiver="desk", attempt=1, at=START, outcome="delivered", status=204,
            reason="",
        )  # fmt: skip
        label = Feedback(document="d" * 32, head="topic", label="legal", judged="", author="p", at=START)
        mark = operations.mark(ALERT, True, author="li", at=START)
        broker.coming.put_nowait(
            [
                broker.logs.append(RECEIPTS, encode(receipt)),
                broker.logs.append(FEEDBACK, encode(label)),
                broker.logs.append(FEEDBACK, encode(mark)),
            ]
        )
        await until(lambda: not events.empty())
        assert events.qsize() == 1
        assert mark.id.encode() in (events.get_nowait() or b"")
        assert feed.known.receipts.of(ALERT) == (receipt,)
        assert len(feed.known.journal.after(None, 10, START)) == 3


async def test_a_refusal_of_kafka_ends_it(tmp_path: Path, broker: Broker) -> None:
    """Waiting does not mend a missing permission: what to check is told."""
    broker.coming.put_nowait(TopicAuthorizationFailedError())
    feed = Feed(Settings(state_dir=tmp_path), "", Known(), Clock().now)
    with pytest.raises(SettingsError, match="TOCSIN_KAFKA_USER"):
        await feed.run()
