"""The API over real HTTP on loopback, with a board that a test fills and a producer that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from alerts.board import Board
from console.api.app import build
from console.api.command import Server, listen, server_of
from console.api.known import Known
from streams.records import Operation, Opinion, decode
from streams.settings import Settings
from streams.topics import FEEDBACK
from tests.ringing import START, Clock, Kept, event

OPERATE, READ = "an-invented-token-that-operates", "an-invented-token-that-only-reads"
TOKENS = f"# who may what\nli.wei operate {OPERATE}\n\nwall read {READ}\n"
NOW = START + timedelta(hours=1)


@dataclass(slots=True)
class Filled:
    """A feed that has read everything."""

    current: bool = True
    ready: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Served:
    """A running API and what a test may look at."""

    url: str
    settings: Settings
    known: Known
    kept: Kept
    feed: Filled
    clock: Clock
    ticks: list[float]
    session: aiohttp.ClientSession
    server: Server
    running: asyncio.Task[None]

    @property
    def board(self) -> Board:
        return self.known.board

    def written(self) -> list[Operation]:
        return [decode(record.value, Opinion) for record in self.kept.of(FEEDBACK)]

    async def ask(self, method: str, path: str, token: str = OPERATE, **given: Any) -> tuple[int, Any]:
        """Status and JSON of an answer under /api/v1."""
        headers = {"Authorization": f"Bearer {token}"} | given.pop("headers", {})
        async with self.session.request(method, f"{self.url}/api/v1{path}", headers=headers, **given) as answer:
            return answer.status, await answer.json()

    async def page(self, method: str, path: str, **given: Any) -> tuple[int, str, Any]:
        """Status, text and headers of an answer without a token."""
        async with self.session.request(method, self.url + path, **given) as answer:
            return answer.status, await answer.text(), answer.headers


@asynccontextmanager
async def serving(tmp_path: Path, ready: bool = True, **changes: Any) -> AsyncIterator[Served]:
    given: dict[str, Any] = {
        "state_dir": tmp_path, "api_port": 0, "api_tokens": SecretStr(TOKENS), "api_rate": 1000.0,
        "public_url": "https://tocsin.example", "link_secret": SecretStr("an-invented-secret-of-links-0123"),
    }  # fmt: skip
    settings = Settings(**(given | changes))
    known, kept, feed, clock, ticks = Known(), Kept(), Filled(), Clock(NOW), [5.0]
    known.take(event(), event().at)
    if ready:
        feed.ready.set()
    app = build(settings, known, feed, kept, now=clock.now, monotonic=lambda: ticks[0])  # type: ignore[arg-type]
    with listen(settings.model_copy(update={"api_host": "127.0.0.1"})) as listening:
        server = server_of(app)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with aiohttp.ClientSession() as session:
            yield Served(url, settings, known, kept, feed, clock, ticks, session, server, running)
            server.should_exit = True
            await running
        await app.close()
