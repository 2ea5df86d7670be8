"""`tocsin models evaluate | gate` as a person uses them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from console import model_quality
from console.exits import UNAVAILABLE, WRONG_INPUT, WRONG_SETTINGS
from console.messages import LANGUAGES, say
from models.data import Row
from models.gate import Change
from models.judging import Bench
from models.labels import HEADS
from models.registry import SHIPPED, ModelRefused, find

app = typer.Typer()
model_quality.register(app)
LABELS = {"gain": 2, "loss": 0, "date": 1}


def judge(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Reads the first word."""
    found = {head: np.full((len(rows), len(names)), 1 / len(names)) for head, names in HEADS.items()}
    return found | {"sentiment": np.eye(3)[[LABELS[row.text.split()[0].lower()] for row in rows]]}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A labelled file of 120 rows."""
    path = tmp_path / "desk.csv"
    lines = [f"{list(LABELS)[at % 3]} {at},{HEADS['sentiment'][list(LABELS.values())[at % 3]]}" for at in range(120)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands judge without a network."""

    @contextmanager
    def bench(*_: Any) -> Iterator[Bench]:
        served = find(SHIPPED)
        yield Bench("onnxruntime", served, {each.metadata.model: "fake" for each in served.values()}, judge)

    monkeypatch.setattr(model_quality, "bench", bench)


def run(*arguments: str | Path, code: int = 0) -> Any:
    """The command's result."""
    done = CliRunner().invoke(app, [str(each) for each in arguments], env={"TOCSIN_LANG": "en"})
    assert done.exit_code == code, done.output
    return done


@pytest.mark.usefixtures("judged")
def test_report_is_printed_and_written(rows: Path, tmp_path: Path) -> None:
    """The table for a person, JSON for a program, the same in a file; no number needs an extra package by default."""
    path = tmp_path / "r.json"
    shown = run("evaluate", "--data", rows, "--offline", "--report", path).stdout
    assert "| desk | sentiment, en | no | 120 | **1.000** (" in shown
    told = json.loads(run("evaluate", "--data", rows, "--offline", "--json").stdout)
    assert told["data_sets"] == json.loads(path.read_text())["data_sets"]
    assert "robustness" not in told


@pytest.mark.usefixtures("judged")
def test_gate_passes_what_is_the_same_and_stops_what_lost(rows: Path, tmp_path: Path) -> None:
    """Exit code 1 and the name of the set."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    run("evaluate", "--data", rows, "--offline", "--report", old)
    assert "No data set lost more" in run("gate", "--old", old, "--new", old, "--full", old).stdout
    report = json.loads(old.read_text())
    answers = report["data_sets"]["desk"]["answers"]
    answers["judged"] = "0" * 120
    report["data_sets"]["desk"]["macro_f1"] = 0.1667
    new.write_text(json.dumps(report))
    lost = run("gate", "--old", old, "--new", new, code=1).stdout
    assert "desk (120 rows), against the old version: 1.0000 -> 0.1667" in lost
    told = json.loads(run("gate", "--old", old, "--new", new, "--json", code=1).stdout)
    assert told["passes"] is False
    assert told["old"][0]["reason"] == "lost"
    assert told["full"] == []
    run("gate", "--old", old, "--new", new, "--tolerance", "1", code=0)


def test_wrong_input_is_told(rows: Path, tmp_path: Path) -> None:
    """A file of strange labels, a report that is none, options that exclude each other, a folder that is not there."""
    strange = tmp_path / "s.csv"
    strange.write_text("text,label\na,splendid\n")
    assert "no head has these labels" in run("evaluate", "--data", strange, "--offline", code=WRONG_INPUT).output
    assert "is no report" in run("gate", "--old", rows, "--new", rows, code=WRONG_INPUT).output
    run("gate", "--new", rows, code=WRONG_INPUT)
    run("evaluate", "--data", rows, "--offline", "--triton", "h:1", code=WRONG_INPUT)
    there = run("evaluate", "--data", rows, "--offline", "--report", tmp_path / "no" / "r.json", code=WRONG_INPUT)
    assert "There is no folder" in there.output


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ModelRefused("no model"), WRONG_SETTINGS),
        (TimeoutError(), UNAVAILABLE),
        (ModuleNotFoundError("no", name="onnxruntime"), WRONG_SETTINGS),
    ],
)
def test_faults_have_their_exit_codes(rows: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: int) -> None:
    """And a message each."""

    def bench(*_: Any) -> Any:
        raise fault

    monkeypatch.setattr(model_quality, "bench", bench)
    assert run("evaluate", "--data", rows, "--offline", code=code).output.strip()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", ["better", "kept", "chance", "few_rows", "lost", "missing"])
def test_every_reason_has_its_words(lang: str, reason: str) -> None:
    """In both languages."""
    assert "desk" in model_quality.line("full", Change("desk", 5, 0.5, 0.4, -0.2, 0.0, reason), lang)
    assert say("quality.stages.baselines", lang)
