"""Polite, guarded HTTP for feeds: bounded in time, size and redirects; robots.txt and each host's pace respected."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.robotparser import RobotFileParser

import aiohttp
from yarl import URL

from streams.guard import Network, Refused, check_url, guarded_connector, refusal
from streams.sources.feed import FeedError
from streams.version import VERSION

BODY_LIMIT: Final = 5 * 1024 * 1024  # bytes, after decompression
ROBOTS_LIMIT: Final = 512 * 1024  # what RFC 9309 asks a reader to take at least
REDIRECTS: Final = 5
ROBOTS_AGE: Final = 86_400.0  # seconds a robots.txt is believed; the most RFC 9309 recommends
HOST_PAUSE: Final = 2.0  # seconds between two requests to one host
LONGEST_DELAY: Final = 60.0  # of a Crawl-delay we wait for
MOST_HOSTS: Final = 10_000
AGENT: Final = "Tocsin"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes one request may take."""

    total: float = 30.0
    connect: float = 10.0
    read: float = 10.0
    body: int = BODY_LIMIT


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said in the end: `url` after redirects, header names in lower case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    robots: RobotFileParser | None = None
    robots_until: float = 0.0


class Fetcher:
    """One HTTP client for all feeds. Raises FeedError, with a reason, for everything that is not an answer."""

    def __init__(
        self, allow: tuple[Network, ...], contact: str, monotonic: Callable[[], float], *, limits: Limits | None = None,
        host_pause: float = HOST_PAUSE, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._allow = allow
        self._agent = f"{AGENT}/{VERSION}" + (f" (+{contact})" if contact else "")
        self._monotonic = monotonic
        self._sleep = sleep
        self._limits = limits or Limits()
        self._pause = host_pause
        self._hosts: dict[str, _Host] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Fetcher:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=guarded_connector(self._allow),
            trust_env=False,  # a proxy would connect in our place, past the guard
            auto_decompress=False,  # decompressed here, where the size is counted while it grows
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.read),
            headers={"User-Agent": self._agent, "Accept-Encoding": "gzip, deflate"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The answer to a polite GET: after the host's pause, only when its robots.txt allows it."""
        for _ in range(REDIRECTS + 1):
            target = self._checked(url)
            host = self._host(target)
            async with host.lock:  # one request at a time to a host
                await self._ask_robots(host, target)
                await self._wait_turn(host)
                answer = await self._request(target, headers, self._limits.body)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            url = self._next(target, answer)
        raise FeedError("redirects", f"more than {REDIRECTS} redirects")

    def _host(self, target: URL) -> _Host:
        if len(self._hosts) > MOST_HOSTS:  # redirects lead anywhere; memory does not
            self._hosts = {name: host for name, host in self._hosts.items() if host.lock.locked()}
        return self._hosts.setdefault(str(target.origin()), _Host())

    def _checked(self, url: str) -> URL:
        try:
            return check_url(url, self._allow, plain=True)
        except Refused as refused:
            raise FeedError("refused", str(refused)) from None

    def _next(self, target: URL, answer: Answer) -> str:
        location = answer.headers.get("location", "")
        try:
            joined = target.join(URL(location)) if location else None
        except ValueError:
            joined = None
        if joined is None:
            raise FeedError("redirects", "a redirect without a usable address")
        if target.scheme == "https" and joined.scheme != "https":
            raise FeedError("redirects", "a redirect from https to plain http")
        return str(joined)

    async def _wait_turn(self, host: _Host) -> None:
        wait = host.free_at - self._monotonic()
        if wait > 0:
            await self._sleep(wait)
        delay = host.robots.crawl_delay(self._agent) if host.robots else None
        pause = min(LONGEST_DELAY, int(delay)) if delay else 0.0
        host.free_at = self._monotonic() + max(self._pause, pause)

    async def _ask_robots(self, host: _Host, target: URL) -> None:
        if host.robots is None or self._monotonic() >= host.robots_until:
            host.robots = await self._robots(target)
            host.robots_until = self._monotonic() + ROBOTS_AGE
        if not host.robots.can_fetch(self._agent, str(target)):
            raise FeedError("robots", "robots.txt of this host does not allow it")

    async def _robots(self, target: URL) -> RobotFileParser:
        """RFC 9309: no file (4xx) allows everything; a server that fails (5xx, no answer) allows nothing for now."""
        url = target.origin().with_path("/robots.txt")
        for _ in range(REDIRECTS):
            answer = await self._request(self._checked(str(url)), {}, ROBOTS_LIMIT)
            if answer.status not in (301, 302, 303, 307, 308):
                break
            url = URL(self._next(url, answer))
        if answer.status >= 500 or answer.status == 429:
            raise FeedError("robots", f"robots.txt answers {answer.status}; asked again later")
        return robots_rules(answer.body.decode("utf-8", "replace") if answer.status == 200 else "")

    async def _request(self, target: URL, headers: Mapping[str, str], limit: int) -> Answer:
        if self._session is None:
            raise RuntimeError("use `async with Fetcher(...)`")
        try:
            async with self._session.get(target, headers=headers, allow_redirects=False) as response:
                body = await _body(response, limit) if response.status == 200 else b""
                lower = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, str(target), lower, body)
        except FeedError:
            raise
        except TimeoutError:
            raise FeedError("timeout", f"no complete answer within {self._limits.total:g} s") from None
        except aiohttp.ClientError as error:
            if refusal(error):
                raise FeedError("refused", f"{target.host} is not a public address (TOCSIN_FEEDS_ALLOW)") from None
            raise FeedError("network", f"{type(error).__name__}") from None
        except (OSError, ValueError) as error:
            raise FeedError("network", f"{type(error).__name__}") from None


def robots_rules(text: str) -> RobotFileParser:
    """The rules in a robots.txt. Lines that cannot be parsed are no rules (RFC 9309)."""
    lines = text.splitlines()
    return _parsed(lines) or _parsed([line for line in lines if _parsed(["User-agent: *", line])]) or RobotFileParser()


def _parsed(lines: list[str]) -> RobotFileParser | None:
    rules = RobotFileParser()
    try:
        rules.parse(lines)
    except ValueError:  # the standard parser trips over `//[` and digits that are none
        return None
    return rules


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The decompressed body; stops as soon as it is larger than allowed, whatever the server announced."""
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise FeedError("bad_encoding", "sent in an encoding nobody asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if coding not in ("", "identity") else None
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        try:
            body += unpack.decompress(chunk, limit + 1 - len(body)) if unpack else chunk
        except zlib.error:
            raise FeedError("bad_encoding", "compressed data is damaged") from None
        if len(body) > limit:
            raise FeedError("too_large", f"more than {limit} bytes")
    if unpack and not unpack.eof:
        raise FeedError("bad_encoding", "compressed data ends early")
    return bytes(body)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds a server asks to be left alone (Retry-After, a number or a date); None when it says nothing usable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None
