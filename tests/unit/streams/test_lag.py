"""How far stages have got, asked of doubles: what Kafka cannot tell is never taken for nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CoordinatorLoadInProgressError, GroupIdNotFound

from streams.lag import READS, members, oldest, written_since
from streams.settings import Settings


class Admin:
    """Answers for each group with an error code and members."""

    def __init__(self, code: int, joined: int) -> None:
        self.code, self.joined = code, joined

    async def describe_consumer_groups(self, names: list[str]) -> list[Any]:
        row = (self.code, names[0], "Stable", "consumer", "range", [None] * self.joined, 0)
        return [SimpleNamespace(groups=[row])]


class Consumer:
    """Two partitions: records at 0, 10, 20 … seconds, and none."""

    full, empty = TopicPartition("t", 0), TopicPartition("t", 1)

    def __init__(self) -> None:
        self.places: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()

    def assign(self, tps: list[TopicPartition]) -> None:
        self.places = dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.places[tp] = offset

    def pause(self, tp: TopicPartition) -> None:
        self.paused.add(tp)

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        return {
            tp: [SimpleNamespace(timestamp=offset * 10_000), SimpleNamespace(timestamp=offset * 10_000 + 10_000)]
            for tp, offset in self.places.items()
            if tp == self.full and tp not in self.paused
        }

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: 10 if tp == self.full else 0 for tp in tps}

    async def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        return {
            tp: SimpleNamespace(offset=-(-at // 10_000)) if tp == self.full and at <= 90_000 else None
            for tp, at in times.items()
        }


@pytest.mark.parametrize(("code", "joined", "found"), [(0, 2, 2), (0, 0, 0), (GroupIdNotFound.errno, 0, 0)])
async def test_members_of_every_stage_are_counted(code: int, joined: int, found: int) -> None:
    """A group that never was has no members."""
    assert await members(Settings(), Admin(code, joined)) == dict.fromkeys(READS, found)


async def test_a_coordinator_that_cannot_tell_is_a_fault() -> None:
    """While it is loading, nobody knows who is a member: that is not nobody."""
    with pytest.raises(CoordinatorLoadInProgressError):
        await members(Settings(), Admin(CoordinatorLoadInProgressError.errno, 0))


async def test_the_oldest_waiting_record_tells_the_age() -> None:
    """The first record at the place asked for, not the newest."""
    assert await oldest(Consumer(), {Consumer.full: 4}) == 40
    assert await oldest(Consumer(), {}) is None


async def test_records_are_counted_from_a_time_on() -> None:
    """Partitions without a record that young count nothing."""
    both = [Consumer.full, Consumer.empty]
    assert [await written_since(Consumer(), both, at) for at in (0, 35, 90, 91)] == [10, 6, 1, 0]
    assert await written_since(Consumer(), [], 0) == 0
