"""`tocsin config show`: complete, explained, and without a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from console.config import command, lines
from streams.settings import SECRETS, Settings, load

CANARY = "canary-4711-canary-4711"


@pytest.fixture(autouse=True)
def read_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path))
    load.cache_clear()
    yield
    load.cache_clear()


def run(*options: str) -> str:
    app = typer.Typer()
    command.register(app)
    result = CliRunner().invoke(app, ["config", "show", *options])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is_for(name: str) -> None:
    """A setting without a description is not finished."""
    assert len(Settings.model_fields[name].description or "") > 10


def test_every_setting_is_listed_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Defaults, the environment and files are told apart; values are those in force."""
    (tmp_path / "token").write_text(CANARY)
    monkeypatch.setenv("TOCSIN_PUSH_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("TOCSIN_PARTITIONS", "8")
    found = {line["variable"]: line for line in json.loads(run("--json"))}
    assert list(found) == [f"TOCSIN_{name.upper()}" for name in Settings.model_fields]
    picked = {name: (found[name]["value"], found[name]["origin"]) for name in found}
    assert picked["TOCSIN_PARTITIONS"] == ("8", "environment")
    assert picked["TOCSIN_PUSH_TOKEN"] == (lines.HIDDEN, "file")
    assert picked["TOCSIN_NAMESPACE"] == ("", "default")
    assert picked["TOCSIN_KAFKA_TLS"] == ("false", "default")
    changed = [line["variable"] for line in json.loads(run("--json", "--changed"))]
    assert changed == ["TOCSIN_STATE_DIR", "TOCSIN_PARTITIONS", "TOCSIN_PUSH_TOKEN"]


@pytest.mark.parametrize("option", ["--json", "--changed"])
def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """Neither a secret nor the private part of a webhook's address comes out, in either form."""
    for name in SECRETS:
        monkeypatch.setenv(f"TOCSIN_{name.upper()}", CANARY)
    hooks = [f"https://hooks.example/{CANARY}?key={CANARY}", f"https://me:{CANARY}@other.example", f"http://[{CANARY}"]
    monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", ", ".join(hooks))
    output = run(option)
    assert CANARY not in output
    assert "https://hooks.example/" in output
    assert "other.example" in output


def test_what_holds_a_secret_is_known_as_one() -> None:
    """A setting whose name speaks of a secret has the type that hides it."""
    speaking = {n for n in Settings.model_fields if any(w in n for w in ("password", "secret", "token", "key"))}
    # The address of a dead-man's switch holds its token.
    assert speaking - {"token_budget", "token_limit"} | {"heartbeat_url"} == SECRETS
