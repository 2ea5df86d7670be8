"""Safe batches against a stream that records its acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka import Message
from streams.safe_batches import SafeBatches


@dataclass
class Record:
    """What Faust calls a message."""

    offset: int
    topic: str = "t"
    partition: int = 0
    key: bytes | None = None
    value: bytes | None = b"v"
    timestamp: float = 0.0


@dataclass
class Event:
    """What Faust calls an event."""

    message: Record


@dataclass
class Stream:
    """Yields the given batches, then waits for ever as a live topic does; remembers acknowledgements in order."""

    batches: list[list[int]]
    acked: list[int] = field(default_factory=list)
    ends: bool = False
    enable_acks: bool = True  # Faust's own acknowledgements; off while `noack_take` runs, then put back

    async def noack_take(self, size: int, within: float) -> AsyncIterator[list[Event]]:
        before, self.enable_acks = self.enable_acks, False
        try:
            for batch in self.batches:
                yield [Event(Record(o)) for o in batch]
                await asyncio.sleep(0)
            if not self.ends:
                await asyncio.Event().wait()
        finally:
            self.enable_acks = before

    async def ack(self, event: Any) -> None:
        self.acked.append(event.message.offset)


async def run_until(batches: SafeBatches[Any], stream: Stream, done: Any) -> None:
    task = asyncio.create_task(batches.run(stream))
    for _ in range(2000):
        await asyncio.sleep(0.001)
        if done() or task.done():
            break
    if task.done():
        task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.integers(1, 6), st.randoms())
def test_acknowledges_in_order_whatever_finishes_first(sizes: list[int], in_flight: int, random: Any) -> None:
    """Batches finish in any order; records are acknowledged in the order of consumption, each once."""
    offsets = iter(range(1000))
    batches = [[next(offsets) for _ in range(n)] for n in sizes]
    delays = [random.random() / 500 for _ in batches]
    running = most = 0

    async def prepare(messages: list[Message]) -> list[int]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(delays[next(i for i, b in enumerate(batches) if b[0] == messages[0].offset)])
        running -= 1
        return [m.offset for m in messages]

    delivered: list[int] = []

    async def deliver(offsets: list[int]) -> bool:
        delivered.extend(offsets)
        return True

    stream = Stream(batches)
    safe = SafeBatches(prepare=prepare, deliver=deliver, size=9, wait=0.01, in_flight=in_flight)
    total = sum(sizes)
    asyncio.run(run_until(safe, stream, lambda: len(stream.acked) == total))
    assert stream.acked == delivered == list(range(total))
    assert most <= in_flight


async def test_nothing_is_acknowledged_from_a_failed_batch_on() -> None:
    """A handler that raises ends the run with its error; its records and all after it stay un-acknowledged."""

    async def prepare(messages: list[Message]) -> list[int]:
        if messages[0].offset == 4:
            raise RuntimeError("engine fault")
        return [m.offset for m in messages]

    async def deliver(_: list[int]) -> bool:
        return True

    stream = Stream([[0, 1], [2, 3], [4, 5], [6, 7]])
    safe = SafeBatches(prepare=prepare, deliver=deliver, size=2, wait=0.01, in_flight=3)
    with pytest.raises(RuntimeError, match="engine fault"):
        await run_until(safe, stream, lambda: False)
    assert stream.acked == [0, 1, 2, 3]


async def test_failing_delivery_ends_an_idle_stream_at_once() -> None:
    """A delivery that raises ends the run even when no further record ever arrives."""

    async def prepare(messages: list[Message]) -> list[Message]:
        return messages

    async def deliver(_: list[Message]) -> bool:
        raise RuntimeError("disk gone")

    safe = SafeBatches(prepare=prepare, deliver=deliver, size=2, wait=0.01)
    with pytest.raises(RuntimeError, match="disk gone"):
        await asyncio.wait_for(safe.run(Stream([[0]])), timeout=2)


async def test_faust_acknowledges_nothing_by_itself_after_a_fault() -> None:
    """Faust drains what it had buffered until the process has ended: its own acknowledgements stay off meanwhile."""

    async def prepare(_: list[Message]) -> None:
        raise RuntimeError("engine fault")

    async def deliver(_: None) -> bool:
        return True

    stream = Stream([[0], [1]])
    with pytest.raises(RuntimeError, match="engine fault"):
        await SafeBatches(prepare=prepare, deliver=deliver, size=1, wait=0.01).run(stream)
    await asyncio.sleep(0.01)  # the abandoned generator is closed by the event loop
    assert not stream.enable_acks


async def test_held_batches_are_acknowledged_with_the_next_durable_one() -> None:
    """While delivery says 'not yet durable' nothing is acknowledged; the first durable batch releases all before it."""
    answers = iter([False, False, True, False])

    async def prepare(messages: list[Message]) -> int:
        return messages[0].offset

    seen: list[int] = []

    async def deliver(offset: int) -> bool:
        seen.append(offset)
        return next(answers)

    stream = Stream([[0], [1], [2], [3]])
    await run_until(SafeBatches(prepare=prepare, deliver=deliver, size=1, wait=0.01), stream, lambda: len(seen) == 4)
    assert stream.acked == [0, 1, 2]


async def test_how_long_each_batch_took_is_told() -> None:
    """The seconds from taking a batch to the end of its delivery, for each batch once."""
    told: list[float] = []

    async def prepare(messages: list[Message]) -> list[Message]:
        await asyncio.sleep(0.02)
        return messages

    async def deliver(_: list[Message]) -> bool:
        return True

    safe = SafeBatches(prepare=prepare, deliver=deliver, size=1, wait=0.01, took=told.append)
    await run_until(safe, Stream([[0], [1]]), lambda: len(told) == 2)
    assert all(0.015 < seconds < 5 for seconds in told)


async def test_a_quiet_stream_is_flushed_and_acknowledged() -> None:
    """Held acknowledgements do not wait for a record that never comes: the flush makes them durable."""
    flushed: list[int] = []

    async def prepare(messages: list[Message]) -> list[Message]:
        return messages

    async def deliver(_: list[Message]) -> bool:
        return False

    async def flush() -> None:
        flushed.append(1)

    stream = Stream([[0], [1]])
    safe = SafeBatches(prepare=prepare, deliver=deliver, size=1, wait=0.01, flush=flush, flush_after=0.02)
    await run_until(safe, stream, lambda: len(stream.acked) == 2)
    assert (stream.acked, flushed) == ([0, 1], [1])


async def test_cancelling_leaves_work_unacknowledged_and_stops_quickly() -> None:
    """A worker told to stop while an engine is away stops at once and acknowledges nothing it did not finish."""

    async def prepare(_: list[Message]) -> None:
        await asyncio.Event().wait()

    async def deliver(_: None) -> bool:
        return True

    stream = Stream([[0], [1]])
    task = asyncio.create_task(
        SafeBatches(prepare=prepare, deliver=deliver, size=1, wait=0.01, in_flight=2).run(stream)
    )
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=1)
    assert stream.acked == []
