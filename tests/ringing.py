"""Parts for tests of deliveries: alert events, a clock that is set, a receiver that follows a script, kept records."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alerts.delivery.channel import Channel, Message
from alerts.delivery.message import notification_id
from alerts.delivery.outbox import Notification
from alerts.delivery.webhook import Receiver, read_receivers
from streams import kafka
from streams.kafka import Outgoing
from streams.records import AlertEvent, Evidence, Receipt, decode, digest, encode
from streams.settings import Settings
from streams.topics import ALERTS, RECEIPTS, Topic

SHORT = 0.1  # seconds of a delivery where the receiver is meant to be too slow
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
ALERT = digest("an alert")


def evidence(number: int = 0, **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "document": digest("document", str(number)),
        "headline": f"Brightwater recalls pump number {number}",
        "url": f"https://news.example/{number}",
        "source": "wire",
        "collected_at": START,
        "negative": 0.93,
        "copies": 4,
        "authors": 3,
    }
    return Evidence(**(fields | changes))


def event(sequence: int = 0, state: str = "firing", **changes: Any) -> AlertEvent:
    alert = changes.pop("alert", ALERT)
    fields: dict[str, Any] = {
        "id": f"{alert}.{sequence}",
        "alert": alert,
        "sequence": sequence,
        "state": state,
        "reason": "held",
        "rule": "negative-surge",
        "rule_hash": "0123456789abcdef",
        "severity": "critical",
        "subject": "entity:BRW",
        "name": "Brightwater",
        "at": START,
        "since": START - timedelta(minutes=5),
        "window_seconds": 1800,
        "observed": 24.0,
        "expected": 2.1,
        "low": 0.0,
        "high": 6.0,
        "unit": "negative stories",
        "p_value": 1e-6,
        "support": 31,
        "documents": 40,
        "stories": 24,
        "sources": 9,
        "authors": 17,
        "evidence": (evidence(1), evidence(2)),
        "models": ("opinion-en",),
        "labels": {"baseline": "seasonal"},
    }
    return AlertEvent(**(fields | changes))


def settings(folder: Path, urls: str = "", **changes: Any) -> Settings:
    """Settings that read nothing from the environment."""
    given: dict[str, Any] = {
        "state_dir": folder,
        "webhook_urls": urls,
        "webhook_secret": SecretStr(SECRET),
        "webhook_allow": "127.0.0.0/8",
        "webhook_timeout": 5.0,
    }
    return Settings(**(given | changes))


def notification(told: AlertEvent, channel: Channel, **changes: Any) -> Notification:
    """One event for one webhook, as the notifier stores it."""
    id_ = notification_id(told.id, channel.id)
    message = Message(id=id_, at=told.at, why="first", events=(told,))
    given: dict[str, Any] = {"type": channel.type, "why": "first", "parts": channel.render(message)}
    return Notification(id=id_, receiver=channel.id, events=(told.id,), **(given | changes))


def one_receiver(folder: Path, url: str) -> Receiver:
    return read_receivers(settings(folder, url))[0]


@dataclass(slots=True)
class Clock:
    """Time that stands still until it is set."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(slots=True)
class Kept:
    """Records that were written, in place of Kafka; `away` makes the writer wait as it would for a broker."""

    records: list[Outgoing] = field(default_factory=list)
    back: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.back.set()

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        await self.back.wait()
        self.records.extend(records)

    def of(self, topic: Topic) -> list[Outgoing]:
        return [record for record in self.records if record.topic is topic]

    def receipts(self) -> list[Receipt]:
        return [decode(record.value, Receipt) for record in self.of(RECEIPTS)]


@dataclass(slots=True)
class Logs:
    """Topics as they lie in Kafka: for `read_topic`, and as messages to be consumed."""

    topics: dict[str, list[kafka.Message]] = field(default_factory=dict)

    def append(self, topic: Topic, value: bytes | None, at: datetime = START) -> kafka.Message:
        log = self.topics.setdefault(topic.name, [])
        log.append(kafka.Message(topic.name, 0, len(log), None, value, at.timestamp()))
        return log[-1]

    def ring(self, *events: AlertEvent, at: datetime = START) -> list[kafka.Message]:
        return [self.append(ALERTS, encode(e), at) for e in events]

    async def read(self, topic: Topic) -> AsyncIterator[kafka.Message]:
        for message in list(self.topics.get(topic.name, [])):
            yield message


@dataclass(frozen=True, slots=True)
class Request:
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(slots=True)
class ScriptedReceiver:
    """An HTTP server on loopback that answers by script and with 204 afterwards.

    A step is the bytes of a reply, a status, or `hang` (never answers), `reset` (RST), `drip` (a head that never ends),
    `slow body` (a status at once, then a body that never ends).
    """

    script: list[int | bytes | str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    heard: Callable[[Request], None] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=canary-in-the-path"

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = await _read_request(reader)
                self.requests.append(request)
                if self.heard is not None:
                    self.heard(request)
                await _play(self.script.pop(0) if self.script else 204, writer)
        writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(headers, body, head[0].split(" ")[1])


async def _play(step: int | bytes | str, writer: asyncio.StreamWriter) -> None:
    if step == "reset":
        writer.transport.abort()
        raise ConnectionResetError
    if step == "hang":
        await asyncio.sleep(30)
    elif step in ("drip", "slow body"):
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 1000000\r\n\r\n" if step == "slow body" else b""))
        while True:
            writer.write(b"a: b\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif isinstance(step, bytes):
        writer.write(step)
    else:
        writer.write(f"HTTP/1.1 {step} Scripted\r\nContent-Length: 0\r\n\r\n".encode())


@contextlib.asynccontextmanager
async def receiving(*script: int | bytes | str) -> AsyncIterator[ScriptedReceiver]:
    """A running receiver. Connections still open at the end are cut."""
    receiver = ScriptedReceiver(list(script))
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver.answer(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.close())

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Return when the condition holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for are effects outside this process
            await asyncio.sleep(0.005)


async def holds_still(condition: Callable[[], object], seconds: float = 0.05) -> None:
    """Fail when the condition comes to hold within `seconds`."""
    with contextlib.suppress(TimeoutError):
        await until(condition, seconds)
        raise AssertionError("it happened, and should not have")
