"""Other services through apprise: its verdict is read, and its weak places are avoided."""

from __future__ import annotations

import asyncio
import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alerts.delivery.channels.apprise import Unusable, sizes
from alerts.delivery.channels.threads import MOST, Threads
from alerts.delivery.specs import AppriseSpec
from streams.settings import SettingsError
from tests.receivers.serving import serving
from tests.ringing import START, event
from tests.unit.alerts.channels.cards import HOSTILE, channel, message, storm


def built(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, **changes: Any) -> Any:
    monkeypatch.setenv("APPRISE_URL", url)
    given = {"webhook_timeout": 2.0} | changes
    return channel(folder, AppriseSpec(name="desk-other", url_env="APPRISE_URL", language="both"), **given)


@pytest.mark.parametrize(("status", "answer", "code"), [(200, "accepted", "accepted"), (500, "refused", "failure")])
async def test_the_result_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, answer: str, code: str
) -> None:
    """A service that fails is a refusal, tried again; one that takes the message gets title and text."""
    taken: list[Any] = []

    async def answered(request: web.Request) -> web.Response:
        taken.append(await request.json())
        return web.Response(status=status)

    async with serving(answered) as url:
        found = built(tmp_path, monkeypatch, f"json://127.0.0.1:{url.port}/token-canary")
        (part,) = found.render(message())
        reply = await found.send(part, "msg_abc", START)
    assert (reply.answer, reply.code, reply.final) == (answer, code, False)
    assert "Brightwater" in taken[0]["message"]
    assert "严重" in taken[0]["title"]
    assert taken[0]["type"] == "failure"
    assert "canary" not in repr(found) + repr(reply) + found.name


async def test_redirects_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login page, or an address within the own network, is never called, and its 200 is no receipt."""
    called: list[str] = []

    async def answered(request: web.Request) -> web.Response:
        called.append(request.path)
        inside = request.path.startswith("/inside")
        return web.Response() if inside else web.Response(status=302, headers={"Location": "/inside"})

    async with serving(answered) as url:
        found = built(tmp_path, monkeypatch, f"json://127.0.0.1:{url.port}/")
        reply = await found.send(found.render(message())[0], "msg_abc", START)
    assert reply.answer == "refused"
    assert not [path for path in called if path.startswith("/inside")]


async def test_a_slow_service_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit is ours, whatever apprise waits for."""

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.6)
        return web.Response()

    async with serving(slow) as url:
        found = built(tmp_path, monkeypatch, f"json://127.0.0.1:{url.port}/", webhook_timeout=0.2)
        reply = await found.send(found.render(message())[0], "msg_abc", START)
        await asyncio.sleep(0.6)
    assert reply.answer == "timed_out"


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("dingtalk://token-canary", "type: dingtalk"),
        ("wecombot://12345678-1234-1234-1234-canary", "type: wecom"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=canary-1234-1234-123412341234", "type: wecom"),
        ("feishu://token-canary", "type: feishu"),
        ("lark://token-canary", "type: feishu"),
        ("nosuchservice://canary", "list of apprise's services"),
    ],
)
def test_what_must_not_go_through_apprise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str, advice: str
) -> None:
    """The three robots, whose refusals apprise takes for success, and what is no service; no address is shown, in
    apprise's own log neither."""
    with pytest.raises(SettingsError, match="receiver desk-other, url: ") as caught:
        built(tmp_path, monkeypatch, url)
    assert advice in str(caught.value)
    assert "canary" not in str(caught.value) + caplog.text


def test_without_apprise_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    real = builtins.__import__

    def missing(name: str, *others: Any) -> Any:
        if name == "apprise":
            raise ImportError
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(Unusable, match=r"pip install 'tocsin\[channels\]'"):
        sizes("json://127.0.0.1/")


def test_a_storm_is_cut_to_what_the_service_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is within the service's characters; a service of a few characters gets a lock screen."""
    discord = built(tmp_path, monkeypatch, "discord://1234567890/abcdefghijklmnop")
    parts = [json.loads(part) for part in discord.render(storm())]
    assert len(parts) > 1
    assert all(len(part["body"]) <= discord.body_limit for part in parts)
    assert all(f"({n}/{len(parts)})" in part["title"] for n, part in enumerate(parts, 1))
    sms = built(tmp_path, monkeypatch, "aprs://DF1JSL-15:12345@DF1JSL")
    short = [json.loads(part) for part in sms.render(storm())]
    assert all(len(part["body"]) <= sms.body_limit for part in short)
    assert len(short) <= 8


@pytest.mark.parametrize("text", HOSTILE)
def test_headlines_carry_no_markup_of_any_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Services read Markdown, HTML and mentions of their own: what makes them is replaced."""
    found = built(tmp_path, monkeypatch, "json://127.0.0.1/")
    parts = [json.loads(part) for part in found.render(message(event(name=text[:60])))]
    told = "\n".join(part["title"] + "\n" + part["body"] for part in parts)
    assert not set(told) & set("<>[]*`#\\@")
    assert "https://evil" not in told


async def test_hanging_calls_are_counted() -> None:
    """A receiver whose calls hang gets no endless row of threads."""
    threads, done = Threads(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result(5)

    for _ in range(MOST):
        with pytest.raises(TimeoutError):
            await threads.call(hang, 0.01)
    with pytest.raises(TimeoutError):
        await threads.call(lambda: 1, 5)
    done.set()
    async with asyncio.timeout(5):
        while threads._running:  # noqa: ASYNC110 - other threads
            await asyncio.sleep(0.01)
    assert await threads.call(lambda: 1, 5) == 1
    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda: 1 // 0, 5)
