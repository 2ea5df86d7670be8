"""`tocsin models train`, `search` and `pretrain` as a person meets them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from click import unstyle
from typer.testing import CliRunner

from console import model_training
from console.exits import INTERRUPTED, WRONG_INPUT, WRONG_SETTINGS
from console.messages import LANGUAGES, catalogue
from models import own_data
from models.recipe import Pretraining, Recipe, Run, Search
from models.stop import Stopped, asked_to_stop

RUNNER = CliRunner()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The three commands, in English, on a wide screen."""
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    made = typer.Typer()
    model_training.register(made)
    return made


def desk(folder: Path, text: str) -> list[str]:
    """Options that learn from this file alone."""
    path = folder / "desk.csv"
    path.write_text(text, encoding="utf-8")
    return ["--base", str(folder), "--out", str(folder / "out"), "--rows", str(path), "--only-own"]


@pytest.mark.parametrize(
    ("command", "forms"), [("train", (Run, Recipe)), ("search", (Search, Recipe)), ("pretrain", (Pretraining,))]
)
def test_every_field_is_an_option(app: typer.Typer, command: str, forms: tuple[type, ...]) -> None:
    """What can be set is on the help page, with its default."""
    page = unstyle(RUNNER.invoke(app, [command, "--help"]).output)
    for form in forms:
        for field in fields(form):
            assert f"--{field.name.replace('_', '-')}" in page
    assert "0.00012" in page or command == "pretrain"


def test_the_help_page_needs_no_torch(tmp_path: Path) -> None:
    """Nothing heavy is imported before a command runs."""
    code = (
        "import sys, typer; from console import model_training; app = typer.Typer(); model_training.register(app);"
        "typer.main.get_command(app); heavy = {'torch', 'transformers', 'optuna', 'peft'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[3]).returncode == 0


def test_a_dry_run_reports_and_ends(app: typer.Typer, tmp_path: Path) -> None:
    """The report names every problem with its place, also without torch; the exit code says whether something stops."""
    text = "text,sentiment,part\n" + "up,positive,train\n" * 2 + "Down,negative,train\nlow,neutral,dev\n"
    found = RUNNER.invoke(app, ["train", *desk(tmp_path, text), "--dry-run", "--langs", "en"])
    assert found.exit_code == 0, found.output
    assert "Labels to learn from: 2 of 3; labels to measure on: 1." in found.output
    assert "1 label(s) given to the same text more than once" in found.output
    assert "desk.csv:2 = " in found.output
    found = RUNNER.invoke(app, ["train", *desk(tmp_path, text + "x,positiv,train\n"), "--dry-run", "--langs", "en"])
    assert found.exit_code == WRONG_INPUT
    assert "did you mean positive?" in found.output
    assert not (tmp_path / "out").exists()


def test_many_examples_are_cut(app: typer.Typer, tmp_path: Path) -> None:
    """The first few places, and how many more there are."""
    text = "text,sentiment\n" + "".join(f"text {at},bad\n" for at in range(9))
    found = RUNNER.invoke(app, ["train", *desk(tmp_path, text), "--dry-run", "--langs", "en"])
    assert "and 4 more" in found.output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--precision", "fp8"], "precision"), (["--map", "x=y"], "fields are"), (["--track", "mflow"], "mlflow"),
        (["--recipe", "absent.yaml"], "absent.yaml"), (["--dev-rows", "absent.csv"], "absent.csv"),
        (["--data", "absent"], "absent"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_a_code(app: typer.Typer, tmp_path: Path, options: list[str], told: str) -> None:
    """No traceback for what a person can mend."""
    given = desk(tmp_path, "text\nup\n")
    given = given[:-1] if "--data" in options else given
    found = RUNNER.invoke(app, ["train", *given, *options])
    assert found.exit_code == WRONG_INPUT
    assert told in found.output
    assert "Traceback" not in found.output


@pytest.mark.parametrize("command", ["train", "search", "pretrain"])
def test_an_absent_package_is_named_with_what_to_install(
    app: typer.Typer, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without torch the command says which extra brings it."""
    for name in ("torch", "models.train", "models.search", "models.pretrain", "models.checkpoint", "models.course"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "optuna", None)
    import models

    for name in ("train", "search", "pretrain", "checkpoint", "course"):
        monkeypatch.delattr(models, name, raising=False)
    given = desk(tmp_path, "text,sentiment\nup,positive\n")
    if command == "pretrain":
        given = ["--base", "b", "--out", "o", "--texts", "t.txt"]
    found = RUNNER.invoke(app, [command, *given])
    assert found.exit_code == WRONG_SETTINGS
    assert "pip install 'tocsin[train]'" in found.output


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_finding_has_words(lang: str) -> None:
    """Whatever `own_data` finds, a person can read it."""
    import inspect
    import re

    source = inspect.getsource(own_data)
    kinds = {*own_data.STOPPING, *re.findall(r'_finding\("(\w+)"', source), *re.findall(r'Finding\("(\w+)"', source)}
    known = {key.removeprefix("training.findings.") for key in catalogue(lang) if key.startswith("training.findings.")}
    assert kinds == known


def test_a_signal_is_a_question_and_a_second_one_an_order() -> None:
    """Between steps a run asks; whoever presses Ctrl-C twice means it."""
    # A shell that starts the tests in its background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with asked_to_stop() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.mark.train
def test_a_whole_run_from_pretraining_to_weights(app: typer.Typer, tmp_path: Path) -> None:
    """The base that `pretrain` writes and the recipe that `search` finds are taken by `train`."""
    from tests.unit.models import tiny

    base = tiny.base(tmp_path / "base")
    rows = "\n".join(
        f"{row.text},{('negative', 'neutral', 'positive')[row.labels['sentiment']]}" for row in tiny.rows(160)
    )
    own = desk(tmp_path, "text,sentiment\n" + rows)[4:]
    (tmp_path / "plain.txt").write_text("\n".join(row.text for row in tiny.rows(80)), encoding="utf-8")
    quick = ["--tokens", "40", "--batch", "16", "--epochs", "1", "--threads", "1", "--track", "none"]

    def call(*words: Any) -> str:
        found = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    call("pretrain", "--base", base, "--texts", tmp_path / "plain.txt", "--out", tmp_path / "new", *quick)
    call("search", "--base", tmp_path / "new", "--out", tmp_path / "r.yaml", "--trials", 1, *own, *quick)
    said = call(
        "train",
        "--base",
        tmp_path / "new",
        "--recipe",
        tmp_path / "r.yaml",
        "--out",
        tmp_path / "out",
        *own,
        "--track",
        "none",
    )
    assert "| desk/en |" in said
    assert (tmp_path / "out" / "judge.safetensors").exists()


@pytest.mark.train
@pytest.mark.parametrize(("minutes", "told"), [("10", "--resume goes on"), ("0", "Nothing was kept")])
def test_an_interrupted_run_says_how_it_goes_on(
    app: typer.Typer, tmp_path: Path, minutes: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends with the code of Ctrl-C."""
    from models import train

    def stopped(*_: Any) -> None:
        raise Stopped("stopped at step 3 of 9")

    monkeypatch.setattr(train, "learn", stopped)
    given = desk(tmp_path, "text,sentiment\nup,positive\n")
    found = RUNNER.invoke(app, ["train", *given, "--checkpoint-minutes", minutes])
    assert found.exit_code == INTERRUPTED
    assert told in found.output
