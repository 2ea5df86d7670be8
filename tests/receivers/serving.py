"""An HTTP application on loopback, and the faults every network has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from aiohttp import web
from yarl import URL

from tests.ringing import START

Fault = Literal["", "slow", "drop", "redirect", "login page", "half", "500", "429", "bare 200", "huge"]


@dataclass
class Platform:
    """What all platforms have: a clock, a fault to play, and what they took."""

    fault: Fault = ""
    now: datetime = START
    taken: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    times: list[float] = field(default_factory=list)

    def judge(self, request: web.Request, body: bytes) -> dict[str, Any]:
        """The platform's answer to one request."""
        raise NotImplementedError

    def fast(self, requests: int, seconds: float) -> bool:
        """Whether this request comes too soon after the others."""
        at = self.now.timestamp()
        self.times = [t for t in self.times if at - t < seconds]
        self.times.append(at)
        return len(self.times) > requests

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer, or what happens in its place."""
        body = await request.read()
        if self.fault == "slow":
            await asyncio.sleep(5)
        if self.fault == "drop":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        special: dict[str, Callable[[], web.StreamResponse]] = {
            "redirect": lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
            "login page": lambda: web.Response(text="<html>Please log in</html>", content_type="text/html"),
            "half": lambda: web.Response(text='{"errcode":'),
            "500": lambda: web.Response(status=500),
            "429": lambda: web.Response(status=429, headers={"Retry-After": "7"}),
            "bare 200": lambda: web.Response(),
            "huge": lambda: web.Response(text='{"pad":"' + "x" * 200_000 + '","errcode":0,"code":0}'),
        }
        if self.fault in special:
            return special[self.fault]()
        found = self.judge(request, body)
        self.refused += any(found.get(name) for name in ("errcode", "code"))
        return web.json_response(found, headers={"Date": format_datetime(self.now.astimezone(UTC), usegmt=True)})


@contextlib.asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[URL]:
    """The address of a running server that hands every request to `handler`."""
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()
