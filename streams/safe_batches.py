"""Batches out of a Faust stream that lose nothing. The only module that touches Faust's acknowledgements.

Faust's `take()` and plain loops acknowledge a record even when its handler failed, and after one exception they drop
what they had buffered. `noack_take()` with acknowledgements in consumption order after the effects are durable, and a
supervisor that ends the process when a handler raises, does not. The order of effects is the guarantee:

1. `prepare` runs for up to `in_flight` batches at once; it must have no effect that a repetition would spoil.
2. `deliver` runs for one batch at a time, in order of consumption, and returns when its effects are durable.
3. The records are acknowledged in order; Faust commits the offsets.

A crash anywhere repeats 1 and 2 from the last committed offset: at least once, never lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from streams.kafka import Message

T = TypeVar("T")


class SafeBatches(Generic[T]):
    """Runs `prepare` and `deliver` over a stream of bytes with overlap and in-order acknowledgement.

    `deliver` returns True when everything delivered so far is durable; False holds the acknowledgements back until a
    later batch returns True (a detector acknowledges only what a snapshot contains), or until the stream has been
    quiet for `flush_after` seconds and `flush` has made it all durable. An exception anywhere ends `run` by raising;
    un-acknowledged records are delivered again after the restart.
    """

    def __init__(
        self,
        *,
        prepare: Callable[[list[Message]], Awaitable[T]],
        deliver: Callable[[T], Awaitable[bool]],
        size: int,
        wait: float,
        in_flight: int = 1,
        flush: Callable[[], Awaitable[None]] | None = None,
        flush_after: float = 1.0,
        took: Callable[[float], object] | None = None,
    ) -> None:
        """`took` is told the seconds from taking a batch to the end of its delivery."""
        self._prepare = prepare
        self._deliver = deliver
        self._size = size
        self._wait = wait
        self._in_flight = in_flight
        self._flush = flush
        self._flush_after = flush_after
        self._took = took or (lambda _: None)

    async def run(self, stream: Any) -> None:
        """Consume `stream` until it ends. Cancelling leaves what is under way un-acknowledged."""
        # When `noack_take` ends it puts this back to what it was, while Faust goes on draining the stream until the
        # process has ended: with acknowledgements on, all that was buffered would be committed unseen (measured: two
        # thirds of 8,000 records, when a part took three seconds to stop after a fault).
        stream.enable_acks = False
        queue: asyncio.Queue[tuple[list[Any], asyncio.Task[T], float]] = asyncio.Queue()
        slots = asyncio.Semaphore(self._in_flight)
        started: set[asyncio.Task[T]] = set()
        settling = asyncio.create_task(self._settle(stream, queue, slots), name="settle")
        # Settling ends only by a fault. It must end the consumption too, at once, even when nothing more arrives.
        consuming = asyncio.current_task()
        settling.add_done_callback(lambda task: None if task.cancelled() or consuming is None else consuming.cancel())
        try:
            async for events in stream.noack_take(self._size, within=self._wait):
                await slots.acquire()
                task = asyncio.create_task(self._start([_message(e) for e in events]))
                started.add(task)
                task.add_done_callback(started.discard)
                queue.put_nowait((list(events), task, time.monotonic()))
        except asyncio.CancelledError:
            if settling.done() and not settling.cancelled():
                settling.result()
            raise
        finally:
            settling.cancel()
            for task in started:
                task.cancel()
            await asyncio.gather(settling, *started, return_exceptions=True)

    async def _start(self, messages: list[Message]) -> T:
        return await self._prepare(messages)

    async def _settle(self, stream: Any, queue: asyncio.Queue[Any], slots: asyncio.Semaphore) -> None:
        held: list[Any] = []
        while True:
            taken = await self._next(queue, waiting=bool(held))
            if taken is None:
                durable = True
            else:
                events, task, began = taken
                durable = await self._deliver(await task)
                self._took(time.monotonic() - began)
                held.extend(events)
                slots.release()
            if durable:
                for event in held:
                    await stream.ack(event)
                held.clear()

    async def _next(self, queue: asyncio.Queue[Any], waiting: bool) -> Any:
        """The next batch; None after a flush because none came while acknowledgements were held."""
        if self._flush is None or not waiting:
            return await queue.get()
        try:
            async with asyncio.timeout(self._flush_after):  # wait_for may swallow a cancellation on Python 3.11
                return await queue.get()
        except TimeoutError:
            await self._flush()
            return None


def _message(event: Any) -> Message:
    m = event.message
    return Message(m.topic, m.partition, m.offset, m.key, m.value, m.timestamp)
