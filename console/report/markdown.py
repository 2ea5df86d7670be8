"""The sheet as Markdown: for a wiki, a ticket, a repository. Text from outside stays text.

Markdown has an escape for every sign that means something, which CommonMark keeps; line breaks within a text are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from alerts.delivery.card import Line, Span
from alerts.delivery.channels.markup import target, unlinked
from alerts.delivery.phrases import cut
from console.report.sheet import Chart, Items, Part, Sheet, Table, Text, words_of

SIGNS: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$@])")
OPENING: Final = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)")
LONGEST: Final = 2000


def markdown(sheet: Sheet) -> str:
    """The same sheet always gives the same text."""
    blocks = [f"# {_text(sheet.title)}"]
    if sheet.demo:
        blocks.append(f"> **{_text(sheet.demo)}**")
    blocks += [_line(line) for line in sheet.about]
    blocks += [f"> **{_text(warning)}**" for warning in sheet.warnings]
    for section in sheet.sections:
        blocks.append(f"## {_text(section.title)}")
        blocks += [block for part in section.parts for block in _part(part)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _part(part: Part) -> Iterator[str]:
    match part:
        case Text():
            yield _line(part.line)
        case Items():
            yield "\n".join(_items(part))
        case Table():
            if part.caption:
                yield f"**{_text(part.caption)}**"
            yield "\n".join(_table(part))
        case Chart():
            yield f"**{_text(part.caption)}.** {_text(part.told)}"


def _items(part: Items) -> Iterator[str]:
    for number, item in enumerate(part.items, 1):
        sign = f"{number}. " if part.numbered else "- "
        lines = [_line(line) for line in item.lines]
        yield sign + lines[0] + ("  " if lines[1:] else "")
        for n, line in enumerate(lines[1:], 2):
            yield " " * len(sign) + line + ("  " if n < len(lines) else "")


def _table(part: Table) -> Iterator[str]:
    yield f"| {' | '.join(_text(column) for column in part.columns)} |"
    yield "|" + "|".join("---:" if n in part.numbers else "---" for n in range(len(part.columns))) + "|"
    for row in part.rows:
        yield f"| {' | '.join(_line(cell) for cell in row)} |"


def _line(line: Line) -> str:
    return OPENING.sub(r"\1\\\2", "".join(_span(span) for span in line)) if words_of(line) else ""


def _span(span: Span) -> str:
    said = _text(span.text)
    core = said.strip()
    if span.style == "bold" and core:
        said = said.replace(core, f"**{core}**", 1)
    href = target(span.href) if span.href else ""
    return f"[{said}]({href})" if href and core else said


def _text(text: str) -> str:
    """The text on one line, every sign that means something escaped; its own blanks at the ends are kept."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    escaped = SIGNS.sub(r"\\\1", unlinked(cut(text, LONGEST)))
    return escaped if not text.strip() else f"{' ' if before else ''}{escaped}{' ' if after else ''}"
