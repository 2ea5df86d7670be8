"""The reference of all settings and the commented example, made of `streams.settings`, so that they cannot rot."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from console.config.lines import OTHERS, Line, lines
from console.messages import say
from streams.settings import PREFIX, Settings

WIDTH: Final = 100  # characters of a line of comment
# The model's own defaults, whatever is set where the documents are made.
_NOTHING_SET: Final = Settings.model_construct()


def _grouped(lang: str) -> Iterator[tuple[str, list[Line]]]:
    for group, found in groupby(lines(_NOTHING_SET, lang), key=lambda line: line.group):
        yield group, list(found)


def markdown(lang: str) -> str:
    """The reference as a Markdown page: every setting with its default, what it takes and what it is for."""
    parts = [f"# {say('config.page.title', lang)}", "", say("config.page.how", lang), ""]
    head = " | ".join(say(f"config.page.{column}", lang) for column in ("setting", "default", "takes", "meaning"))
    for group, found in _grouped(lang):
        parts += [f"## {say(f'config.groups.{group}', lang)}", "", f"| {head} |", "|---|---|---|---|"]
        for line in found:
            cells = (f"`{line.variable}`", _code(line.default), _code(line.takes), line.description.replace("|", "\\|"))
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
    parts += [f"## {say('config.groups.others', lang)}", "", say("config.page.others", lang), ""]
    parts += [f"- `{PREFIX}{name}`: {say(f'config.others.{name}', lang)}" for name in OTHERS]
    return "\n".join(parts) + "\n"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`" if text else ""


def example(lang: str) -> str:
    """The commented example: a file for a shell or for `docker run --env-file`, in which nothing is set."""
    parts = [*_comment(say("config.example.head", lang))]
    for group, found in _grouped(lang):
        parts += ["", f"# ---- {say(f'config.groups.{group}', lang)}"]
        for line in found:
            told = f"{line.description} ({line.takes})" if line.takes else line.description
            parts += ["", *_comment(told), f"#{line.variable}={line.default}"]
    parts += ["", f"# ---- {say('config.groups.others', lang)}"]
    for name in OTHERS:
        parts += ["", *_comment(say(f"config.others.{name}", lang)), f"#{PREFIX}{name}="]
    return "\n".join(parts) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)]
