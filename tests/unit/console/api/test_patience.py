"""How long a caller may take to say what it wants."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from console.api.guard import HEADERS
from console.api.patience import PatientProtocol
from tests.unit.console.api.serving import Served, serving

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def connected(api: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = api.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


def parts(answer: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}, json.loads(body)


@pytest.mark.parametrize("begun", [b"", b"GET ", WHOLE[:-2]], ids=["nothing", "a word", "no end"])
async def test_a_request_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """Whoever connects and says nothing, or half of it, keeps nobody else out; a byte now and then does not help."""
    monkeypatch.setattr(PatientProtocol, "wait", 0.3)
    async with serving(tmp_path) as api:
        reader, writer = await connected(api)
        at = time.monotonic()
        writer.write(begun)
        for char in b"X-A: b":
            await asyncio.sleep(0.1)
            writer.write(bytes([char]) if begun else b"")
        with suppress(ConnectionError):  # what was written after the end is refused
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert reader.at_eof() or reader.exception()
        assert time.monotonic() - at < 3
        writer.close()


async def test_whoever_asks_in_time_is_answered_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is for a request, not for a connection: in pieces, one after the other, and two at once."""
    monkeypatch.setattr(PatientProtocol, "wait", 0.5)
    async with serving(tmp_path) as api:
        reader, writer = await connected(api)
        for pieces in ([WHOLE], [WHOLE[:9], WHOLE[9:]], [WHOLE + WHOLE[:5], WHOLE[5:]], [WHOLE]):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.2)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 5:
            answers += await asyncio.wait_for(reader.read(4096), 5)
        await asyncio.sleep(0.6)
        writer.write(WHOLE)
        assert b"HTTP/1.1 200" in await asyncio.wait_for(reader.read(4096), 5)
        writer.close()


async def test_an_address_without_an_end_is_refused(tmp_path: Path) -> None:
    """The server takes 64 KiB of a request's head and no more."""
    async with serving(tmp_path) as api:
        reader, writer = await connected(api)
        writer.write(b"GET /?" + b"a" * 100_000)
        assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] == b"400"
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["no HTTP", "a fault in its head", "a fault in its body"],
)
async def test_what_is_no_http_is_refused_in_the_one_form(tmp_path: Path, sent: bytes) -> None:
    """Stable code, words, what to do, and the headers of every answer; then the connection ends."""
    async with serving(tmp_path) as api:
        reader, writer = await connected(api)
        writer.write(sent)
        status, headers, body = parts(await asyncio.wait_for(reader.read(), 5))
        writer.close()
        assert (status, body["error"]["code"]) == (400, "bad_http")
        assert all(body["error"][part] for part in ("message", "fix"))
        assert headers["connection"] == "close"
        assert headers.items() >= {(name.lower(), value) for name, value in HEADERS.items()}
        _, answer, _ = await api.page("GET", "/healthz")
        assert "current" in answer


async def test_a_fault_after_the_answer_has_begun_ends_the_connection(tmp_path: Path) -> None:
    """There is no second answer to one request."""
    async with serving(tmp_path) as api:
        reader, writer = await connected(api)
        writer.write(WHOLE + b"\x00\x00 nonsense\r\n\r\n")
        answers = await asyncio.wait_for(reader.read(), 5)
        assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 400")) == (1, 1)
        head = b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        reader, writer = await connected(api)
        writer.write(head)
        assert b"\r\n\r\n{" not in await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_too_many_at_once_are_refused_in_the_one_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the caller's language; when others have gone, the next is answered."""
    monkeypatch.setattr(PatientProtocol, "most", 3)
    async with serving(tmp_path) as api:
        held = [await connected(api) for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET ")
        await asyncio.sleep(0.1)
        status, said, headers = await api.page("GET", "/healthz", headers={"Accept-Language": "zh"})
        assert (status, json.loads(said)["error"]["code"]) == (503, "crowded")
        assert json.loads(said)["error"]["message"].startswith("打开的连接")
        assert (headers["Retry-After"], headers["X-Content-Type-Options"]) == ("1", "nosniff")
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.1)
        assert (await api.page("GET", "/healthz"))[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n continued\r\nX\x00: c\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["two lengths of body", "two lengths", "nul", "blank before colon", "absolute"],
)
async def test_what_two_readers_would_read_differently_reaches_no_route(tmp_path: Path, head: bytes) -> None:
    """A proxy and the server must not see two requests in one."""
    smuggled = b"0\r\n\r\n" + WHOLE
    async with serving(tmp_path) as api:
        reader, writer = await connected(api)
        writer.write(head + smuggled)
        writer.write_eof()
        answers = await asyncio.wait_for(reader.read(), 20)
        assert b"HTTP/1.1 200" not in answers.split(b"\r\n")[:1]
        writer.close()
