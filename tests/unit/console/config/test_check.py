"""`tocsin config check`: names, values and the files they name, and a remedy for each fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from console.config import command
from streams.settings import load

pytestmark = pytest.mark.usefixtures("own_state")
CANARY = "canary-4711-canary-4711"


def check(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and the findings by name."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    load.cache_clear()
    app = typer.Typer()
    command.register(app)
    answer = CliRunner().invoke(app, ["config", "check", "--json"])
    assert CANARY not in answer.output
    return answer.exit_code, {each["name"]: each for each in json.loads(answer.stdout)}


def test_defaults_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set is no fault; what nobody would be told of is advice."""
    code, found = check(monkeypatch)
    assert code == 0
    assert all(each["ok"] for each in found.values())
    assert "TOCSIN_CHANNELS" in found["channels"]["what"]
    assert found["channels"]["fix"]


def test_a_misspelt_variable_is_told_with_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes nothing, so it must not pass unnoticed."""
    code, found = check(monkeypatch, TOCSIN_PARTITION="8")
    assert code == 78
    assert "TOCSIN_PARTITIONS" in found["names"]["what"]


def test_wrong_values_are_told_without_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value in the wrong place may be a secret."""
    code, found = check(monkeypatch, TOCSIN_REPLICATION=CANARY)
    assert code == 78
    assert "TOCSIN_REPLICATION" in found["values"]["what"]
    assert "rules" not in found  # files are read once the values can be used


FAULTS = {
    "rules": ("TOCSIN_RULES", "rules:\n- name: x\n  typ: surge\n", "rules.yaml:"),
    "watchlist": ("TOCSIN_WATCHLIST", "- {id: x, nam: y}\n", "watchlist.yaml:1"),
    "channels": ("TOCSIN_CHANNELS", "receivers: []\nroutes: []\nroute: []\n", "channels.yaml:"),
    "feeds": ("TOCSIN_FEEDS", "- {url: 'ftp://x'}\n", "feeds.yaml"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_with_a_fault_is_told_with_its_place(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each file is read by the code that uses it, so that the words are the same as at the start of a worker."""
    variable, text, told = FAULTS[name]
    file = tmp_path / f"{name}.yaml"
    file.write_text(text)
    code, found = check(monkeypatch, **{variable: str(file)})
    assert code == 78
    assert found[name]["ok"] is False
    assert told in found[name]["what"]
    code, found = check(monkeypatch, **{variable: str(tmp_path / "none.yaml")})
    assert code == 78
    assert found[name]["ok"] is False


def test_secrets_that_cannot_be_used_are_told_without_a_character_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens too short, a key of the wrong form, an address that is none."""
    hooks = {"TOCSIN_WEBHOOK_URLS": "https://hooks.example/x", "TOCSIN_WEBHOOK_SECRET": CANARY}
    code, found = check(monkeypatch, TOCSIN_API_TOKENS=f"me root {CANARY}", TOCSIN_HEARTBEAT_URL=CANARY, **hooks)
    assert code == 78
    assert {name for name, each in found.items() if each["ok"] is False} == {"channels", "tokens", "heartbeat"}


def test_a_rule_about_what_nobody_follows_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It would never ring."""
    file = tmp_path / "desk.yaml"
    file.write_text('include: ["preset:fund-en"]\n')
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text("- {id: x-holding, name: Quenlith Holding, lists: [holdings]}\n")
    _, found = check(monkeypatch, TOCSIN_RULES=str(file), TOCSIN_WATCHLIST=str(watchlist))
    assert "TOCSIN_FOLLOW=source" in found["rules"]["fix"]
    _, found = check(monkeypatch, TOCSIN_FOLLOW="source")
    assert found["rules"]["fix"] == ""
