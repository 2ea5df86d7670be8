"""`GET /stream`: what happens, as it happens, by server-sent events; for a page that is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

import structlog
from fastapi import APIRouter
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from console.api.access import Reader
from console.api.context import Context
from console.api.errors import AGAIN, ApiError
from console.api.hub import Events, Full, encoded

EVERY: Final = 10.0  # seconds between ticks: less than any proxy waits, and a page knows soon that nobody is there
PATIENCE: Final = 20.0  # seconds in which a reader must take what is sent

log = structlog.get_logger(__name__)


class Stream(StreamingResponse):
    """Events until there are no more, and `leave` at the end of all. A reader that takes nothing for a while is let
    go."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        super().__init__(events, headers={"X-Accel-Buffering": "no"})  # a proxy passes each event on at once
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def stream_response(self, send: Send) -> None:
        """Send each event by itself; return, and so break off, when one is not taken in time."""

        async def patient(message: Message) -> None:
            async with asyncio.timeout(PATIENCE):
                await send(message)

        try:
            await super().stream_response(patient)
        except TimeoutError:
            log.info("api.stream_left", reason="the reader takes nothing")


def router(context: Context) -> APIRouter:
    """The route."""
    made, hub = APIRouter(), context.known.hub

    def tick() -> bytes:
        return encoded("tick", {"now": context.now(), "current": context.feed.current})

    @made.get("/stream", response_class=Stream, status_code=200)
    async def stream(caller: Reader) -> Stream:
        """What happens, as it happens. Events: `alert` (a step of an alert), `operation` (somebody did something),
        `tick` every ten seconds with the server's clock, and whether it is `current`. Nothing is sent twice: whoever
        comes again asks for what it missed. At most 64 streams, 32 of one caller; one that is read too slowly ends."""
        try:
            events = hub.join(caller.name)
        except Full:
            raise ApiError(503, "too_many_streams", AGAIN) from None
        return Stream(told(events, tick, EVERY), partial(hub.leave, events))

    return made


async def told(events: Events, tick: Callable[[], bytes], every: float) -> AsyncIterator[bytes]:
    """A tick at once, then events as they come and a tick every so many seconds; ends with the events."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while True:
        if due <= clock():
            yield tick()
            due = clock() + every
        try:
            async with asyncio.timeout_at(due):
                event = await events.get()
        except TimeoutError:
            continue
        if event is None:
            return
        yield event
