"""`tocsin api` as a command: what it needs, what it says, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from console.api import command
from console.exits import WRONG_SETTINGS
from streams.settings import Settings, SettingsError
from tests.ringing import Kept

ANYWHERE = "0.0.0.0"  # noqa: S104 - a setting under test; nothing listens there


class Feed:
    """A feed that has read everything, or that Kafka refuses."""

    refused = False

    def __init__(self, *_: Any) -> None:
        self.current = True
        self.ready = asyncio.Event()

    async def run(self) -> None:
        self.ready.set()
        if Feed.refused:
            raise SettingsError("Kafka refuses us: check TOCSIN_KAFKA_USER")
        await asyncio.Event().wait()


class Writer(Kept):
    """A producer that needs no broker."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    async def stop(self) -> None: ...


@pytest.fixture(autouse=True)
def without_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(*_: Any) -> None: ...

    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setattr(Feed, "refused", False)
    monkeypatch.setattr(command, "Feed", Feed)
    monkeypatch.setattr(command, "Producer", Writer)
    monkeypatch.setattr(command, "wait_for_kafka", at_once)
    monkeypatch.setattr(command, "resolve", lambda *_: SimpleNamespace(kafka=""))


def run(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    monkeypatch.setattr(command, "load", lambda: settings)
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, [])


async def test_a_signal_ends_it_well(tmp_path: Path) -> None:
    """It answers until SIGTERM, and then ends without a fault."""
    settings = Settings(state_dir=tmp_path, api_port=0)
    with command.listen(settings) as listening:
        serving = asyncio.create_task(command.serve(settings, "", listening))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/healthz"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "current"})
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 10)


def test_what_kafka_refuses_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An API that cannot read the topics does not go on answering from an empty board."""
    monkeypatch.setattr(Feed, "refused", True)
    found = run(monkeypatch, Settings(state_dir=tmp_path, api_port=0))
    assert found.exit_code == WRONG_SETTINGS
    assert "TOCSIN_KAFKA_USER" in found.stderr
    assert "http://127.0.0.1:" in found.stderr
    assert "api.token" in found.stderr


def test_it_does_not_start_where_it_must_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reachable from elsewhere without tokens, with a wrong token, or on a port that is taken."""
    open_door = Settings(state_dir=tmp_path, api_host=ANYWHERE, api_port=0)
    assert "TOCSIN_API_TOKENS" in run(monkeypatch, open_door).stderr
    wrong = Settings(state_dir=tmp_path, api_port=0, api_tokens=SecretStr("li operate canary-short"))
    found = run(monkeypatch, wrong)
    assert found.exit_code == WRONG_SETTINGS
    assert "canary" not in found.output
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = run(monkeypatch, Settings(state_dir=tmp_path, api_port=taken.getsockname()[1]))
    assert found.exit_code == WRONG_SETTINGS
    assert "TOCSIN_API_PORT" in found.stderr
