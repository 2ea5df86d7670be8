"""The evaluation table: rules at one rate of false alarms, in both languages, by commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from alerts.evaluation.result import Evaluation, Point, RuleResult
from alerts.evaluation.truth import Truth, TruthEvent
from alerts.evaluation.truth_files import read_truth, write_truth
from tests import documents
from tests.bench.evaluation import ROOT, STREAMS, Bench, Failed, kept, parse, write, write_controls
from tests.bench.evaluation_table import END, RATES, SHORT_END, SHORT_START, START, short, tables
from tests.bench.report import put
from tests.unit.alerts.report import sample


def point(value: float, recall: float, false: float, controls: int = 0) -> Point:
    return Point(
        value=value, precision=0.5, recall=recall, false_per_subject_day=false, delay_median_s=5400.0,
        controls_fired=controls, alerts=9, found=round(recall * 10),
    )  # fmt: skip


def rule(result: Evaluation, name: str, *curve: Point, **figures: Any) -> RuleResult:
    found = {
        "events": 10,
        "found": 4,
        "recall": 0.4,
        "false_per_subject_day": 0.002,
        "controls": 3,
        "controls_fired": 1,
    }
    base = next(iter(result.rules.values()))
    return msgspec.structs.replace(base, knob="p", curve=curve, **(found | {"false_per_subject_day": 0.002} | figures))


@pytest.fixture
def results() -> dict[str, Evaluation]:
    """Three streams: ours finds more at every rate; a rule about topics covers no event."""
    base = sample.evaluation(1, 10, 3)
    ours = rule(base, "ours", point(0.001, 0.6, 0.0014), point(0.01, 0.8, 0.004, 2), point(0.1, 0.9, 0.4))
    theirs = rule(base, "theirs", point(2, 0.3, 0.004), point(1, 0.5, 0.014), false_per_subject_day=0.02)
    topic = rule(base, "topic", events=0, found=0, recall=None)
    result = msgspec.structs.replace(base, rules={"theirs": theirs, "ours": ours, "topic": topic})
    return {"stocknet": result, "headlines": result, "weibo": result}


def test_rules_stand_side_by_side_at_the_same_false_alarms(results: dict[str, Evaluation]) -> None:
    """The best setting within each rate: recall, delay, controls; the best rule first, ours in bold."""
    text = tables(results, ["ours"], "en")
    rows = [line for line in text.splitlines() if line.startswith(("| **`ours`**", "| `theirs`"))]
    assert rows[0] == (
        "| **`ours`** | `p` | 0.60 · 1 h 30 min · 0/3 | 0.80 · 1 h 30 min · 2/3 | 0.80 · 1 h 30 min · 2/3 |"
    )
    assert rows[1].startswith("| `theirs` | `p` | – | 0.30 · 1 h 30 min · 0/3 | 0.50 ·")
    assert [f"≤ {limit:g} false" in text for limit in RATES] == [True] * 3
    assert "topic" not in text


def test_dated_streams_are_compared_at_the_false_alarms_of_ours(results: dict[str, Evaluation]) -> None:
    """Beside each rule as it is stands its best setting that is no more often wrong than ours."""
    text = tables(results, ["ours"], "en")
    theirs = [line for line in text.splitlines() if line.startswith("| `theirs`")][1]
    assert theirs == "| `theirs` | 4/10 · 1/3 · 0.020 false | – | 4/10 · 1/3 · 0.020 false | – |"
    ours = [line for line in text.splitlines() if line.startswith("| **`ours`**")][1]
    assert ours.startswith("| **`ours`** | 4/10 · 1/3 · 0.0020 false | 6/10 · 0/3 |")


def test_the_short_table_holds_ours_against_the_best_of_the_others(results: dict[str, Evaluation]) -> None:
    """Most events first, of equals the soonest; what no setting keeps within the limit is a dash."""
    base = results["stocknet"]
    quick = msgspec.structs.replace(point(3, 0.5, 0.013), delay_median_s=60.0)
    rules = base.rules | {"quick": rule(base, "quick", quick, false_per_subject_day=0.02)}
    lines = short(results | {"stocknet": msgspec.structs.replace(base, rules=rules)}, ["ours"], "en").splitlines()
    assert lines[0] == (
        "| events found · median delay · controls that rang | **Tocsin's `ours`** | best published formula |"
    )
    assert lines[2].endswith("≤ 0.0015 false alerts per subject-day | 6/10 · 1 h 30 min · 0/3 | – |")
    assert lines[3].endswith("| 8/10 · 1 h 30 min · 2/3 | 3/10 · 1 h 30 min · 0/3 `theirs` |")
    assert lines[4].endswith("| 5/10 · 1 min · 0/3 `quick` |")
    assert lines[5] == "| headlines 2018–2020, ≤ 0.0020 false | 6/10 · 1 h 30 min · 0/3 | – |"


def test_both_languages_have_the_same_numbers(results: dict[str, Evaluation]) -> None:
    """The rows of the Chinese tables are those of the English ones."""

    def numbers(lang: Any) -> list[list[str]]:
        text = tables(results, ["ours"], lang) + "\n" + short(results, ["ours"], lang)
        return [re.findall(r"[\d.,]*\d", row) for row in text.splitlines() if row[:1] == "|"]

    assert numbers("en") == numbers("zh")


def test_the_table_is_put_between_its_lines(tmp_path: Path) -> None:
    """What stood between the lines is replaced, the rest stays; a file without them is refused."""
    file = tmp_path / "README.md"
    file.write_text("a\n<!-- s -->\nold\n<!-- e -->\nb\n")
    put("new", file, "<!-- s -->", "<!-- e -->")
    assert file.read_text() == "a\n<!-- s -->\nnew\n<!-- e -->\nb\n"
    with pytest.raises(ValueError, match="needs the lines"):
        put("new", file, "<!-- other -->", "<!-- e -->")


def test_the_documents_have_their_places(results: dict[str, Evaluation], tmp_path: Path) -> None:
    """One writer fills the short table of the READMEs and the long ones of the page they lead to, in both languages."""
    (tmp_path / "docs").mkdir()
    for name, first, last in (
        ("README.md", SHORT_START, SHORT_END),
        ("README.zh-CN.md", SHORT_START, SHORT_END),
        ("docs/measured.md", START, END),
        ("docs/measured.zh-CN.md", START, END),
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert 0 < text.find(first) < text.find(last)
        (tmp_path / name).write_text(f"{first}\nbefore\n{last}\n", encoding="utf-8")
    write(results, ["ours"], tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.md")}
    assert all("before" not in text and "ours" in text for text in written.values())
    assert short(results, ["ours"], "zh") in written["README.zh-CN.md"]
    assert tables(results, ["ours"], "en") in written["measured.md"]


def test_tables_can_be_made_of_kept_results(tmp_path: Path) -> None:
    """Without a result of every stream that is wanted, what is missing is named."""
    bench = Bench(tmp_path, tmp_path, tmp_path, tmp_path / "rules.yaml")
    (tmp_path / "weibo.json").write_bytes(msgspec.json.encode(sample.evaluation(1, 10, 3)))
    assert list(kept(bench, ["weibo"])) == ["weibo"]
    with pytest.raises(Failed, match=r"stocknet\.json: not there; run it without --kept first"):
        kept(bench, ["stocknet", "weibo"])


def test_only_controls_are_taken_from_the_list(tmp_path: Path) -> None:
    """Negative events of the list do not stand beside those of the prices."""
    at = sample.BEGIN
    events = tuple(TruthEvent(subject=f"entity:{kind}", onset=at, kind=kind) for kind in ("negative", "control"))
    write_truth(Truth(events=events), tmp_path / "dated.yaml")
    write_controls(tmp_path / "dated.yaml", tmp_path / "controls.yaml")
    assert [event.kind for event in read_truth(tmp_path / "controls.yaml").events] == ["control"]


def test_every_command_and_option_exists(tmp_path: Path) -> None:
    """What the script runs is what the program has."""
    program: Any = typer.main.get_command(documents.program())
    bench = Bench(tmp_path, tmp_path, tmp_path, tmp_path / "rules.yaml")
    for stream in STREAMS:
        replay = bench.replay(stream)
        for words in (*bench.truth(stream), ["replay", "run", *replay[1:]]):
            command, rest = program, list(words)
            while hasattr(command, "commands"):
                command = command.commands[rest.pop(0)]
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            assert {word for word in rest if word.startswith("--")} <= known


def test_streams_can_be_chosen() -> None:
    """All of them unless some are named."""
    assert parse([]).streams == ["stocknet", "headlines", "weibo"]
    assert parse(["--streams", "weibo"]).streams == ["weibo"]
