"""`tocsin rules check` and `tocsin rules test`."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from alerts.rule_files import SHIPPED
from console.rules import register

RULES = "rules:\n  - {name: r, type: threshold, scope: {subject: entity}, window: 30m, at_least: 2}\n"


def run(*words: str | Path) -> tuple[int, str]:
    """Exit code and everything printed, in English."""
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["rules", *map(str, words)], env={"TOCSIN_LANG": "en"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_shipped_rules_pass_both_commands() -> None:
    """What ships is checked and tested."""
    code, said = run("check", SHIPPED)
    assert code == 0, said
    assert "entity-negative-surge  surge over 2h" in said
    code, said = run("test", SHIPPED / "default.yaml")
    assert code == 0, said
    assert "All timelines are as expected." in said


def test_a_fault_is_printed_with_file_and_line(tmp_path: Path) -> None:
    """And the exit code says so."""
    bad = tmp_path / "desk.yaml"
    bad.write_text(RULES.replace("at_least", "at_leest"))
    code, said = run("check", bad)
    assert code == 1
    assert f"{bad}:2: unknown field 'at_leest'; did you mean 'at_least'?" in said


@pytest.mark.parametrize("name", ["none.yaml", "x_test.yaml"])
def test_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    """No file, no success."""
    assert run("test", tmp_path / name)[0] == 1


def test_a_difference_fails(tmp_path: Path) -> None:
    """What came and what was expected are shown."""
    (tmp_path / "r.yaml").write_text(RULES)
    (tmp_path / "r_test.yaml").write_text(
        "rules: r.yaml\ntests:\n  - name: c\n    start: 2026-01-05T00:00:00Z\n    until: 20m\n"
        '    feed: [{at: 1m, times: 2, subject: "entity:x", negative: 0.9}]\n'
    )
    code, said = run("test", tmp_path)
    assert code == 1
    assert "WRONG c" in said
    assert "not expected: at 2m, rule r" in said


def test_the_rules_speak_chinese() -> None:
    """The same command, the other language."""
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["rules", "check", str(SHIPPED)], env={"TOCSIN_LANG": "zh"})
    assert "没有错误" in result.output
