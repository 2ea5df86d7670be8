"""`tocsin console`: finds the API that runs here, opens its page signed in, and keeps the token from other eyes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from console import open as opening
from console.api import address
from console.api.tokens import token_of
from console.demo import page as pages
from console.demo.page import Page, is_free
from console.demo.runner import Demo
from console.exits import NOT_WELL, WRONG_INPUT
from streams.settings import Settings
from tests.unit.console.api.serving import OPERATE, TOKENS, serving


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser was asked to open."""
    opened: list[str] = []
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setattr(opening.webbrowser, "open", lambda url: bool(opened.append(url)) or True)
    monkeypatch.setattr(opening, "has_screen", lambda: True)
    return opened


def run(monkeypatch: pytest.MonkeyPatch, settings: Settings, *arguments: str) -> Result:
    monkeypatch.setattr(opening, "load", lambda: settings)
    app = typer.Typer()
    opening.register(app)
    return CliRunner().invoke(app, list(arguments))


async def test_the_page_is_opened_by_a_file_that_only_its_owner_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: list[str]
) -> None:
    """The token is no argument of a program, where every user of the machine could read it."""
    settings = Settings(state_dir=tmp_path)
    async with serving(tmp_path, api_tokens=SecretStr("")) as api:
        with address.noted(settings, api.url):
            found = await asyncio.to_thread(run, monkeypatch, settings)
            token = (tmp_path / "api.token").read_text()
            status, me = await api.ask("GET", "/me", token)
    assert (found.exit_code, status, me["role"]) == (0, 200, "admin")
    (opened,) = browser
    assert token not in opened + found.output
    path = tmp_path / opening.DOOR
    assert opened == path.as_uri()
    assert f"url={api.url}/#token={token}" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_address_can_be_printed_and_is_called_a_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: list[str]
) -> None:
    """Standard output has the address alone; also where no browser can show itself."""
    settings = Settings(state_dir=tmp_path)
    async with serving(tmp_path) as api:
        with address.noted(settings, api.url):
            printed = await asyncio.to_thread(run, monkeypatch, settings, "--print")
            monkeypatch.setattr(opening, "has_screen", lambda: False)
            fallback = await asyncio.to_thread(run, monkeypatch, settings)
    token = (tmp_path / "api.token").read_text()
    assert printed.stdout == fallback.stdout == f"{api.url}/#token={token}\n"
    assert "credential" in printed.stderr
    assert "No browser" in fallback.stderr
    assert browser == []


async def test_of_several_callers_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: list[str]
) -> None:
    """Nobody is signed in as somebody else by guess."""
    settings = Settings(state_dir=tmp_path, api_tokens=SecretStr(TOKENS))
    async with serving(tmp_path) as api:
        with address.noted(settings, api.url):
            bare = await asyncio.to_thread(run, monkeypatch, settings, "--print")
            named = await asyncio.to_thread(run, monkeypatch, settings, "--print", "--as", "li.wei")
            unknown = await asyncio.to_thread(run, monkeypatch, settings, "--as", "who\x1b")
    assert bare.stdout == f"{api.url}/\n"
    assert "--as" in bare.stderr
    assert named.stdout == f"{api.url}/#token={OPERATE}\n"
    assert (unknown.exit_code, browser) == (WRONG_INPUT, [])
    assert "\x1b" not in unknown.stderr
    assert not (tmp_path / "api.token").exists()


@pytest.mark.parametrize("note", ["", "http://127.0.0.1:1", "https://evil.example", "file:///etc/passwd", "\x00"])
def test_without_a_running_api_it_says_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: list[str], note: str
) -> None:
    """No note, or that of one that was killed, or another address than ours."""
    (tmp_path / address.FILE).write_text(note)
    found = run(monkeypatch, Settings(state_dir=tmp_path))
    assert (found.exit_code, browser) == (NOT_WELL, [])
    assert "tocsin api" in found.stderr
    assert "tocsin demo" in found.stderr


def test_a_token_is_one_part_of_an_address() -> None:
    """Whatever characters it has."""
    assert opening.signed_in("http://h:1", "a+#&%") == "http://h:1/#token=a%2B%23%26%25"
    assert opening.signed_in("http://h:1", "") == "http://h:1/"


def test_the_token_of_a_caller_is_found_by_its_name(tmp_path: Path) -> None:
    """Comments name nobody."""
    settings = Settings(state_dir=tmp_path, api_tokens=SecretStr("#li read nothing-at-all-not-a-token\n" + TOKENS))
    assert token_of(settings, "li.wei") == OPERATE
    assert token_of(settings, "#li") is None


@pytest.mark.parametrize(
    ("platform", "environment", "has"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "w"}, True),
        ("darwin", {}, True),
    ],
)
def test_where_nothing_can_be_shown_no_browser_is_started(
    platform: str, environment: dict[str, str], has: bool
) -> None:
    """A browser for text would take the terminal and show nothing."""
    assert opening.has_screen(platform, environment) is has


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (("127.0.0.1", 80), "http://127.0.0.1:80"),
        (("0.0.0.0", 80), "http://127.0.0.1:80"),  # noqa: S104 - a name under test; nothing listens there
        (("::", 80, 0, 0), "http://[::1]:80"),
        (("10.0.0.7", 8), "http://10.0.0.7:8"),
    ],
)
def test_the_address_is_one_that_this_machine_can_open(name: tuple[Any, ...], shown: str) -> None:
    """Nobody can go to 0.0.0.0."""
    listening: Any = SimpleNamespace(getsockname=lambda: name)
    assert address.address_of(listening) == shown


def test_of_two_that_serve_the_later_is_noted_and_each_removes_its_own_note(tmp_path: Path) -> None:
    """The end of the first does not hide the second."""
    settings = Settings(state_dir=tmp_path)
    with address.noted(settings, "http://127.0.0.1:1"):
        second = address.noted(settings, "http://127.0.0.1:2")
        second.__enter__()
    assert address.note(settings) == "http://127.0.0.1:2"
    second.__exit__(None, None, None)
    assert address.note(settings) == ""


STAND_IN = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"status":"current"}')
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", int(os.environ["TOCSIN_API_PORT"])), Answer)
open(os.path.join(os.environ["TOCSIN_STATE_DIR"], "api.address"), "w").write(f"http://127.0.0.1:{server.server_port}")
print(os.environ["TOCSIN_PARENT"], flush=True)
server.serve_forever()
"""


def standing_in(monkeypatch: pytest.MonkeyPatch, script: str) -> list[subprocess.Popen[bytes]]:
    """Processes that are started in place of the API."""
    made: list[subprocess.Popen[bytes]] = []

    class Stand(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, _: Any, **given: Any) -> None:
            super().__init__([sys.executable, "-c", script], **given)
            made.append(self)

    double = SimpleNamespace(Popen=Stand, DEVNULL=subprocess.DEVNULL, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(pages, "subprocess", double)
    return made


async def test_the_demo_s_page_is_a_process_that_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the usual port or a free one; its address signs in; it ends when it is asked to."""
    made = standing_in(monkeypatch, STAND_IN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page = Page(Settings(state_dir=tmp_path, api_port=port), tmp_path)
        page.start()
        found = await page.address()
        await asyncio.to_thread(page.stop)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=[0-9a-f]{64}", found)
    assert f":{port}/" not in found
    assert made[0].returncode == -signal.SIGTERM
    assert page.log.read_text().strip() == str(os.getpid())
    page.stop()


async def test_a_page_that_does_not_come_up_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends at once, or that never answers, costs its patience and nothing else."""
    for script in ("raise SystemExit(78)", "import time; time.sleep(60)"):
        standing_in(monkeypatch, script)
        page = Page(Settings(state_dir=tmp_path, api_port=0), tmp_path)
        page.start()
        assert await page.address(0.6) == ""
        await asyncio.to_thread(page.stop)


def test_a_port_is_free_or_taken() -> None:
    """What another program listens on is not tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)


class Shown:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def line(self, key: str, style: str = "", **values: Any) -> None:
        self.lines.append((key, str(values.get("url") or values.get("log"))))


@pytest.mark.parametrize("fault", ["", "silent", "unstartable"])
async def test_the_demo_shows_where_its_page_is_and_goes_on_without_it(tmp_path: Path, fault: str) -> None:
    """Whatever becomes of the page, the demo does not wait for it and does not end by it."""
    shown: Any = Shown()
    demo = Demo(Settings(state_dir=tmp_path), shown, 0.0)

    def start() -> None:
        if fault == "unstartable":
            raise OSError("no more processes")

    async def found() -> str:
        return "" if fault else "http://127.0.0.1:1/#token=a"

    page: Any = SimpleNamespace(start=start, address=found, log=tmp_path / "api.log")
    await demo._tell_page(page)
    assert shown.lines == [("no_page", str(tmp_path / "api.log")) if fault else ("page", "http://127.0.0.1:1/#token=a")]
    assert bool(demo._page) == (not fault)
