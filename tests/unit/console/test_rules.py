"""`tocsin rules`: check, list, explain, schema and test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.cells import cell_len
from typer.testing import CliRunner

from alerts.rule_files import PRESETS, SHIPPED, presets
from alerts.rule_schema import json_schema
from console.exits import WRONG_SETTINGS
from console.rules import register
from streams.settings import load

RULES = "rules:\n  - {name: r, type: threshold, scope: {subject: entity}, window: 30m, at_least: 2}\n"


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    """Each test reads the settings anew."""
    load.cache_clear()
    yield
    load.cache_clear()


def run(*words: str | Path, lang: str = "en") -> tuple[int, str]:
    """Exit code and everything printed."""
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["rules", *map(str, words)], env={"TOCSIN_LANG": lang, "COLUMNS": "100"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_shipped_rules_pass_both_commands() -> None:
    """What ships is checked and tested."""
    code, said = run("check", SHIPPED)
    assert code == 0, said
    assert "entity-negative-surge  surge over 6h, 2h, 1d" in said
    code, said = run("test", SHIPPED / "default.yaml")
    assert code == 0, said
    assert "All timelines are as expected." in said


def test_a_check_and_a_test_are_read_by_programs(tmp_path: Path) -> None:
    """What people read, as JSON: faults with file, line and what was meant, rules with their hashes, cases."""
    code, said = run("check", SHIPPED, "--json")
    found = json.loads(said)
    assert (code, found["ok"], found["faults"], found["warnings"]) == (0, True, [], [])
    assert {"entity-negative-surge", "entity-new-risk"} <= {rule["name"] for rule in found["rules"]}
    bad = tmp_path / "desk.yaml"
    bad.write_text(RULES.replace("at_least", "at_leest"))
    code, said = run("check", bad, "--json")
    (fault,) = [each for each in json.loads(said)["faults"] if each["suggestion"]]
    assert (code, fault["file"], fault["line"], fault["suggestion"]) == (1, str(bad), 2, "at_least")
    code, said = run("test", SHIPPED / "default.yaml", "--json")
    cases = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert len(cases) > 3
    assert all(case["ok"] and not case["differences"] for case in cases)


def test_a_fault_is_printed_with_file_and_line(tmp_path: Path) -> None:
    """And the exit code says so."""
    bad = tmp_path / "desk.yaml"
    bad.write_text(RULES.replace("at_least", "at_leest"))
    code, said = run("check", bad)
    assert code == 1
    assert f"{bad}:2: unknown field 'at_leest'; did you mean 'at_least'?" in said


def test_a_fault_is_told_in_the_user_s_language(tmp_path: Path) -> None:
    """A Chinese desk reads what is wrong with its rules in Chinese."""
    bad = tmp_path / "desk.yaml"
    bad.write_text(RULES.replace("at_least", "at_leest"))
    assert f"{bad}:2: 没有字段 'at_leest'；是否想写 'at_least'？" in run("check", bad, lang="zh")[1]


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
    path = tmp_path / "desk.yaml"
    path.write_text(RULES.replace("subject: entity", "subject: entity, ids: [acme-of-nowhere]"))
    code, said = run("check", path)
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
    assert "没有错误" in run("check", SHIPPED, lang="zh")[1]
    assert "每家公司，各自判断。" in run("explain", "entity-negative-surge", lang="zh")[1]


def watched(folder: Path, monkeypatch: pytest.MonkeyPatch, lists: str) -> None:
    """A watchlist with one company on these lists."""
    (folder / "mine.yml").write_text(f"- {{id: corvane, name: Corvane, lists: [{lists}]}}\n")
    monkeypatch.setenv("TOCSIN_WATCHLIST", str(folder / "mine.yml"))
    load.cache_clear()


def test_a_list_that_the_watchlist_lacks_is_a_fault_before_it_is_relied_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none once it is there; what a file includes is checked with it."""
    path = tmp_path / "desk.yaml"
    path.write_text('include: ["preset:bank-en"]\n')
    watched(tmp_path, monkeypatch, "bank")
    code, said = run("check", path)
    assert code == 1
    assert "rule bank-run: the watchlist has no list 'banks'" in said
    assert "did you mean 'bank'?" in said
    watched(tmp_path, monkeypatch, "banks")
    code, said = run("check", path)
    assert code == 0, said
    assert "bank-run  all over 3h" in said


def test_an_unreadable_watchlist_is_told_as_a_wrong_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a fault of the rules."""
    monkeypatch.setenv("TOCSIN_WATCHLIST", str(tmp_path / "none.yaml"))
    code, said = run("check")
    assert (code, "check TOCSIN_WATCHLIST" in said) == (WRONG_SETTINGS, True)


def test_a_rule_about_a_subject_nobody_follows_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never ring; the setting to make is named."""
    path = tmp_path / "desk.yaml"
    path.write_text(RULES.replace("entity", "source"))
    code, said = run("check", path)
    assert (code, "set TOCSIN_FOLLOW=source" in said) == (1, True)
    monkeypatch.setenv("TOCSIN_FOLLOW", "source")
    load.cache_clear()
    assert run("check", path)[0] == 0


def test_the_list_names_each_rule_under_its_file(tmp_path: Path) -> None:
    """What it looks at, its window and its severities; of an included preset the preset."""
    path = tmp_path / "desk.yaml"
    path.write_text(RULES.replace("at_least: 2", "at_least: 2, enabled: false") + 'include: ["preset:crypto-zh"]\n')
    code, said = run("list", path)
    assert code == 0
    assert str(path)[-40:] in said.replace("\n", "")
    assert "switched off" in said
    assert said.index("preset:crypto-zh") < said.index("crypto-hack-zh") < said.index(" r ")
    assert "coordination" in said


def test_the_table_keeps_its_columns_with_chinese_in_them() -> None:
    """A Chinese character is two columns wide: the severity of every rule begins at the same place."""
    _, said = run("list", "--presets", lang="zh")
    table = said[said.index("preset:bank-zh") : said.index("preset:crypto-en")]
    places = {cell_len(line[: line.index("警告 1")]) for line in table.splitlines() if "警告 1" in line}
    assert len(places) == 1


def test_the_presets_are_listed_with_the_way_to_use_them() -> None:
    """Every preset, and how it is included."""
    code, said = run("list", "--presets")
    assert code == 0
    assert all(f"preset:{name}" in said for name in presets())
    assert 'include: ["preset:NAME"]' in said
    assert "entity-negative-surge" not in said


def test_a_list_is_read_by_programs() -> None:
    """One rule a line."""
    code, said = run("list", "--json")
    found = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert {"name": "entity-level-shift", "windows": ["3d"], "severity": {"info": 1.0}}.items() <= found[4].items()


def test_a_rule_is_explained_wherever_it_stands(tmp_path: Path) -> None:
    """In use, in a file, or in a preset that is not in use."""
    assert "Far more negative stories" in run("explain", "entity-negative-surge")[1]
    (tmp_path / "desk.yaml").write_text(RULES)
    assert "2 negative stories or more within 30m." in run("explain", "r", tmp_path / "desk.yaml")[1]
    code, said = run("explain", "fund-first-warning")
    assert (code, "preset:fund-en" in said) == (0, True)
    found = json.loads(run("explain", "fund-first-warning", "--json")[1])
    assert found["file"] == "preset:fund-en"
    assert found["sentences"]["ends"][0] == "When it has not held for 6h."


@pytest.mark.parametrize(
    ("name", "words"), [("bank-rum", "Did you mean bank-run?"), ("\x1b[31mzzzz", "No rule is named [31mzzzz.")]
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, words: str) -> None:
    """And without what would colour the terminal."""
    code, said = run("explain", name)
    assert (code, words in said) == (1, True)


def test_faulty_rules_are_neither_listed_nor_explained(tmp_path: Path) -> None:
    """Every fault is told instead."""
    bad = tmp_path / "desk.yaml"
    bad.write_text(RULES.replace("at_least", "at_leest"))
    for words in (("list", bad), ("explain", "r", bad)):
        code, said = run(*words)
        assert (code, f"{bad}:2: unknown field" in said) == (1, True)


def test_the_schema_is_the_one_editors_get() -> None:
    """Printed whole, and the same as the committed file."""
    code, said = run("schema")
    assert code == 0
    assert json.loads(said) == json.loads(json.dumps(json_schema()))
    assert json.loads(said) == json.loads((SHIPPED / "schema.json").read_text(encoding="utf-8"))


def test_the_timelines_of_a_preset_run_from_the_command_line() -> None:
    """Beside the preset, as beside a rule file of one's own."""
    code, said = run("test", PRESETS / "bank-zh.yaml")
    assert code == 0, said
    assert "bank-zh_test.yaml" in said
