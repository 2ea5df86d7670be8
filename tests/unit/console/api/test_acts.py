"""Signed links: looked at they do nothing, pressed they do one thing once."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from yarl import URL

from alerts.board import Board
from alerts.links import VALID, Link, links_for
from console.api import desk, page
from streams.records import Acknowledgement, Mark, Silence, digest
from tests.ringing import ALERT, event, evidence
from tests.unit.console.api.serving import NOW, Served, serving

HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=x>{{7*7}}"
BAD = {
    "name": HOSTILE,
    "rule": HOSTILE[:60],
    "evidence": (evidence(headline=HOSTILE, url="javascript:alert(1)", source=HOSTILE),),
}


def path(api: Served, action: str, alert: str = ALERT, receiver: str = "desk") -> str:
    found: dict[Any, str] = links_for(api.settings, alert, receiver, NOW)
    return found[action].removeprefix("https://tocsin.example")


class Tags(HTMLParser):
    """The tags of a page, with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(" ".join([tag, *(name for name, _ in attrs)]))


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    return parser.seen


@pytest.mark.parametrize("action", ["acknowledge", "silence", "wrong"])
async def test_looking_does_nothing_and_pressing_does_it_once(tmp_path: Path, action: str) -> None:
    """A preview of a chat tool writes nothing; the button writes one record in the receiver's name, however often."""
    async with serving(tmp_path) as api:
        link = path(api, action)
        for method in ("GET", "HEAD", "GET"):
            assert (await api.page(method, link))[0] == 200
        assert api.written() == []
        status, text, _ = await api.page("POST", link, data={"note": "Wu: on it"})
        again, second, _ = await api.page("POST", link, data={"note": "somebody else"})
        _, third, _ = await api.page("GET", link)
    assert (status, again) == (200, 200)
    (record,) = api.written()
    assert (record.author, record.at) == ("desk", NOW)
    assert isinstance(record, {"acknowledge": Acknowledgement, "silence": Silence, "wrong": Mark}[action])
    assert record.reason == "Wu: on it"
    assert "used up" not in text
    assert "used up" in second
    assert "<button" not in third


async def test_a_request_that_breaks_off_does_nothing(tmp_path: Path) -> None:
    """Whoever closes the page before everything was sent has not pressed the button; nothing is guessed of the rest."""
    async with serving(tmp_path) as api:
        host, port = api.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 40"
        writer.write(f"POST {path(api, 'silence')} HTTP/1.1\r\nHost: localhost\r\n{form}\r\n\r\nnote=W".encode())
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert api.written() == []


async def test_a_name_that_ends_in_a_star_silences_itself_alone(tmp_path: Path) -> None:
    """Names come from outside: a link is for one subject, whatever it is called."""
    async with serving(tmp_path) as api:
        api.board.take(event(1, "updated", subject="source:*"))
        assert (await api.page("POST", path(api, "silence")))[0] == 200
        (record,) = api.written()
    assert isinstance(record, Silence)
    assert record.match == {"alert": (ALERT,)}


@pytest.mark.parametrize("before", ["/", "/tocsin", "/ACT/.."])
async def test_a_link_under_a_wrong_path_is_not_logged(tmp_path: Path, before: str) -> None:
    """A proxy that passes its own prefix on must not write credentials into our log."""
    with capture_logs() as logs:
        async with serving(tmp_path) as api:
            token = path(api, "silence").removeprefix("/act/")
            url = URL(f"{api.url}{before}/act/{token}", encoded=True)
            async with api.session.get(url) as answer:
                assert answer.status == 404
    assert [line for line in logs if line["event"] == "api.refused"]
    assert token not in str(logs)


async def test_the_records_say_what_the_page_said(tmp_path: Path) -> None:
    """Silence is for an hour, of this rule on this subject; wrong is a mark; an acknowledgement is of this alert."""
    async with serving(tmp_path) as api:
        for action in ("acknowledge", "silence", "wrong"):
            await api.page("POST", path(api, action))
        ack, quiet, wrong = api.written()
    assert isinstance(quiet, Silence)
    assert quiet.match == {"rule": ("negative-surge",), "subject": ("entity:BRW",)}
    assert quiet.until == NOW + timedelta(hours=1)
    assert isinstance(wrong, Mark)
    assert not wrong.right
    assert isinstance(ack, Acknowledgement)
    assert ack.alert == wrong.alert == ALERT


async def test_show_shows_and_does_nothing(tmp_path: Path) -> None:
    """The alert is told, evidence included, however it is asked for."""
    async with serving(tmp_path) as api:
        for method in ("GET", "POST"):
            status, text, _ = await api.page(method, path(api, "show"))
            assert status == 200
            assert "Brightwater recalls pump number 1" in text
        assert api.written() == []


@pytest.mark.parametrize("action", ["show", "acknowledge", "silence", "wrong"])
async def test_hostile_words_stay_words(tmp_path: Path, action: str) -> None:
    """A headline, a name, a rule and a note that hold markup change no tag of the page; nothing on it can run."""
    async with serving(tmp_path) as api:
        _, clean, _ = await api.page("GET", path(api, action))
        api.board.take(event(1, "updated", **BAD))
        _, text, headers = await api.page("GET", path(api, action))
        _, done, _ = await api.page("POST", path(api, action), data={"note": HOSTILE})
    policy = headers["Content-Security-Policy"]
    assert set(tags(text)) == set(tags(clean))
    for each in (text, done):
        assert "<script" not in each
        assert "<img" not in each
        assert "javascript:" not in each
        assert not re.search(r"<[^>]*\son\w+=", each)
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy
    assert policy.startswith("default-src 'none'")


@given(st.text(max_size=200), st.text(max_size=100))
def test_no_text_from_outside_becomes_markup(name: str, headline: str) -> None:
    """Whatever an alert is called and its headline says, the page has the same tags."""
    link = Link("acknowledge", ALERT, name or "r", NOW)

    def made(**changes: Any) -> list[str]:
        board = Board()
        board.take(event(**changes))
        return tags(bytes(page.question(link, board.entries(NOW)[0], "en").body).decode())

    assert made(name=name, evidence=(evidence(headline=headline),)) == made()


@pytest.mark.parametrize(
    ("link", "status"),
    [("/act/x", 404), ("/act/x.y", 403), ("/act/" + "x" * 3000 + ".y", 404), ("/act/é.y", 404), ("/act/", 404)],
)
async def test_what_was_not_signed_does_nothing(tmp_path: Path, link: str, status: int) -> None:
    """An invented token is refused, and the log does not hold it."""
    with capture_logs() as logs:
        async with serving(tmp_path) as api:
            for method in ("GET", "POST"):
                assert (await api.page(method, link))[0] == status
            assert api.written() == []
    assert "xxx" not in str(logs)
    assert "x.y" not in str(logs)


async def test_a_link_that_ended_or_whose_alert_is_gone_says_so(tmp_path: Path) -> None:
    """Seven days after it was sent, and for an alert that nobody remembers."""
    async with serving(tmp_path) as api:
        unknown = await api.page("POST", path(api, "wrong", digest("gone")))
        link = path(api, "wrong")
        api.clock.forward(VALID.total_seconds())
        ended = await api.page("POST", link)
        assert api.written() == []
    assert (unknown[0], ended[0]) == (404, 410)
    assert "seven days" in ended[1]


async def test_the_page_speaks_the_readers_language(tmp_path: Path) -> None:
    """Chinese where the browser names it first."""
    async with serving(tmp_path) as api:
        _, text, _ = await api.page("GET", path(api, "wrong"), headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert "误报" in text
    assert '<html lang="zh">' in text


async def test_while_kafka_is_away_the_page_asks_to_press_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said to be done that is not durable."""
    monkeypatch.setattr(desk.Desk.__init__, "__defaults__", (0.05,))
    async with serving(tmp_path) as api:
        api.kept.back.clear()
        status, text, _ = await api.page("POST", path(api, "acknowledge"))
        assert status == 503
        assert "again" in text
        api.kept.back.set()
        assert (await api.page("POST", path(api, "acknowledge")))[0] == 200
    assert len(api.written()) == 1
