"""The push endpoint: items by HTTP with a token; a 202 means they are durable in Kafka.

Refused items are answered, each with its reason, and not dead-lettered: the sender has the text and can mend it.
What is wrong with a request as a whole is an error: 400 form, 401 token, 413 size, 415 type, 421 Host, 429 rate,
503 Kafka away (send it again: ids make repeats harmless).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from aiohttp import hdrs, web

from streams import metrics
from streams.hosts import answers_to, known_names, local_address
from streams.kafka import Outgoing
from streams.records import RawItem, Reject
from streams.settings import Settings
from streams.sources.mapping import checked, record_key, sealed
from streams.sources.rows import parse_json
from streams.sources.ticks import Inflow
from streams.sources.times import parse_time
from streams.topics import RAW

log = structlog.get_logger(__name__)

BODY_LIMIT: Final = 5 * 1024 * 1024
ITEM_LIMIT: Final = 1000
KAFKA_WAIT: Final = 10.0  # seconds a sender waits for Kafka before it is told to come back
LEAST_TOKEN: Final = 16
JSON_TYPES: Final = ("application/json",)
LINE_TYPES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
STAMPED: Final = ("collected_at", "collected_how", "type", "v")  # set here, never by the sender
AGAIN: Final = {"Retry-After": "10"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PushError(ValueError):
    """The endpoint cannot start with these settings; the message says what to set."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` requests a second, bursts of twice that."""

    rate: float
    level: float = 0.0
    at: float = 0.0

    def take(self, now: float) -> float:
        """0 when a request may pass, else the seconds until one may."""
        size = max(1.0, 2 * self.rate)
        self.level = min(size, self.level + (now - self.at) * self.rate) if self.at else size
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.rate


def token_for(settings: Settings) -> str:
    """The bearer token: the setting's, else, on loopback only, one made once and kept in the state folder.

    Raises PushError without a token on another address, and for one too short to be a secret.
    """
    token = settings.push_token.get_secret_value()
    if token:
        if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise PushError(f"TOCSIN_PUSH_TOKEN must be at least {LEAST_TOKEN} printable ASCII characters, no spaces")
        return token
    if not local_address(settings.push_host):
        raise PushError(
            f"the push endpoint would listen on {settings.push_host} without a token. Set TOCSIN_PUSH_TOKEN "
            "(or TOCSIN_PUSH_TOKEN_FILE), or TOCSIN_PUSH_HOST=127.0.0.1"
        )
    return _kept_token(token_file(settings))


def token_file(settings: Settings) -> Path:
    """Where a generated token lies."""
    return settings.state_dir / "push.token"


def _kept_token(path: Path) -> str:
    try:
        kept = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        kept = ""
    if len(kept) >= LEAST_TOKEN:
        path.chmod(0o600)
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    token = secrets.token_urlsafe(32)
    path.write_text(token + "\n", encoding="ascii")
    return token


def pushed_item(row: Any, at: datetime) -> RawItem:
    """The item in one pushed object, collected at `at`. Raises Reject; unknown fields are refused."""
    if not isinstance(row, dict):
        raise Reject("bad_schema", "an item is a JSON object")
    fields = dict(row)
    stamped = [name for name in STAMPED if name in fields]
    if stamped:
        raise Reject("bad_schema", f"{stamped[0]} is set by the server; leave it out")
    if "id" in fields and "native_id" not in fields:
        fields["native_id"] = fields.pop("id")
    if fields.get("kind") is None:
        fields["kind"] = "news" if fields.get("title") else "chat"
    if fields.get("published_at") is not None:
        fields["published_at"] = parse_time(fields["published_at"], None, at, "published_at")
        fields.setdefault("published_how", "stated")
    try:
        item = msgspec.convert(fields | {"collected_at": at}, RawItem)
    except msgspec.ValidationError as error:
        raise Reject("bad_schema", str(error)) from None
    return checked(item, at)


def rows_in(body: bytes, content_type: str) -> list[Any]:
    """The rows of a request: one object, an array, or one object a line. Rows that are no JSON are Reject values.

    Raises Reject when the body as a whole is unusable.
    """
    if content_type in LINE_TYPES:
        lines = [line for line in body.split(b"\n") if line.strip()]
        return [_line(line) for line in _few(lines)]
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Reject("bad_json", f"the body is not JSON: {error}. One object a line needs {LINE_TYPES[0]}") from None
    return _few(value) if isinstance(value, list) else [value]


def _few(rows: list[Any]) -> list[Any]:
    if not rows:
        raise Reject("empty", "the request holds no item")
    if len(rows) > ITEM_LIMIT:
        raise Reject("too_many", f"{len(rows)} items; a request may hold {ITEM_LIMIT}")
    return rows


def _line(line: bytes) -> Any:
    try:
        return parse_json(line)
    except Reject as reject:
        return reject


@dataclass(slots=True)
class Sorted:
    """A request's items: what goes to Kafka, and the answer for the rest."""

    records: list[Outgoing]
    rejected: list[dict[str, Any]]
    sources: list[str]


def sort_rows(rows: Sequence[Any], at: datetime, limit: int) -> Sorted:
    """Decide about every row of a request."""
    found = Sorted([], [], [])
    for index, row in enumerate(rows):
        try:
            if isinstance(row, Reject):
                raise row
            item = pushed_item(row, at)
            value = sealed(item, limit)
        except Reject as reject:
            message = str(reject).encode("utf-8", "replace").decode()[:500]
            found.rejected.append({"index": index, "reason": reject.reason, "message": message})
            continue
        found.records.append(Outgoing(RAW[item.kind], value, key=record_key(item)))
        found.sources.append(item.source)
    return found


def fault(status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error every client can read."""
    return web.json_response({"error": reason, "message": message}, status=status, headers=headers)


class Push:
    """The HTTP application. Build it with `push_app`."""

    def __init__(self, settings: Settings, token: str, inflow: Inflow, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._token = token.encode()
        self._inflow = inflow
        self._monotonic = monotonic
        self._bucket = Bucket(settings.push_rate)
        self._hosts = known_names(settings.push_host, settings.push_hosts)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Host allow-list before anything else, against pages that resolve their own name to this machine."""
        if not answers_to(request.host, self._hosts, self._settings.push_host):
            return fault(421, "bad_host", "this Host is not served here; name it in TOCSIN_PUSH_HOSTS")
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return fault(413, "too_large", f"a request may hold {BODY_LIMIT} bytes; send fewer items")
        except web.HTTPException as error:
            return fault(error.status, "http", error.reason)

    async def items(self, request: web.Request) -> web.Response:
        """`POST /v1/items`."""
        refused = self._admit(request)
        if refused is not None:
            return refused
        body = await request.read()
        try:
            rows = rows_in(body, request.content_type)
        except Reject as reject:
            return fault(413 if reject.reason == "too_many" else 400, reject.reason, str(reject)[:500])
        return await self._take(rows)

    def _admit(self, request: web.Request) -> web.Response | None:
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)
        if scheme.lower() != "bearer" or not same:
            challenge = {"WWW-Authenticate": "Bearer"}
            return fault(401, "unauthorized", "send the header Authorization: Bearer <token>", challenge)
        wait = self._bucket.take(self._monotonic())
        if wait > 0:
            later = {"Retry-After": str(int(wait) + 1)}
            return fault(429, "too_fast", f"more than {self._settings.push_rate:g} requests a second", later)
        if request.content_type not in (*JSON_TYPES, *LINE_TYPES) or request.headers.get(hdrs.CONTENT_ENCODING):
            return fault(415, "bad_type", f"send {JSON_TYPES[0]} or {LINE_TYPES[0]}, not compressed")
        return None

    async def _take(self, rows: Sequence[Any]) -> web.Response:
        found = Sorted([], [], [])

        def build(at: datetime) -> Sequence[Outgoing]:
            nonlocal found
            found = sort_rows(rows, at, self._settings.record_limit)
            return found.records

        try:
            async with asyncio.timeout(KAFKA_WAIT):
                await self._inflow.send(build)
        except TimeoutError:
            return fault(503, "kafka_away", "Kafka does not answer; send the same items again", AGAIN)
        # One label for all: names of sources come from outside and must not multiply the metric.
        metrics.SOURCE_ITEMS.labels("push", "sent").inc(len(found.records))
        metrics.SOURCE_ITEMS.labels("push", "rejected").inc(len(found.rejected))
        for one in found.rejected:
            metrics.REJECTS.labels("push", one["reason"]).inc()
        answer = {"accepted": len(found.records), "rejected": found.rejected}
        return web.json_response(answer, status=202 if found.records else 400, dumps=_dumps)

    async def health(self, _: web.Request) -> web.Response:
        """`GET /healthz`: the process answers."""
        return web.json_response({"status": "ok"})


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def push_app(settings: Settings, token: str, inflow: Inflow, monotonic: Callable[[], float]) -> web.Application:
    """The application with its two routes."""
    push = Push(settings, token, inflow, monotonic)
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[push.guard])
    app.router.add_post("/v1/items", push.items)
    app.router.add_get("/healthz", push.health)
    return app


async def start(app: web.Application, settings: Settings) -> tuple[web.AppRunner, str]:
    """Listen; returns what to clean up and the address. Raises PushError when the port is taken."""
    # Nothing is decompressed: a compressed body is refused by its header, so it cannot unfold in memory.
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=KAFKA_WAIT, auto_decompress=False
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.push_host, settings.push_port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise PushError(
            f"cannot listen on {settings.push_host}:{settings.push_port}: {error.strerror}. "
            "Choose another: TOCSIN_PUSH_PORT (0 takes a free one)"
        ) from None
    host, port = runner.addresses[0][:2]
    shown = f"[{host}]" if ":" in str(host) else host
    return runner, f"http://{shown}:{port}"
