"""The program as a whole: help that teaches in both languages, completion, JSON, exit codes, the first run."""

from __future__ import annotations

import ast
import importlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from console import guide
from console.cli import AREAS, app
from console.exits import CODES
from console.messages import LANGUAGES, say
from console.translations import chinese, plain_spaces

ROOT = Path(__file__).parents[3]
# Commands that print nothing a program could want otherwise than it is.
NO_JSON = {
    "worker": "runs until it is ended, and logs",
    "collect": "runs until it is ended, and logs",
    "api": "runs until it is ended, and logs",
    "console": "opens a browser",
    "logs": "prints lines as they were logged",
    "score": "reads and writes JSON lines",
    "alerts preview": "prints the very bytes of a message",
    "webhook secret": "prints the secret alone",
    "rules schema": "prints a JSON Schema",
    "rules init": "writes files and names their folder",
    "models train": "writes report.json into --out",
    "models search": "writes a recipe file",
    "models pretrain": "writes report.json into --out",
    "dashboards export": "writes files and names them",
    "dashboards preview": "writes a page and names it",
}


def walk(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that can be run, with the words that call it."""
    children = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name in children:
        yield from walk(children[name], f"{path} {name}".strip())


def everything(command: Any) -> Iterator[Any]:
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from everything(child)


@pytest.fixture(scope="module")
def english() -> Any:
    """The whole tree of commands, in English."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOCSIN_LANG", "en")
        program: Any = typer.main.get_command(app)
        list(everything(program))
    return program


def texts(program: Any) -> Iterator[tuple[str, str]]:
    """Every text of help: of commands and of their options."""
    for command in everything(program):
        yield str(command.name), command.help or ""
        for parameter in command.params:
            yield f"{command.name} {parameter.name}", getattr(parameter, "help", None) or ""


def test_every_command_and_option_is_explained_in_both_languages(english: Any) -> None:
    """No command and no option stands without a word, and none without its Chinese."""
    found = dict(texts(english))
    assert [where for where, text in found.items() if not text] == []
    assert [f"{where}: {text}" for where, text in found.items() if plain_spaces(text) not in chinese()] == []


def test_no_translation_is_left_over(english: Any) -> None:
    """Chinese of a text that the code no longer has would be translated for nobody."""
    from typer import rich_utils

    from streams.settings import Settings

    used = {plain_spaces(text) for _, text in texts(english)}
    used |= {plain_spaces(field.description or "") for field in Settings.model_fields.values()}
    used |= {getattr(rich_utils, word) for word in guide.WORDS} | {"Show this message and exit."}
    assert set(chinese()) - used == set()


def test_every_command_has_a_place_and_an_example(english: Any) -> None:
    """Help groups by what one wants to do, and shows one line that works."""
    commands = dict(walk(english))
    assert set(guide.EXAMPLES) == set(commands)
    placed = [name for names in guide.PANELS.values() for name in names]
    assert sorted(placed) == sorted(name for names in AREAS.values() for name in names)


@pytest.mark.parametrize("path", guide.EXAMPLES)
def test_every_example_can_be_parsed(path: str, english: Any) -> None:
    """An example of help names commands and options that there are, with values of their kinds."""
    words = shlex.split(guide.EXAMPLES[path])
    words = words[words.index("tocsin") + 1 :]
    words = words[: words.index(">")] if ">" in words else words
    if path == "replay run":
        words.insert(1, "run")
    parts = path.split()
    assert words[: len(parts)] == parts
    command: Any = dict(walk(english))[path]
    context = command.make_context(path, words[len(parts) :])
    assert set(context.params) >= {p.name for p in command.params if p.required}


def test_what_programs_want_is_json(english: Any) -> None:
    """Every command prints JSON on demand, but for those with a reason."""
    without = {path for path, command in walk(english) if not any("--json" in p.opts for p in command.params)}
    assert without == set(NO_JSON)


def exits() -> Iterator[tuple[str, int]]:
    """Every exit code in the source of the commands, with its place."""
    for path in sorted((ROOT / "console").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "_ended", "_end", "_stop"):
                for part in (inner for argument in node.args for inner in ast.walk(argument)):
                    value = getattr(part, "value", None) if isinstance(part, ast.Constant) else None
                    if isinstance(part, ast.Name):
                        value = getattr(module, part.id, None)
                    if isinstance(value, int) and not isinstance(value, bool):
                        yield f"{path.name}:{part.lineno}", value


def test_commands_end_with_documented_exit_codes_only() -> None:
    """Each exit code in the source stands in the one table that `tocsin help exits` shows."""
    found = list(exits())
    assert len(found) > 30
    assert [each for each in found if each[1] not in CODES.values()] == []


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    command = [sys.executable, "-m", "console.cli", *words]
    return subprocess.run(
        command, cwd=ROOT, env=kept | variables, capture_output=True, text=True, timeout=60, check=False
    )


def completed(line: str, **variables: str) -> list[str]:
    """What bash is offered at the end of the line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    script = "import sys; sys.argv = ['tocsin']; from console.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | words | {"_TOCSIN_COMPLETE": "complete_bash"} | variables,
    )  # fmt: skip
    return done.stdout.split()


def test_completion_sees_every_command_and_what_is_below(tmp_path: Path) -> None:
    """A shell is offered all commands though each is imported only when it is called, and subcommands and options."""
    assert set(completed("tocsin ")) == {name for names in AREAS.values() for name in names}
    assert completed("tocsin dead") == ["deadletters"]
    assert set(completed("tocsin deadletters ")) == {"list", "retry"}
    assert "--reason" in completed("tocsin deadletters list --r")
    assert completed("tocsin config preset fu") == ["fund-en"]
    assert "bank-run" in completed("tocsin rules explain bank-", TOCSIN_STATE_DIR=str(tmp_path))


def test_completion_is_silent_where_nothing_answers(tmp_path: Path) -> None:
    """Without engines a shell is offered no ids, and no word of what is wrong."""
    assert completed("tocsin alerts show ", TOCSIN_STATE_DIR=str(tmp_path)) == []


def test_a_fresh_installation_is_shown_the_first_steps(tmp_path: Path) -> None:
    """`tocsin` alone says what to do first, in both languages; later it shows the help."""
    for lang in LANGUAGES:
        shown = run(TOCSIN_STATE_DIR=str(tmp_path / "new"), TOCSIN_LANG=lang)
        assert shown.returncode == 0
        assert say("first.steps.demo.what", lang) in shown.stdout
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "engines.json").write_text("{}")
    assert "Usage: " in run(TOCSIN_STATE_DIR=str(tmp_path / "used"), TOCSIN_LANG="en").stdout


def test_help_speaks_chinese_where_the_user_does(tmp_path: Path) -> None:
    """Titles, commands, options and the option --help itself."""
    shown = run("alerts", "ack", "--help", TOCSIN_LANG="zh", TOCSIN_STATE_DIR=str(tmp_path)).stdout
    assert all(word in shown for word in ("确认一条告警", "显示本说明", "选项", "参数", "例："))
    assert "Show this message" not in shown
    assert all(
        say(f"help.panels.{panel}", "zh") in run("--help", TOCSIN_LANG="zh").stdout for panel in ("start", "look")
    )


def test_a_word_that_is_no_command_is_answered_with_one_that_is(tmp_path: Path) -> None:
    """A misspelt command is told with what was probably meant, and exit code 2."""
    done = run("statsu", TOCSIN_STATE_DIR=str(tmp_path), TOCSIN_LANG="en")
    assert done.returncode == 2
    assert "'status'" in done.stderr


def test_where_no_engine_runs_none_is_ended(tmp_path: Path) -> None:
    """Told as one JSON list, with nothing beside it."""
    done = run("down", "--json", TOCSIN_STATE_DIR=str(tmp_path))
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_the_exit_codes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a table for people and as JSON for programs, in both languages."""
    for lang in LANGUAGES:
        monkeypatch.setenv("TOCSIN_LANG", lang)
        told = json.loads(CliRunner().invoke(app, ["help", "exits", "--json"]).stdout)
        assert {int(code) for code in told} == set(CODES.values())
        assert all(say(f"first.exits.{name}") == told[str(code)] for name, code in CODES.items())
    assert CliRunner().invoke(app, ["help", "nowhere"]).exit_code == 2
    assert "--reason" in CliRunner().invoke(app, ["help", "deadletters", "list"]).stdout
