"""Who is let in: tokens, roles, Hosts, sizes, rates; and what goes with every answer."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from structlog.testing import capture_logs

from console.api import guard
from console.api.access import _holder
from console.api.errors import ApiError
from console.api.tokens import ROLES, caller_of, callers, parse_tokens
from streams.settings import Settings, SettingsError
from tests.ringing import ALERT
from tests.unit.console.api.serving import OPERATE, READ, TOKENS, serving

ANYWHERE = "0.0.0.0"  # noqa: S104 - a setting under test; the tests listen on loopback
CANARY = "canary-4711-canary-4711-canary"
WRITES = [
    ("POST", f"/alerts/{ALERT}/acknowledge", {}),
    ("POST", f"/alerts/{ALERT}/mark", {"right": True}),
    ("POST", "/silences", {"match": {"rule": ["a"]}, "for": "1h", "reason": "r"}),
    ("DELETE", "/silences/ffffffff", None),
]
READS = ["/alerts", f"/alerts/{ALERT}", "/silences", "/rules/precision"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", f"Bearer {CANARY}", f"Basic {OPERATE}", f"Bearer {OPERATE}x", f"Bearer {OPERATE[:-1]}"],
)
async def test_without_a_valid_token_nothing_is_told_or_done(tmp_path: Path, authorization: str) -> None:
    """Neither a read nor a write, and the log names the attempt without the token."""
    with capture_logs() as logs:
        async with serving(tmp_path) as api:
            for method, path, body in [*(("GET", path, None) for path in READS), *WRITES]:
                status, found = await api.ask(method, path, json=body, headers={"Authorization": authorization})
                assert (status, found["error"]["code"]) == (401, "unauthorized")
            assert api.written() == []
    assert [line["code"] for line in logs if line["event"] == "api.refused"] == ["unauthorized"] * 8
    assert CANARY not in str(logs)
    assert OPERATE not in str(logs)


async def test_who_reads_may_not_operate(tmp_path: Path) -> None:
    """A read token sees everything and changes nothing; the log says whose it was."""
    with capture_logs() as logs:
        async with serving(tmp_path) as api:
            assert [(await api.ask("GET", path, READ))[0] for path in READS] == [200] * 4
            for method, path, body in WRITES:
                status, found = await api.ask(method, path, READ, json=body)
                assert (status, found["error"]["code"]) == (403, "forbidden")
            assert api.written() == []
    refused = [line for line in logs if line["event"] == "api.refused"]
    assert {line["caller"] for line in refused} == {"wall"}


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("127.0.0.1:8098", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("[::1]:8098", True),
        ("tocsin.example", True),
        ("desk.example:8443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.7", False),
        ("", False),
    ],
)
async def test_only_our_own_names_are_answered(tmp_path: Path, host: str, served: bool) -> None:
    """A page whose name was pointed at this machine gets nothing, even with a valid token."""
    async with serving(tmp_path, api_hosts="desk.example") as api:
        status, found = await api.ask("GET", "/alerts", headers={"Host": host})
    assert status == (200 if served else 421)
    assert served or found["error"]["code"] == "bad_host"


async def test_listening_everywhere_any_address_is_answered_but_no_strange_name(tmp_path: Path) -> None:
    """Numeric addresses cannot be rebound, names can."""
    async with serving(tmp_path, api_host=ANYWHERE) as api:
        hosts = ("10.1.2.3:8098", "[2001:db8::1]:8098", "evil.example")
        assert [(await api.ask("GET", "/alerts", headers={"Host": h}))[0] for h in hosts] == [200, 200, 421]


async def test_a_flood_of_refusals_does_not_fill_the_log(tmp_path: Path) -> None:
    """Some lines a second, and how many were left out."""
    with capture_logs() as logs:
        async with serving(tmp_path) as api:
            for _ in range(50):
                assert (await api.ask("GET", "/alerts", headers={"Host": "evil.example"}))[0] == 421
            api.ticks[0] += 1
            await api.ask("GET", "/alerts", headers={"Host": "evil.example"})
    lines = [line["unlogged"] for line in logs if line["event"] == "api.refused"]
    assert lines == [0] * 20 + [30]


async def test_a_flood_of_unknown_addresses_does_not_fill_it_either(tmp_path: Path) -> None:
    """What the application refuses is counted with what the guard does: nobody needs a token to ask for pages."""
    with capture_logs() as logs:
        async with serving(tmp_path) as api:
            for number in range(60):
                assert (await api.page("GET", f"/static/no-{number}.js"))[0] == 404
    assert len([line for line in logs if line["event"] == "api.refused"]) == 20


async def test_two_hosts_are_none(tmp_path: Path) -> None:
    """A request with two Host headers is refused: two readers of it would see two."""
    async with serving(tmp_path) as api:
        host, port = api.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        status = (await reader.readline()).split()[1]
        writer.close()
        await writer.wait_closed()
    assert status in (b"400", b"421")


async def test_a_body_has_a_limit_announced_or_not(tmp_path: Path) -> None:
    """64 KiB, counted while it comes; compressed ones are not opened."""

    async def endless() -> Any:
        for _ in range(70):
            yield b"x" * 1024

    async with serving(tmp_path) as api:
        path = f"/alerts/{ALERT}/mark"
        typed = {"Content-Type": "application/json"}
        fits = json.dumps({"right": True, "reason": "x" * 900}).encode().ljust(guard.BODY_LIMIT)
        assert (await api.ask("POST", path, data=fits, headers=typed))[0] == 201
        assert (await api.ask("POST", path, data=fits + b" ", headers=typed))[1]["error"]["code"] == "too_large"
        assert (await api.ask("POST", path, data=endless(), headers=typed))[0] == 413
        packed = await api.ask("POST", path, data=b"{}", headers=typed | {"Content-Encoding": "gzip"})
        assert packed[1]["error"]["code"] == "bad_type"


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that trickles holds a connection for some seconds and no longer."""
    monkeypatch.setitem(guard.Guard.__init__.__kwdefaults__, "patience", 0.05)
    async with serving(tmp_path) as api:
        host, port = api.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {OPERATE}\r\n"
        writer.write(head.encode() + b"Content-Length: 9\r\n\r\n{")
        assert (await reader.readline()).split()[1] == b"408"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_form_of_a_web_page_does_nothing(tmp_path: Path, content_type: str) -> None:
    """What a browser sends without asking first is not taken as JSON."""
    async with serving(tmp_path) as api:
        status, _ = await api.ask(
            "POST", f"/alerts/{ALERT}/mark", data=b'{"right": true}', headers={"Content-Type": content_type}
        )
        assert status in (400, 415)
        assert api.written() == []


async def test_each_caller_and_each_stranger_has_a_rate(tmp_path: Path) -> None:
    """Twice the rate at once, then as many as the rate; neither one caller's haste nor a guesser's costs another."""
    async with serving(tmp_path, api_rate=2.0) as api:
        first = [(await api.ask("GET", "/alerts"))[0] for _ in range(5)]
        other = (await api.ask("GET", "/alerts", READ))[0]
        guessed = [(await api.ask("GET", "/alerts", CANARY))[0] for _ in range(5)]
        async with api.session.get(f"{api.url}/healthz") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        api.ticks[0] += 0.5
        again = [(await api.ask("GET", "/alerts"))[0] for _ in range(2)]
    assert first == [200, 200, 200, 200, 429]
    assert other == 200
    assert guessed == [401, 401, 401, 401, 429]
    assert again == [200, 429]


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/alerts", "/nothing", "/act/x.y", "/api/openapi.json"])
async def test_every_answer_carries_the_headers_that_bind_a_browser(tmp_path: Path, path: str) -> None:
    """Refusals too. There are no cookies, no permission for other origins, and no name of the server."""
    async with serving(tmp_path) as api:
        _, _, headers = await api.page("GET", path, headers={"Origin": "https://evil.example"})
        status, _, asked = await api.page(
            "OPTIONS", path, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
    assert status >= 400
    for found in (headers, asked):
        assert found["X-Content-Type-Options"] == "nosniff"
        assert found["Cache-Control"] == "no-store"
        assert found["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in found["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in found["Content-Security-Policy"]
        assert not {"Set-Cookie", "Access-Control-Allow-Origin", "Server"} & set(found)


async def test_a_fault_of_ours_tells_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception becomes the one form, without its words."""
    async with serving(tmp_path) as api:

        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError(CANARY)

        monkeypatch.setattr(api.board, "entries", broken)
        status, found = await api.ask("GET", "/alerts")
    assert (status, found["error"]["code"]) == (500, "internal")
    assert CANARY not in json.dumps(found)


@pytest.mark.parametrize(
    "text",
    [
        f"li operate {CANARY} more",
        f"li {CANARY}",
        f"li owner {CANARY}",
        "li read canary-short",
        f"l/i read {CANARY}",
        f"li read {CANARY}\nli read {CANARY}x",
        f"li read {CANARY}\nwu read {CANARY}",
        f"li read {CANARY}字",
    ],
)
def test_a_wrong_line_of_tokens_is_told_without_its_token(text: str) -> None:
    """The message names the setting and the line."""
    with pytest.raises(SettingsError, match=r"TOCSIN_API_TOKENS, line \d") as caught:
        parse_tokens(text)
    assert "canary" not in str(caught.value)


def test_a_role_holds_those_below_it() -> None:
    """Who reads only reads; who operates reads too; an admin may all. The token that is made for loopback is one."""
    found = parse_tokens(f"a read {CANARY}1\nb operate {CANARY}2\nc admin {CANARY}3")
    may = {caller.name: [role for role in ROLES if caller.may(role)] for caller in found}
    assert may == {"a": ["read"], "b": ["read", "operate"], "c": ["read", "operate", "admin"]}


@pytest.mark.parametrize("role", ["read", "operate", "admin"])
def test_what_asks_for_an_admin_takes_no_other(role: str) -> None:
    """The refusal names the role that is asked for; without a caller there is none to refuse."""
    (caller,) = parse_tokens(f"li {role} {CANARY}")
    check = _holder("admin")
    if role == "admin":
        assert check(Request({"type": "http", "caller": caller}), None) is caller
        return
    with pytest.raises(ApiError) as caught:
        check(Request({"type": "http", "caller": caller}), None)
    assert (caught.value.status, caught.value.code, caught.value.values) == (403, "forbidden", {"role": "admin"})
    with pytest.raises(ApiError) as caught:
        check(Request({"type": "http", "caller": None}), None)
    assert (caught.value.status, caught.value.code) == (401, "unauthorized")


def test_tokens_are_kept_as_digests() -> None:
    """No repr of a caller holds its token or its digest; roles are as written."""
    found = parse_tokens(TOKENS)
    assert [(c.name, c.role) for c in found] == [("li.wei", "operate"), ("wall", "read")]
    assert OPERATE not in repr(found)
    assert found[0].digest.hex() not in repr(found)
    assert caller_of(f"bearer  {READ} ", found) == found[1]
    assert caller_of("Bearer \udcff", found) is None


@pytest.mark.parametrize("host", [ANYWHERE, "::", "10.1.2.3", "tocsin.example"])
def test_without_tokens_only_loopback_is_listened_on(tmp_path: Path, host: str) -> None:
    """Elsewhere the program refuses to start and says what to set."""
    with pytest.raises(SettingsError, match="TOCSIN_API_TOKENS_FILE"):
        callers(Settings(state_dir=tmp_path, api_host=host, api_tokens=SecretStr("# none\n")))


def test_on_loopback_a_token_is_made_once_and_kept(tmp_path: Path) -> None:
    """For the owner of the state folder alone."""
    settings = Settings(state_dir=tmp_path)
    first, again = callers(settings), callers(settings)
    token = (tmp_path / "api.token").read_text()
    assert first == again
    assert caller_of(f"Bearer {token}", first) == first[0]
    assert stat.S_IMODE((tmp_path / "api.token").stat().st_mode) == 0o600
