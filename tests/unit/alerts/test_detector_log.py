"""Reading the detector's state and input back, over a log that fails now and then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from alerts import detector_log
from alerts.detector_log import TAIL, KafkaLog
from streams.kafka import Message
from streams.settings import Settings


class Topic:
    """One partition of a topic; raises the next fault, if any, after a few records of each read."""

    def __init__(self, keys: list[bytes], faults: list[Exception] | None = None) -> None:
        self.records = [Message("t", 0, n, key, f"{n}".encode(), 0.0) for n, key in enumerate(keys)]
        self.faults = faults or []
        self.reads: list[int] = []

    async def read(self, *_: Any, start: int, stop: dict[int, int], **__: Any) -> AsyncIterator[Message]:
        """Stands for `streams.kafka.read_topic`."""
        self.reads.append(start)
        for turn, record in enumerate(self.records[start : stop[0]]):
            if self.faults and turn == 3:
                raise self.faults.pop(0)
            yield record

    async def bounds(self) -> tuple[int, int]:
        """Beginning and end."""
        return 0, len(self.records)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A KafkaLog over a Topic."""

    def build(topic: Topic) -> KafkaLog:
        log = KafkaLog(Settings(), "nowhere:1")  # type: ignore[call-arg]
        monkeypatch.setattr(detector_log, "read_topic", topic.read)
        monkeypatch.setattr(detector_log, "FIRST_PAUSE", 0.001)
        monkeypatch.setattr(log, "_bounds", topic.bounds)
        return log

    return build


async def test_only_the_end_of_the_log_is_read_when_it_holds_a_snapshot(reader: Any) -> None:
    """A long log of snapshots does not make a slow start."""
    topic = Topic([b"%d" % (n % 4) for n in range(1000)])
    found = [int(d) async for d in reader(topic).snapshots(2)]
    assert found == [n for n in range(1000 - TAIL, 1000) if n % 4 == 2]


async def test_it_looks_further_back_for_a_quiet_partition(reader: Any) -> None:
    """The only snapshot of a partition is found wherever it lies; without any there is none."""
    topic = Topic([b"7", *[b"1"] * 999])
    assert [d async for d in reader(topic).snapshots(7)] == [b"0"]
    assert topic.reads == [1000 - TAIL, 1000 - 4 * TAIL, 0]
    assert [d async for d in reader(topic).snapshots(9)] == []
    assert [d async for d in reader(Topic([])).snapshots(0)] == []


async def test_mentions_come_in_order_and_once_through_outages(reader: Any) -> None:
    """After a fault reading goes on where it stopped."""
    topic = Topic([b"k"] * 20, [KafkaConnectionError(), TimeoutError(), OSError()])
    found = [m.offset async for m in reader(topic).mentions(0, 5, 18)]
    assert found == list(range(5, 18))
    assert topic.reads == [5, 8, 11, 14]


async def test_wrong_credentials_are_not_waited_out(reader: Any) -> None:
    """Waiting does not mend permissions."""
    topic = Topic([b"k"] * 20, [TopicAuthorizationFailedError()])
    with pytest.raises(TopicAuthorizationFailedError):
        _ = [m async for m in reader(topic).mentions(0, 0, 20)]
    assert [m async for m in reader(Topic([b"k"])).mentions(0, 3, 3)] == []
