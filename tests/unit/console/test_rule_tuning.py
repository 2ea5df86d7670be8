"""`tocsin rules tune`, and what lists and explanations show of measurements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from alerts.evaluation.badges import write_badges
from alerts.rule_files import load_rules
from console import rule_badges
from console.replay.results import ResultUnreadable
from console.rules import register
from streams.records import Mention
from tests.unit.alerts.evaluation.results import at_events, many, result, rule
from tests.unit.alerts.signals import at, mention
from tests.unit.console.replay.past import lines

RULES = """\
rules:
  - name: many-stories
    type: threshold
    scope: {subject: entity}
    window: 1h
    at_least: 6
    annotations: {en: "{name}: too much"}
"""
CRISES = 10


pytestmark = pytest.mark.usefixtures("own_state")


def run(*words: str | Path, lang: str = "en") -> tuple[int, str]:
    """Exit code and everything printed."""
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    found = CliRunner().invoke(app, ["rules", *map(str, words)], env={"TOCSIN_LANG": lang, "COLUMNS": "140"})
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.stdout if "--json" in words else found.output


def archive() -> list[Mention]:
    """A month with a crisis of four stories every other day, and two negative stories on the days between."""
    found: list[Mention] = []
    for day in range(2 * CRISES):
        stories = 4 if day % 2 else 2
        found += [mention(day * 1440 + 600 + 5 * n, f"{day}-{n}") for n in range(stories)]
    return found


@pytest.fixture
def past(tmp_path: Path) -> list[str | Path]:
    """Rules, a source and the truth, as the command takes them."""
    (tmp_path / "desk.yaml").write_text(RULES)
    lines(tmp_path / "past.jsonl", archive())
    events = [{"subject": "entity:acme", "onset": at(day * 1440 + 595).isoformat()} for day in range(1, 2 * CRISES, 2)]
    (tmp_path / "truth.yaml").write_text(yaml.safe_dump({"events": events}))
    return [
        tmp_path / "desk.yaml", tmp_path / "past.jsonl", "--rule", "many-stories", "--truth", tmp_path / "truth.yaml",
        "--after", "6h", "--out", tmp_path / "proposal.yaml",
    ]  # fmt: skip


def test_a_better_bound_is_proposed_with_its_evidence(tmp_path: Path, past: list[Any]) -> None:
    """Four stories find every crisis and nothing else; the rules themselves are not touched."""
    code, said = run("tune", *past, "--vary", "at_least=1,2,3,4,5", "--trials", "6", "--budget", "0")
    assert code == 0, said
    assert "Changed: at_least from 6 to" in said
    [found] = load_rules(tmp_path / "proposal.yaml")
    assert getattr(found, "at_least") in (3, 4)  # noqa: B009 - of a threshold
    assert f"The proposed rule has the hash {found.hash}." in said
    assert found.annotations == {"en": "{name}: too much"}
    text = (tmp_path / "proposal.yaml").read_text()
    assert "#   recall: 0.00 (0.00 to" in text
    assert "after" in text
    assert "# Checked on 2026-01-16" in text
    assert "events checked: that neither confirms nor refutes much" in said
    assert (tmp_path / "desk.yaml").read_text() == RULES


def test_a_proposal_is_told_as_one_json_object(tmp_path: Path, past: list[Any]) -> None:
    """With what was changed and the file that holds it; the course of the search is no part of it."""
    code, said = run("tune", *past, "--vary", "at_least=1,2,3,4,5", "--trials", "6", "--budget", "0", "--json")
    found = json.loads(said)
    assert (code, found["rule"], found["file"]) == (0, "many-stories", str(tmp_path / "proposal.yaml"))
    assert found["changed"]["at_least"] in (3, 4)
    assert found["hash"]["before"] != found["hash"]["proposed"]


def test_the_same_seed_makes_the_same_proposal(tmp_path: Path, past: list[Any]) -> None:
    """A search can be repeated."""
    run("tune", *past, "--trials", "10", "--seed", "4")
    first = (tmp_path / "proposal.yaml").read_text()
    (tmp_path / "proposal.yaml").unlink()
    run("tune", *past, "--trials", "10", "--seed", "4")
    assert (tmp_path / "proposal.yaml").read_text() == first


def test_nothing_is_overwritten(tmp_path: Path, past: list[Any]) -> None:
    """Neither a file that is there, nor the rules."""
    (tmp_path / "proposal.yaml").write_text("mine")
    code, said = run("tune", *past)
    assert (code, "is there already" in said) == (2, True)
    assert (tmp_path / "proposal.yaml").read_text() == "mine"
    assert run("tune", *past[:-1], tmp_path / "desk.yaml")[0] == 2
    assert (tmp_path / "desk.yaml").read_text() == RULES


def test_a_proposal_is_not_put_among_the_rules(tmp_path: Path, past: list[Any]) -> None:
    """A folder of rules is read as a whole: the proposal would be in force, or refused with all the others."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "desk.yaml").write_text(RULES)
    code, said = run("tune", rules, *past[1:-1], rules / "proposal.yaml")
    assert (code, "lies in a folder of rules" in said) == (2, True), said
    assert list(rules.iterdir()) == [rules / "desk.yaml"]


def test_where_nothing_is_better_nothing_is_proposed(tmp_path: Path, past: list[Any]) -> None:
    """No file, and a sentence."""
    code, said = run("tune", *past, "--vary", "at_least=7,8", "--trials", "3")
    assert code == 0, said
    assert "nothing is proposed" in said
    assert not (tmp_path / "proposal.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vary", "widow=1h"], "no field 'widow'"),
        (["--until", "2020-01-01T00:00:00Z"], "must end between"),
        (["--until", "soon"], "write a time with its zone"),
        (["--until", "2026-01-06T00:00:00Z"], "has no event that this rule could find"),
        (["--rule", "many-storys"], "Did you mean: many-stories?"),
        (["--out", "/nowhere/p.yaml"], "/nowhere/p.yaml"),
        (["--truth", "/nowhere/truth.yaml"], "cannot be read"),
    ],
)
def test_what_cannot_be_tuned_is_told(past: list[Any], words: list[str], said: str) -> None:
    """Exit code 2, and what to write instead."""
    given = [*past, *words]
    if words[0] == "--truth":
        given = [each for at_, each in enumerate(past) if at_ not in (4, 5)] + words
    code, told = run("tune", *given)
    assert (code, said in told.replace("\n", "")) == (2, True), told


def test_the_search_speaks_chinese(past: list[Any]) -> None:
    """Every sentence of the evidence."""
    code, said = run("tune", *past, "--trials", "4", lang="zh")
    assert code == 0, said
    assert "规则 many-stories" in said
    assert "检验期" in said


# ---- badges


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """The rule, measured."""
    path = tmp_path / "desk.yaml"
    path.write_text(RULES)
    [one] = load_rules(path)
    events = many(10)
    found = rule(at_events(7), events, hash=one.hash, rounds=20)
    write_badges(path, result(events, {"many-stories": found}), "StockNet")
    return path


def test_a_list_shows_what_was_measured(measured: Path) -> None:
    """Precision, recall, delay and events; all of it as data."""
    code, said = run("list", measured)
    assert code == 0, said
    assert "P 1.00  R 0.70" in said
    assert "60 min, 10 events" in said
    [found] = [json.loads(line) for line in run("list", measured, "--json")[1].splitlines()]
    assert found["measured"][0]["recall"] == 0.7
    assert found["measured_before"] is None


def test_an_explanation_says_it_in_a_sentence(measured: Path) -> None:
    """In both languages."""
    assert "This rule, measured: precision 1.00" in run("explain", "many-stories", measured)[1]
    assert "Measured on 2026-03-29 with 0.1.0+abc." in run("explain", "many-stories", measured)[1]
    assert "本规则实测：精确率 1.00" in run("explain", "many-stories", measured, lang="zh")[1]


def test_a_changed_rule_is_shown_as_out_of_date(measured: Path) -> None:
    """Its old figures stand nowhere as if they were its own."""
    measured.write_text(RULES.replace("at_least: 6", "at_least: 5"))
    listed = run("list", measured)[1]
    assert "out of date" in listed
    assert "0.70" not in listed
    assert "changed since it was measured" in run("explain", "many-stories", measured)[1]
    [found] = [json.loads(line) for line in run("list", measured, "--json")[1].splitlines()]
    assert (found["measured"], found["measured_before"]["recall"]) == ([], 0.7)


def test_a_damaged_file_of_badges_is_told(measured: Path) -> None:
    """With what to do."""
    (measured.parent / "badges.json").write_text("{")
    code, said = run("list", measured)
    assert (code, "measure again" in said) == (78, True)


def test_each_rule_keeps_its_badge_beside_the_file_it_is_in(tmp_path: Path) -> None:
    """Rules of several folders were measured at once."""
    files = [tmp_path / desk / "rules.yaml" for desk in ("east", "west")]
    for file, name in zip(files, ("many-stories", "other"), strict=True):
        file.parent.mkdir()
        file.write_text(RULES.replace("many-stories", name))
    events = many(10)
    measured = result(events, {name: rule(at_events(7), events) for name in ("many-stories", "other")})
    assert rule_badges.keep(files, measured, "Year", [Path("t.yaml")]) == [
        file.parent / "badges.json" for file in files
    ]
    for file, name in zip(files, ("many-stories", "other"), strict=True):
        badges = json.loads((file.parent / "badges.json").read_text())["badges"]
        assert [(each["rule"], each["truth"]) for each in badges] == [(name, "t.yaml")]


def test_a_folder_that_cannot_be_written_is_told(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed presets often lie where only an administrator writes."""

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(rule_badges, "write_badges", refuse)
    with pytest.raises(ResultUnreadable, match=r"badges\.json: cannot be written: Permission denied"):
        rule_badges.keep([measured], result(many(1), {}), "", [])
