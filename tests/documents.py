"""The documents of the project as tests read them: their blocks, commands and headings."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from console.cli import AREAS
from console.replay.group import RUN
from console.replay.group import Commands as ReplayCommands

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
DOCS: Final = ROOT / "docs"
README, README_ZH = ROOT / "README.md", ROOT / "README.zh-CN.md"
MEASURED, MEASURED_ZH = DOCS / "measured.md", DOCS / "measured.zh-CN.md"
ALERTS, STREAMS = ROOT / "alerts" / "README.md", ROOT / "streams" / "README.md"
DELIVERY, COMMANDS = ROOT / "alerts" / "delivery" / "README.md", ROOT / "console" / "README.md"
EVALUATION, REPLAY = ROOT / "alerts" / "evaluation" / "README.md", ROOT / "console" / "replay" / "README.md"
PROGRAMS: Final = r"tocsin|sudo|cd|sh|python|pip|make|curl|kill|chmod|journalctl|\."  # that commands begin with


def program() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer()
    for area in AREAS:
        importlib.import_module(area).register(app)
    return app


def relative(path: object) -> str:
    """How a test is named after a document."""
    return str(path.relative_to(ROOT)) if isinstance(path, Path) else str(path)


def read(path: Path) -> str:
    """The text of a document."""
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(path), re.S | re.M)


def named(path: Path, first: str) -> str:
    """The block that begins with this comment."""
    return next(block for block in blocks(path, "yaml") if block.startswith(f"# {first}\n"))


def anchors(path: Path) -> set[str]:
    """What links may name in a document, as its headings make them."""
    heads = re.findall(r"^#+ (.*)$", read(path), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def links(path: Path) -> list[str]:
    """Targets within the project, pictures too."""
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", read(path))


def shown(path: Path) -> list[str]:
    """Everything in code that may be a command: a few words within a line, or a line of a block."""
    text = read(path)
    return [
        *re.findall(r"`([^`\n]+)`", text),
        *(line for language in ("sh", "ini") for block in blocks(path, language) for line in block.splitlines()),
    ]


def inline(path: Path) -> list[str]:
    """Commands that stand within the text: code that begins with the name of a program, each once."""
    text = re.sub(r"^```.*?^```", "", read(path), flags=re.S | re.M)
    return list(dict.fromkeys(re.findall(rf"`((?:{PROGRAMS}) [^`\n]+)`", text)))


def commands(path: Path) -> Iterator[list[str]]:
    """The words of every `tocsin …` that the document shows: in code, and at the start of a command."""
    for line in shown(path):
        for found in re.findall(r"(?:^|[|(;=]\s*|(?<! -u)\s|bin/)tocsin((?: [^|)#&;>]+)?)", line.split("  #")[0]):
            yield found.split()


def unknown(words: list[str], program: Any) -> str:
    """What of a command line the program does not have; empty when it has everything."""
    command, options = program, set()
    for word in words:
        if word.startswith("--"):
            options.add(word.partition("=")[0])
        elif hasattr(command, "commands"):
            if isinstance(command, ReplayCommands) and word not in command.commands:
                command = command.commands[RUN]  # the word is a source
                continue
            if "|" in words or not re.fullmatch(r"[a-z]+", word):
                break
            if word not in command.commands:
                return word
            command = command.commands[word]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return ", ".join(sorted(options - known - {"--help", "--version"}))
