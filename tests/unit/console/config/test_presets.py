"""Presets: files that work as they are, and that nobody's own work is overwritten by."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from console.config import command, presets
from console.config.files import checks
from console.findings import look
from console.messages import LANGUAGES, say
from streams.settings import Settings, unknown_variables

NAMES = presets.names()


def sourced(file: Path) -> dict[str, str]:
    """The variables that a shell has after it read the file as its first lines say."""
    script = 'set -a; . "$1"; set +a; env -0'
    shell = ["env", "-i", "sh", "-c", script, "sh", str(file)]
    done = subprocess.run(shell, capture_output=True, text=True, check=True)
    pairs = (entry.partition("=") for entry in done.stdout.split("\0") if entry)
    return {name: value for name, _, value in pairs if name.startswith("TOCSIN_")}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_works_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable is a setting, every value valid, and its rules find the lists of its companies."""
    folder = tmp_path / "our desk"  # a shell must take the blank
    presets.write(name, folder)
    variables = sourced(folder / "tocsin.env")
    assert unknown_variables(variables) == {}
    assert {"TOCSIN_RULES", "TOCSIN_WATCHLIST"} <= set(variables)
    monkeypatch.delenv("TOCSIN_STATE_DIR", raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("TOCSIN_LANG", "en")
    found = {name: look(name, check) for name, check in checks(Settings(state_dir=tmp_path)).items()}
    assert [each for each in found.values() if not each.ok] == []
    assert (found["rules"].fix, found["watchlist"].fix) == ("", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_overwrites_nothing(name: str, tmp_path: Path) -> None:
    """A file that is there may hold hours of work; then none is written."""
    (tmp_path / "rules.yaml").write_text("mine")
    with pytest.raises(presets.PresetRefused, match=r"rules\.yaml"):
        presets.write(name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["rules.yaml"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_preset_says_whom_it_is_for(lang: str) -> None:
    """Three of them, in both languages."""
    assert len(NAMES) == 3
    assert all(say(f"config.preset.{name}", lang) for name in NAMES)


def test_the_command_lists_shows_and_writes(tmp_path: Path) -> None:
    """Without --out nothing is written; an unknown name is answered with those that there are."""
    app = typer.Typer()
    command.register(app)

    def run(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["config", "preset", *words])
        return answer.exit_code, answer.output

    assert [each["name"] for each in json.loads(run("--json")[1])] == NAMES
    assert "TOCSIN_RULES=" in run("bank-zh")[1]
    code, output = run("bank-zh", "--out", str(tmp_path / "desk"))
    assert code == 0
    assert "tocsin config check" in output
    assert sorted(path.name for path in (tmp_path / "desk").iterdir()) == ["rules.yaml", "tocsin.env", "watchlist.yaml"]
    code, output = run("bank-xx")
    assert code == 2
    assert "bank-zh" in output
