"""Feeds over real HTTP on loopback: politeness, bad servers, and one bad feed that stops no other."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from streams.guard import parse_allow
from streams.records import DeadLetter, decode
from streams.settings import Settings
from streams.sources import cursor
from streams.sources.feed import FeedError
from streams.sources.feedlist import Feed
from streams.sources.fetch import Fetcher, Limits, retry_after
from streams.sources.poll import FeedState, Poller, pause_after, poll_all, state_path
from streams.sources.ticks import Inflow
from tests.unit.streams.sources.sink import NOW, FakeSink
from tests.unit.streams.sources.test_feed import rss

LOOPBACK = parse_allow("127.0.0.0/8")
PATIENT = Limits(body=200_000)
QUICK = Limits(total=0.3, connect=0.2, read=0.15, body=200_000)
Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """A web site whose answer to /feed is given by the test."""

    def __init__(self) -> None:
        self.answer: Answerer = self._fine
        self.robots = web.Response(status=404)
        self.requests: list[web.Request] = []
        self.robots_asked = 0
        self.url = ""

    async def _fine(self, _: web.Request) -> web.StreamResponse:
        return web.Response(
            body=rss("<title>One</title><guid>1</guid>"), headers={"ETag": '"v1"', "Last-Modified": "x"}
        )

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.answer(request)

    async def _robots(self, _: web.Request) -> web.StreamResponse:
        self.robots_asked += 1
        return web.Response(status=self.robots.status, text=self.robots.text or "")

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Site"]:
        app = web.Application()
        app.router.add_get("/robots.txt", self._robots)
        app.router.add_get("/{name:.*}", self._feed)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/feed"
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site().open() as opened:
        yield opened


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(LOOPBACK, "desk@tocsin.example", lambda: 0.0, limits=PATIENT, host_pause=0.0) as opened:
        yield opened


def poller(site: Site, fetcher: Fetcher, sink: FakeSink, tmp_path: Path, **changes: Any) -> Poller:
    settings = Settings(state_dir=tmp_path, partitions=1)
    feed = Feed(**({"url": site.url, "source": "site"} | changes))
    return Poller(feed, fetcher, Inflow(settings, sink, lambda: NOW), settings, lambda: NOW, lambda: 0.5)


async def test_items_then_unchanged(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """Entries are sent once; validators survive a restart, and an unchanged feed costs a 304."""
    sink = FakeSink()
    assert await poller(site, fetcher, sink, tmp_path).poll() == "items"
    assert [item.native_id for item in sink.items] == ["1"]

    async def unchanged(request: web.Request) -> web.StreamResponse:
        assert request.headers["If-None-Match"] == '"v1"'
        assert request.headers["If-Modified-Since"] == "x"
        return web.Response(status=304)

    site.answer = unchanged
    again = poller(site, fetcher, sink, tmp_path)
    assert await again.poll() == "unchanged"
    assert len(sink.items) == 1
    assert "desk@tocsin.example" in site.requests[0].headers["User-Agent"]
    assert again.state.next_at == NOW.timestamp() + 600


async def test_seen_entries_are_not_sent_again(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """Without validators only new and edited entries are sent; a bad entry is told once."""
    entries = ["<title>One</title><guid>1</guid>", "<guid>empty</guid>"]

    async def listed(_: web.Request) -> web.StreamResponse:
        return web.Response(body=rss(*entries))

    site.answer = listed
    sink = FakeSink()
    mine = poller(site, fetcher, sink, tmp_path)
    await mine.poll()
    await mine.poll()
    entries[0] = "<title>One, corrected</title><guid>1</guid>"
    entries.append("<title>Two</title><guid>2</guid>")
    await poller(site, fetcher, sink, tmp_path).poll()
    assert [item.title for item in sink.items] == ["One", "One, corrected", "Two"]
    (told,) = [decode(r.value, DeadLetter) for r in sink.sent if r.topic.name == "deadletters"]
    assert (told.topic, told.reason) == ("feed:site", "no_text")


def bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(b"<rss>" + b"a" * 50_000_000) + packer.flush()


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"<rss>" + b"a" * 60_000)


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"<")
        await asyncio.sleep(0.05)


async def _hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(1)
    return web.Response()


async def _liar(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b"<rss>")
    if request.transport is not None:
        request.transport.close()
    return response


def fixed(**kwargs: Any) -> Answerer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(**kwargs)

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (fixed(status=404), "status"),
        (fixed(status=500), "status"),
        (fixed(status=429), "throttled"),
        (fixed(body=b"<html>no</html>"), "not_a_feed"),
        (fixed(body=rss("<title>x</title>", head="<!DOCTYPE r>")), "dtd"),
        (fixed(body=bomb(), headers={"Content-Encoding": "gzip"}), "too_large"),
        (fixed(body=gzip.compress(gzip.compress(b"<rss/>")), headers={"Content-Encoding": "gzip"}), "not_a_feed"),
        (fixed(body=b"not gzip", headers={"Content-Encoding": "gzip"}), "bad_encoding"),
        (fixed(body=gzip.compress(b"<rss/>" * 99)[:-9], headers={"Content-Encoding": "gzip"}), "bad_encoding"),
        (fixed(body=b"x", headers={"Content-Encoding": "br"}), "bad_encoding"),
        (fixed(status=302), "redirects"),
        (fixed(status=302, headers={"Location": "/feed"}), "redirects"),
        (fixed(status=302, headers={"Location": "http://10.0.0.1/x"}), "refused"),
        (fixed(status=301, headers={"Location": "http://169.254.169.254/latest/meta-data"}), "refused"),
        (fixed(status=302, headers={"Location": "http://[::1]/x"}), "refused"),
        (fixed(status=302, headers={"Location": "file:///etc/passwd"}), "refused"),
        (fixed(status=302, headers={"Location": "http://[broken"}), "redirects"),
        (_endless, "too_large"),
        (_liar, "network"),
    ],
)  # fmt: skip
async def test_bad_servers(site: Site, fetcher: Fetcher, tmp_path: Path, answer: Answerer, reason: str) -> None:
    """Whatever a server does, the poll ends with a reason, nothing is sent, and the next poll comes later."""
    site.answer = answer
    sink = FakeSink()
    mine = poller(site, fetcher, sink, tmp_path)
    assert await mine.poll() == reason
    assert not sink.sent
    assert mine.state.failures == 1
    assert mine.state.next_at == NOW.timestamp() + 1200


@pytest.mark.parametrize("answer", [_drip, _hang])
async def test_slow_servers(site: Site, tmp_path: Path, answer: Answerer) -> None:
    """A server that drips or hangs is left after the time one request may take."""
    site.answer = answer
    async with Fetcher(LOOPBACK, "", lambda: 0.0, limits=QUICK, host_pause=0.0) as hasty:
        with pytest.raises(FeedError) as caught:
            await hasty.get(site.url, {})
    assert caught.value.reason == "timeout"


async def test_gzip_is_read(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """Compressed answers of honest servers are read, after a redirect too."""
    packed = gzip.compress(rss("<title>One</title><link>a/1</link>"))

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/feed":
            return web.Response(status=301, headers={"Location": "/moved/feed.xml"})
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    site.answer = answer
    sink = FakeSink()
    assert await poller(site, fetcher, sink, tmp_path).poll() == "items"
    assert sink.items[0].url == site.url.replace("/feed", "/moved/a/1")


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("User-agent: *\nDisallow: //[\nDisallow: /feed", False),  # the good line counts
        ("User-agent: *\nAllow: http://[::1", True),
        ("User-agent: *\nCrawl-delay: ²\nRequest-rate: ²/³", True),
        (f"User-agent: *\nCrawl-delay: {'9' * 400}", True),
        (f"User-agent: *\nCrawl-delay: {'9' * 5000}", True),
    ],
)
async def test_odd_robots(site: Site, tmp_path: Path, robots: str, allowed: bool) -> None:
    """A line of robots.txt that trips the parser is no rule, and neither ends the collector nor hides other lines."""
    site.robots = web.Response(text=robots)

    async def sleep(_: float) -> None:
        return

    async with Fetcher(LOOPBACK, "", lambda: 0.0, limits=PATIENT, host_pause=0.0, sleep=sleep) as fetcher:
        mine = poller(site, fetcher, FakeSink(), tmp_path)
        assert await mine.poll() == ("items" if allowed else "robots")


@pytest.mark.parametrize("date", [f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", f"Mon, 01 Jan 2026 {'9' * 17}:00:00 GMT"])
async def test_odd_retry_after(site: Site, fetcher: Fetcher, tmp_path: Path, date: str) -> None:
    """A date that no calendar holds asks for nothing, and does not end the collector."""
    site.answer = fixed(status=503, headers={"Retry-After": date})
    assert await poller(site, fetcher, FakeSink(), tmp_path).poll() == "throttled"


async def test_gone(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """A feed that is gone is never asked again, after a restart either."""
    site.answer = fixed(status=410)
    mine = poller(site, fetcher, FakeSink(), tmp_path)
    await mine.run(asyncio.Event())
    await poller(site, fetcher, FakeSink(), tmp_path).run(asyncio.Event())
    assert len(site.requests) == 1


async def test_retry_after(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """A server that asks for time is given it."""
    site.answer = fixed(status=503, headers={"Retry-After": "7200"})
    mine = poller(site, fetcher, FakeSink(), tmp_path)
    await mine.poll()
    assert mine.state.next_at == NOW.timestamp() + 7200
    assert retry_after({"retry-after": "Sun, 22 Nov 2026 13:00:00 GMT"}, NOW) == 3600
    assert [retry_after({"retry-after": t}, NOW) for t in ("", "soon", "-1", "٣")] == [None] * 4


def test_pauses_grow() -> None:
    """Failures double the pause up to six hours; what a server asks for counts, up to a day."""
    feed = Feed(url="https://a.example/x", source="a", interval=600)
    assert [pause_after(feed, n, None, 0.5) for n in range(4)] == [600, 1200, 2400, 4800]
    assert pause_after(feed, 50, None, 0.5) == 21_600
    assert pause_after(feed, 1, None, 0.0) == 900
    assert pause_after(feed, 0, 3600, 0.5) == 3600
    assert pause_after(feed, 0, 10**9, 0.5) == 86_400


async def test_robots(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """What robots.txt forbids is not asked for, a failing robots.txt forbids for now, and it is read once a day."""
    site.robots = web.Response(text="User-agent: *\nDisallow: /feed\n")
    mine = poller(site, fetcher, FakeSink(), tmp_path)
    assert await mine.poll() == "robots"
    assert await mine.poll() == "robots"
    assert not site.requests
    assert site.robots_asked == 1
    async with Fetcher(LOOPBACK, "", lambda: 0.0, limits=PATIENT, host_pause=0.0) as fresh:
        site.robots = web.Response(status=500)
        with pytest.raises(FeedError, match="500"):
            await fresh.get(site.url, {})
        site.robots = web.Response(text="User-agent: tocsin\nDisallow:\n\nUser-agent: *\nDisallow: /\n")
        assert (await fresh.get(site.url, {})).status == 200


async def test_host_pause(site: Site) -> None:
    """Two requests to one host keep their distance, a longer one when robots.txt asks for it."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    site.robots = web.Response(text="User-agent: *\nCrawl-delay: 7\n")
    async with Fetcher(LOOPBACK, "", lambda: 100.0, limits=PATIENT, host_pause=2.0, sleep=sleep) as fetcher:
        await fetcher.get(site.url, {})
        await fetcher.get(site.url, {})
    assert waits == [7.0]


async def test_private_addresses_need_leave(site: Site, tmp_path: Path) -> None:
    """A feed on loopback is not read unless its block is allowed, by number or by name."""
    async with Fetcher((), "", lambda: 0.0, limits=QUICK) as fetcher:
        for url in (site.url, site.url.replace("127.0.0.1", "localhost")):
            with pytest.raises(FeedError) as caught:
                await fetcher.get(url, {})
            assert caught.value.reason == "refused"
    assert not site.requests
    assert not site.robots_asked


async def test_one_bad_feed_stops_no_other(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """While one feed fails in every way, another is read."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (site._fine(request) if request.path == "/good" else _liar(request))

    site.answer = answer
    sink, stopping = FakeSink(), asyncio.Event()
    pollers = [
        poller(site, fetcher, sink, tmp_path, url=site.url.replace("/feed", f"/{name}"), source=name)
        for name in ("bad", "good")
    ]
    running = asyncio.create_task(poll_all(pollers, stopping))
    while not (sink.items and pollers[0].state.failures):  # noqa: ASYNC110 - neither side has an event to wait for
        await asyncio.sleep(0.01)
    stopping.set()
    await running
    assert [item.source for item in sink.items] == ["good"]


async def test_each_namespace_reads_for_itself(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """What one namespace has read is news in another that shares the state folder."""
    for namespace in ("", "trial"):
        settings = Settings(state_dir=tmp_path, partitions=1, namespace=namespace)
        sink, feed = FakeSink(), Feed(url=site.url, source="site")
        inflow = Inflow(settings, sink, lambda: NOW)
        assert await Poller(feed, fetcher, inflow, settings, lambda: NOW, lambda: 0.5).poll() == "items"
        assert len(sink.items) == 1


def test_state_survives_damage(tmp_path: Path) -> None:
    """A damaged state counts as never known, field by field."""
    path = state_path(Settings(state_dir=tmp_path), "https://a.example/x")
    cursor.save(path, {"etag": 5, "seen": ["a", 3], "failures": 2, "gone": "yes", "other": 1})
    state = FeedState.of(cursor.load(path))
    assert (state.etag, state.seen, state.failures, state.gone) == ("", ["a"], 2, False)
    path.write_text("[]")
    assert FeedState.of(cursor.load(path)) == FeedState()
    assert timedelta(0) == timedelta(seconds=FeedState().next_at)
