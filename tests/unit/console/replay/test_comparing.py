"""`tocsin replay compare` and `gate`: over result files, and two rule sets over one source."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from alerts.evaluation.result import Evaluation
from console.replay.group import register
from tests.unit.alerts.evaluation.cases import BOLT, alert
from tests.unit.alerts.evaluation.results import at_events, many, result
from tests.unit.console.replay.past import RULES, TRUTH, crises, lines

EVENTS = [replace(each, note=f"case {n}", name="Acme") for n, each in enumerate(many(10))]


pytestmark = pytest.mark.usefixtures("own_state")


def run(*words: str | Path, lang: str = "en") -> tuple[int, str]:
    """Exit code and everything printed."""
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    found = CliRunner().invoke(app, ["replay", *map(str, words)], env={"TOCSIN_LANG": lang, "COLUMNS": "140"})
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.output


def kept(path: Path, evaluation: Evaluation) -> Path:
    """The result as a file."""
    path.write_bytes(msgspec.json.encode(evaluation))
    return path


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return kept(tmp_path / "before.json", result(EVENTS, {"r": [*at_events(3), alert(900, BOLT)]}))


@pytest.fixture
def after(tmp_path: Path) -> Path:
    return kept(tmp_path / "after.json", result(EVENTS, {"r": at_events(10, after=2)}))


def test_a_comparison_says_what_is_gained_lost_and_moved(before: Path, after: Path) -> None:
    """With the truth's words, the p-value and the number of events."""
    code, said = run("compare", before, after)
    assert code == 0, said
    assert "better, more than chance (p = 0.016, 10 events)" in said
    assert "0 the same, 7 gained, 1 lost, 3 moved (the median one 60 min later)" in said
    assert "Events that are found now (7):" in said
    assert "case 3" in said
    assert "false alarm" in said
    assert "could be chance (p = 0.250, 3 events that both found)" in said
    assert "10 events decide little" in said


def test_a_comparison_speaks_chinese(before: Path, after: Path) -> None:
    """The same, every sentence."""
    code, said = run("compare", before, after, lang="zh")
    assert code == 0, said
    assert "更好，超出偶然（p = 0.016，10 起事件）" in said
    assert "新增 7 条，丢失 1 条，移动 3 条" in said


def test_a_comparison_is_written_as_data(before: Path, after: Path, tmp_path: Path) -> None:
    """Everything, with every example."""
    code, _ = run("compare", before, after, "--json", tmp_path / "c.json")
    found = json.loads((tmp_path / "c.json").read_text())
    assert code == 0
    assert len(found["pairs"][0]["gained"]) == 7
    assert found["events"][3]["note"] == "case 3"


def test_hostile_text_in_a_result_reaches_no_terminal(tmp_path: Path) -> None:
    """Notes and headlines come from outside."""
    events = [replace(each, note="\x1b[2J[bold]x") for each in EVENTS]
    path = kept(tmp_path / "x.json", result(events, {"r": at_events(10)}))
    code, said = run("compare", kept(tmp_path / "y.json", result(events, {"r": []})), path)
    assert code == 0
    assert "\x1b[2J" not in said
    assert "[bold]x" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.json"], "exactly two are compared, 1 are given"),
        (["nowhere.json", "neither.json"], "nowhere.json: cannot be read: No such file"),
        (["BAD", "BAD"], "no result of `tocsin replay"),
        (["OLD", "OLD"], "a result of form 0"),
        (["GOOD", "GOOD", "--rule", "s"], "the first result has no rule s; it has: r"),
        (["GOOD", "GOOD", "--match", "soon"], "--match soon"),
        (["GOOD", "GOOD", "--json", "/nowhere/x.json"], "/nowhere/x.json"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, words: list[str], said: str) -> None:
    """Exit code 2, and what to do."""
    (tmp_path / "bad.json").write_text("{}")
    good = result(EVENTS, {"r": []})
    files = {
        "BAD": str(tmp_path / "bad.json"),
        "GOOD": str(kept(tmp_path / "good.json", good)),
        "OLD": str(kept(tmp_path / "old.json", replace(good, v=0))),
    }
    code, told = run("compare", *(files.get(word, word) for word in words))
    assert (code, said in told.replace("\n", "")) == (2, True), told


def test_two_rule_sets_are_replayed_in_one_pass(tmp_path: Path) -> None:
    """A stricter rule of the same name loses an alert; what is the same in both is the same."""
    source = lines(tmp_path / "past.jsonl", crises())
    (tmp_path / "truth.yaml").write_text(TRUTH)
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "b.yaml").write_text(RULES.replace("at_least: 3", "at_least: 7"))
    rules = ("--rules", tmp_path / "a.yaml", "--rules", tmp_path / "b.yaml")
    code, said = run("compare", source, *rules, "--truth", tmp_path / "truth.yaml", "--json", tmp_path / "c.json")
    assert code == 0, said
    pairs = {pair["before"]: pair for pair in json.loads((tmp_path / "c.json").read_text())["pairs"]}
    assert pairs.keys() == {"three-stories", "far-more", "*"}
    assert pairs["three-stories"]["before_hash"] != pairs["three-stories"]["after_hash"]
    assert [e["rule"] for e in pairs["three-stories"]["lost"]] == ["three-stories"]
    assert pairs["three-stories"]["moved"]
    assert not pairs["far-more"]["lost"] + pairs["far-more"]["gained"] + pairs["far-more"]["moved"]


def test_without_a_truth_no_alert_is_called_wrong(tmp_path: Path) -> None:
    """What is gained and lost is shown; nobody said what happened."""
    source = lines(tmp_path / "past.jsonl", crises())
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "b.yaml").write_text(RULES.replace("at_least: 3", "at_least: 7"))
    code, said = run("compare", source, "--rules", tmp_path / "a.yaml", "--rules", tmp_path / "b.yaml")
    assert code == 0, said
    assert "Lost (" in said
    assert ": false" not in said


def test_the_gate_is_open_for_what_is_not_worse(before: Path, after: Path) -> None:
    """And says that the baseline should be renewed."""
    code, said = run("gate", before, after, "--tolerance", "recall=0.05")
    assert code == 0, said
    assert "Nothing is lost (1 checks)." in said
    assert "renew the baseline" in said


def test_the_gate_is_shut_for_a_loss(before: Path, after: Path) -> None:
    """With a table of what was lost, in both languages."""
    code, said = run("gate", after, before)
    assert code == 1
    assert "recall" in said
    assert "loss(es) beyond what is tolerated" in said
    code, said = run("gate", after, before, lang="zh")
    assert code == 1
    assert "召回率" in said
    assert "项损失超出容许范围" in said


@pytest.mark.parametrize("shut", [False, True])
def test_the_gate_is_told_as_one_json_object(before: Path, after: Path, shut: bool) -> None:
    """Whether it is open, and every check; the exit code tells the same."""
    code, said = run("gate", *([after, before] if shut else [before, before]), "--json")
    found = json.loads(said)
    assert (code, found["passes"]) == (int(shut), not shut)
    assert {check["rule"] for check in found["checks"]} == {"r"}


def test_a_loss_within_the_tolerance_opens_it(before: Path, after: Path) -> None:
    """Whoever says so takes the loss."""
    tolerance = ["recall=0.7", "precision=0.3", "delay_median_s=3600", "false_per_subject_day=1"]
    words = [word for each in tolerance for word in ("--tolerance", each)]
    code, said = run("gate", after, before, *words)
    assert code == 0, said
    assert "worse, tolerated" in said


def test_the_gate_replays_sources_itself(tmp_path: Path) -> None:
    """The baseline's rules lose nothing; stricter ones do; more than one result is one too many."""
    source = lines(tmp_path / "past.jsonl", crises())
    (tmp_path / "truth.yaml").write_text(TRUTH)
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "b.yaml").write_text(RULES.replace("at_least: 3", "at_least: 9"))
    asked = [source, "--truth", tmp_path / "truth.yaml", "--rules"]
    assert run("run", *asked, tmp_path / "a.yaml", "--no-curve", "--json", tmp_path / "base.json")[0] == 0
    code, said = run("gate", tmp_path / "base.json", *asked, tmp_path / "a.yaml")
    assert code == 0, said
    code, said = run("gate", tmp_path / "base.json", *asked, tmp_path / "b.yaml")
    assert code == 1, said
    code, said = run("gate", tmp_path / "base.json", tmp_path / "base.json", tmp_path / "base.json")
    assert (code, "2 are given" in said) == (2, True), said


def test_a_comparison_is_written_as_a_page(before: Path, after: Path, tmp_path: Path) -> None:
    """The report on the second result, with what changed since the first."""
    assert run("compare", before, after, "--html", tmp_path / "c.html")[0] == 0
    assert "<html" in (tmp_path / "c.html").read_text()


def test_a_gate_on_another_history_is_an_error_and_no_verdict(before: Path, tmp_path: Path) -> None:
    """Exit code 2, not 1."""
    other = kept(tmp_path / "other.json", result(EVENTS[:4], {"r": []}))
    code, said = run("gate", before, other)
    assert code == 2
    assert "make the baseline anew" in said.replace("\n", " ")
    assert run("gate", before, before, "--tolerance", "recoil=1")[0] == 2


def test_a_result_that_names_events_it_does_not_hold_is_refused(tmp_path: Path, before: Path) -> None:
    """Somebody cut it by hand; a sentence and no fault in the program."""
    whole = result(EVENTS, {"r": at_events(3)})
    cut = kept(tmp_path / "cut.json", replace(whole, events=whole.events[:1]))
    for words in (["compare", before, cut], ["gate", before, cut]):
        code, said = run(*words)
        assert (code, "names events that it does not hold" in said) == (2, True), said
