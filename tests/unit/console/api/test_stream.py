"""What happens, as it happens, over real HTTP: what is sent, who is let go, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import operations
from console.api import hub as hubs
from console.api import stream
from console.api.hub import Full, Hub, alert_told, operation_told
from streams.records import Operation
from tests.ringing import ALERT, START, event, until
from tests.unit.console.api.serving import NOW, OPERATE, READ, Served, serving


async def read(answer: aiohttp.ClientResponse) -> tuple[str, Any]:
    """The next event: its name and data."""
    name = (await asyncio.wait_for(answer.content.readline(), 5)).decode().rstrip("\n")
    data = (await asyncio.wait_for(answer.content.readline(), 5)).decode().rstrip("\n")
    assert await answer.content.readline() == b"\n"
    assert (name[:7], data[:6]) == ("event: ", "data: ")
    return name[7:], json.loads(data[6:])


@contextlib.asynccontextmanager
async def listening(api: Served, token: str = READ) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Authorization": f"Bearer {token}"}
    async with api.session.get(f"{api.url}/api/v1/stream", headers=headers) as answer:
        yield answer


def listeners(of: Hub) -> int:
    return len(of._listening)


async def test_whoever_listens_hears_of_alerts_and_of_what_people_do(tmp_path: Path) -> None:
    """First the time, then each thing once, in order; bound and never kept, as every answer."""
    async with serving(tmp_path) as api, listening(api) as answer, listening(api, OPERATE) as other:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        await until(lambda: listeners(api.known.hub) == 2)
        api.known.tell(event(1, "updated", name="a\nevent: tick\n\n公司"))
        api.known.tell(operations.acknowledge(ALERT, author="li", at=START))
        for each in (answer, other):
            assert await read(each) == ("tick", {"now": NOW.isoformat().replace("+00:00", "Z"), "current": True})
            name, told = await read(each)
            assert (name, told["alert"], told["state"], told["sequence"]) == ("alert", ALERT, "updated", 1)
            assert told["name"] == "a\nevent: tick\n\n公司"
            name, told = await read(each)
            assert (name, told["type"], told["alert"]) == ("operation", "acknowledgement", ALERT)


async def test_without_a_token_nobody_listens(tmp_path: Path) -> None:
    """The stream is data."""
    async with serving(tmp_path) as api, listening(api, "no-token-of-ours-whatever-it-is") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (401, "unauthorized")
        assert listeners(api.known.hub) == 0


async def test_a_tick_tells_that_somebody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, with whether the answers are up to date."""
    monkeypatch.setattr(stream, "EVERY", 0.05)
    async with serving(tmp_path) as api, listening(api) as answer:
        assert (await read(answer))[1]["current"] is True
        api.feed.current = False
        ticks = [await read(answer) for _ in range(3)]
        assert [name for name, _ in ticks] == ["tick"] * 3
        assert ticks[-1][1]["current"] is False


async def test_there_is_a_limit_and_who_leaves_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is told to come back; the place of one that has gone is free at once."""
    monkeypatch.setattr(hubs.Hub.__init__, "__defaults__", (2, hubs.BEHIND, 2))
    async with serving(tmp_path) as api, listening(api):
        async with listening(api):
            async with listening(api) as third:
                assert (third.status, third.headers["Retry-After"]) == (503, "10")
                assert (await third.json())["error"]["code"] == "too_many_streams"
            assert listeners(api.known.hub) == 2
        await until(lambda: listeners(api.known.hub) == 1)
        async with listening(api) as again:
            assert again.status == 200


async def test_one_caller_does_not_keep_the_others_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one token so many, and others still find a place."""
    monkeypatch.setattr(hubs.Hub.__init__, "__defaults__", (4, hubs.BEHIND, 1))
    async with serving(tmp_path) as api, listening(api, READ), listening(api, READ) as second:
        assert second.status == 503
        async with listening(api, OPERATE) as other:
            assert other.status == 200


async def test_the_server_ends_at_once_whoever_listens(tmp_path: Path) -> None:
    """Streams have no end of their own: they are ended first, well before any is cut."""
    async with serving(tmp_path) as api:
        async with listening(api) as answer:
            await read(answer)
            begun = time.monotonic()
            api.known.hub.close()
            assert await asyncio.wait_for(answer.content.read(), 5) == b""
        async with listening(api) as late:
            assert (await read(late))[0] == "tick"
            assert await asyncio.wait_for(late.content.read(), 5) == b""
    assert time.monotonic() - begun < 3


async def test_a_server_with_listeners_ends_within_its_patience(tmp_path: Path) -> None:
    """The server itself lets them go when it is told to end."""
    async with serving(tmp_path) as api, listening(api) as answer:
        await read(answer)
        await until(lambda: listeners(api.known.hub) == 1)
        begun = time.monotonic()
        api.server.should_exit = True
        assert await asyncio.wait_for(answer.content.read(), 5) == b""
        await asyncio.wait_for(api.running, 5)
    assert time.monotonic() - begun < 3


async def test_a_reader_that_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much happens: what it did not take is not kept for it, and others hear everything."""
    monkeypatch.setattr(stream, "PATIENCE", 0.2)
    async with serving(tmp_path) as api, listening(api) as answer:
        host, port = api.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.sendall(
                f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {READ}\r\n\r\n".encode()
            )
            await until(lambda: listeners(api.known.hub) == 2)
            heard: list[bytes] = []
            counting = asyncio.create_task(hear(answer, heard))
            told = 0
            while listeners(api.known.hub) == 2:
                api.known.tell(event(told, name="x" * 500))
                told += 1
                await asyncio.sleep(0)
            await until(lambda: len(heard) == told)
            api.known.hub.close()
            await counting


async def hear(answer: aiohttp.ClientResponse, heard: list[bytes]) -> None:
    """Take down each alert that is told, until the end."""
    async for line in answer.content:
        if line == b"event: alert\n":
            heard.append(line)


def test_who_has_too_much_left_to_read_is_let_go_alone() -> None:
    """It finds the end in place of what it left, and others lose nothing."""
    hub = Hub(behind=3)
    slow, quick = hub.join(), hub.join()
    got = []
    for number in range(5):
        hub.tell(event(number))
        got.append(quick.get_nowait())
    assert slow.get_nowait() is None
    assert slow.empty()
    assert None not in got
    assert len(got) == 5
    hub.leave(slow)
    hub.leave(slow)
    assert listeners(hub) == 1


def test_no_more_join_than_may() -> None:
    """And after the end whoever joins is told that it is over."""
    hub = Hub(most=1)
    one = hub.join()
    with pytest.raises(Full):
        hub.join()
    hub.close()
    assert one.get_nowait() is None
    assert hub.join().get_nowait() is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_from_outside_begins_another_event(name: str, rule: str) -> None:
    """Whatever an alert is called, it is one event with one line of data."""
    lines = alert_told(event(name=name, rule=rule)).decode().split("\n")
    assert [line[:6] for line in lines] == ["event:", "data: ", "", ""]
    assert json.loads(lines[1][6:])["name"] == name
    assert "\r" not in lines[1]


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (operations.escalate(ALERT, author="li", at=START), {"type": "escalation", "alert": ALERT}),
        (
            operations.rule_change("desk.yaml", was="", now="a", author="li", at=START),
            {"type": "rule_change", "file": "desk.yaml"},
        ),
        (operations.withdraw("e" * 32, author="li", at=START), {"type": "withdrawal"}),
    ],
)
def test_an_operation_says_what_it_is_about(operation: Operation, said: dict[str, Any]) -> None:
    """So that a page knows what to ask for anew."""
    told = json.loads(operation_told(operation).decode().split("\n")[1][6:])
    assert told == {"id": operation.id} | said
