"""`tocsin rules check` and `tocsin rules test`."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from alerts.rule_files import SHIPPED
from console.rules import register
from streams.settings import load

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


@pytest.mark.parametrize(
    ("ids", "word"), [("[AAPL]", ""), ("[AAPL, MSFTT]", "mean MSFT?"), ("[acme-of-nowhere]", "never ring")]
)
def test_a_company_nobody_knows_is_a_fault(tmp_path: Path, ids: str, word: str) -> None:
    """A rule for an id that is never linked would never ring; that is told before it is relied upon."""
    path = tmp_path / "desk.yaml"
    path.write_text(RULES.replace("subject: entity", f"subject: entity, ids: {ids}"))
    code, said = run("check", path)
    assert (code, word in said) == (1 if word else 0, True)


def test_a_company_of_the_watchlist_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of the user's own list are good ids."""
    (tmp_path / "mine.yaml").write_text("- {id: acme-of-nowhere, name: Acme of Nowhere}\n")
    monkeypatch.setenv("TOCSIN_WATCHLIST", str(tmp_path / "mine.yaml"))
    load.cache_clear()
    path = tmp_path / "desk.yaml"
    path.write_text(RULES.replace("subject: entity", "subject: entity, ids: [acme-of-nowhere]"))
    code, said = run("check", path)
    load.cache_clear()
    assert code == 0, said


def test_a_test_file_is_checked_too(tmp_path: Path) -> None:
    """`check` reads timelines as well: a broken one is no success."""
    path = tmp_path / "desk_test.yaml"
    path.write_text("rules: desk.yaml\ntests: []\n")
    code, said = run("check", path)
    assert (code, f"{path}:2" in said) == (1, True)


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
