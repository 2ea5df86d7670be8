"""`tocsin expire` says what would go, what went, and what is in the way."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from elasticsearch import ConnectionTimeout
from typer.testing import CliRunner, Result

from console import expire
from console.exits import NOT_WELL, UNAVAILABLE, WELL
from streams.expiry import Round
from streams.settings import Settings

app = typer.Typer()
expire.register(app)
DUE = {"documents-2026.03": 2, "documents-old": 1}


class Elastic:
    async def close(self) -> None: ...


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a removal comes to: a Round, or a fault that is raised."""
    script: list[Any] = [Round(removed=dict(DUE))]

    async def due(*_: Any) -> dict[str, int]:
        return dict(DUE)

    async def remove(elastic: Any, settings: Settings, now: datetime) -> Round:
        assert now.tzinfo is not None
        if isinstance(script[0], Exception):
            raise script[0]
        found: Round = script[0]
        return found

    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setattr(expire, "load", Settings)
    monkeypatch.setattr(expire, "resolve", lambda *_: SimpleNamespace(elasticsearch="http://127.0.0.1:1"))
    monkeypatch.setattr(expire.es, "client", lambda *_: Elastic())
    monkeypatch.setattr(expire, "due", due)
    monkeypatch.setattr(expire, "remove", remove)
    return script


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_what_would_go_is_counted_by_index(outcome: list[Any]) -> None:
    """For people and for programs; nothing is removed."""
    outcome[0] = AssertionError("removed")
    told = run("--dry-run")
    assert (told.exit_code, told.stdout.splitlines()[:2]) == (WELL, ["documents-2026.03  2", "documents-old  1"])
    assert "3 document(s)" in told.stdout
    assert json.loads(run("--dry-run", "--json").stdout) == {"due": DUE}


def test_what_went_is_counted(outcome: list[Any]) -> None:
    """By index and together."""
    told = run()
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (WELL, "Documents removed: 3")
    assert json.loads(run("--json").stdout) == {"removed": DUE, "failed": {}, "left": False}


@pytest.mark.parametrize("done", [Round(failed={"documents-old": "403 x"}), Round(left=True)])
def test_what_is_left_is_not_well(outcome: list[Any], done: Round) -> None:
    """A fault or too little time: said, and the exit code says it too."""
    outcome[0] = done
    told = run()
    assert told.exit_code == NOT_WELL
    assert ("documents-old: 403 x" if done.failed else "Not everything is done") in told.stdout


def test_an_elasticsearch_that_is_away_is_told(outcome: list[Any]) -> None:
    """In words, on standard error."""
    outcome[0] = ConnectionTimeout("slow")
    told = run()
    assert (told.exit_code, "ConnectionTimeout" in told.stderr) == (UNAVAILABLE, True)
