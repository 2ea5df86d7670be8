"""`tocsin explain` without Triton: what is asked of the model, what is shown, and what a hostile text cannot do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from console import explain
from console.exits import UNAVAILABLE, WRONG_INPUT
from models.client import Unjudged, Verdict
from models.labels import HEADS, SENTIMENTS
from models.text import TARGET
from streams.endpoints import EnginesDown
from streams.settings import Settings
from tests.unit.models.shelf import NAME, shelve

app = typer.Typer()
explain.register(app)


class Judge:
    """Calls a text negative for the word `plunge` or 跌停; knows no other."""

    def __init__(self, delay: bool = False) -> None:
        self.read: list[str] = []
        self.delay = delay

    async def start(self) -> None:
        if self.delay:
            await asyncio.Event().wait()

    async def stop(self) -> None: ...

    async def score(self, text: str, lang: str) -> Verdict | Unjudged:
        self.read.append(text)
        if not text.strip():
            return Unjudged("no_text")
        bad = 0.9 if "plunge" in text or "跌停" in text else 0.2
        heads = {head: {label: 1 / len(labels) for label in labels} for head, labels in HEADS.items()}
        heads["sentiment"] = dict(zip(SENTIMENTS, (bad, 0.98 - bad, 0.02), strict=True))
        return Verdict(NAME, "1-0123abcd", **heads, abstained=bad < 0.5)


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """A small model's folder, and a scripted judge in Triton's place."""
    shelve(tmp_path / "repository")
    settings = Settings(state_dir=tmp_path / "state", model_repository=tmp_path / "repository")
    scripted = Judge()
    monkeypatch.setattr(explain, "load", lambda: settings)
    monkeypatch.setattr(explain, "resolve", lambda *_: SimpleNamespace(triton="127.0.0.1:1"))
    monkeypatch.setattr(explain, "create_scorer", lambda *_: scripted)
    monkeypatch.setenv("TOCSIN_LANG", "en")
    return scripted


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_words_that_moved_the_verdict(judge: Judge) -> None:
    """As data: the word, where it stands, and that it weighs most."""
    done = run("Halden shares plunge on Monday", "--lang", "en", "--json")
    answer = json.loads(done.output)
    assert (answer["label"], answer["lang"], answer["model"]) == ("negative", "en", NAME)
    first = max(answer["words"], key=lambda word: word["weight"])
    assert answer["text"][first["start"] : first["end"]] == first["word"] == "plunge"
    assert (answer["examined"], answer["of"]) == (5, 5)
    assert answer["towards"] >= first["weight"]
    assert answer["strongest"]["probability_without"] == pytest.approx(0.2)
    assert len(judge.read) == 1 + 5 + 4 + 3


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_both_languages_of_messages(judge: Judge, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads the verdict, the text, the words by weight and the sums, in either language."""
    monkeypatch.setenv("TOCSIN_LANG", lang)
    done = run("远岭生物午后跌停", "--lang", "zh")
    assert done.exit_code == 0
    assert "远岭生物午后跌停" in done.output
    assert ("情感：negative，概率 0.90" if lang == "zh" else "sentiment: negative, probability 0.90") in done.output


def test_a_text_cannot_command_the_terminal(judge: Judge) -> None:
    """Escapes, line breaks, bidirectional marks and the console's own markup are shown as nothing or as text."""
    done = run("Halden \x1b[2J\x9b31m\u202e [red]plunge[/red] \u2028now", "--lang", "en", "--company", "Halden")
    assert done.exit_code == 0
    assert not {"\x1b", "\x9b", "\u202e", "\u2028"} & set(done.output)
    assert "[red]plunge[/red]" in done.output


def test_words_are_coloured_by_their_side(judge: Judge) -> None:
    """On a terminal: a background for words that moved the verdict, none for the others."""
    found, _ = explain._explained(explain.load(), "Halden plunge", "en", "", "sentiment")
    console = Console(force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(explain.coloured(found, ""))
    shown = captured.get()
    assert "Halden \x1b" in shown
    assert shown.count("\x1b[0m") == 1
    assert explain.style(0.05) == ""
    assert explain.style(-2.0) == "bold white on dark_red"


def test_the_company_asked_about_is_marked_and_named_again(judge: Judge) -> None:
    """The model reads a sign in its place in every form of the text; the person reads the name."""
    done = run("Halden gains while Birk shares plunge", "--lang", "en", "--company", "Birk")
    assert "sentiment towards Birk" in done.output
    assert all(TARGET in text and "Birk" not in text for text in judge.read)
    assert TARGET not in done.output
    assert "Halden gains while Birk shares plunge" in done.output


def test_a_long_text_is_bounded_and_it_is_told(judge: Judge) -> None:
    """No more texts are judged than for a short one, and no more is examined than the model reads."""
    done = run("plunge " * 5000, "--lang", "en", "--json")
    answer = json.loads(done.output)
    assert answer["examined"] <= answer["of"] < 70  # the small model reads 64 tokens
    assert len(judge.read) < 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("shares fall", "--lang", "de"), "No model judges the language de"),
        (("shares fall", "--lang", "en", "--company", "Birk"), "does not name Birk"),
        (("\x01 \x02", "--lang", "en"), "Nothing of the text can be read"),
        (("shares fall", "--head", "mood"), "There is no verdict mood"),
    ],
)
def test_what_cannot_be_explained_is_told(judge: Judge, arguments: tuple[str, ...], words: str) -> None:
    """With what to do, and the exit code of wrong input."""
    done = run(*arguments)
    assert done.exit_code == WRONG_INPUT
    assert words in done.output


def test_without_triton(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine known, or one that is silent: the words of the other commands, and their exit code."""
    monkeypatch.setattr(explain, "START_SECONDS", 0.01)
    judge.delay = True
    done = run("shares fall", "--lang", "en")
    assert done.exit_code == UNAVAILABLE
    assert "did not answer" in done.output

    def down(*_: Any) -> None:
        raise EnginesDown("no engine")

    monkeypatch.setattr(explain, "resolve", down)
    assert run("shares fall", "--lang", "en").exit_code == UNAVAILABLE
