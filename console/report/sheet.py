"""A report as it is read, before any markup: sections of lines, tables and charts. Every format is made of this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

from alerts.delivery.card import Line, Span


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph."""

    line: Line
    role: Literal["", "lead", "quiet", "warning"] = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list: its first line stands out by itself, the others explain it."""

    lines: tuple[Line, ...]
    tone: Literal["", "info", "warning", "critical"] = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `numbered` where the order is a rank."""

    items: tuple[Item, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; columns in `numbers` stand to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    numbers: frozenset[int] = frozenset()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, its caption, the meaning of its marks (class and word), and the same in words."""

    drawing: Markup
    caption: str
    told: str
    keys: tuple[tuple[str, str], ...] = ()


Part = Text | Items | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    id: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole. `demo`: what must be said first, where data are invented."""

    lang: str
    title: str
    about: tuple[Line, ...]
    sections: tuple[Section, ...]
    demo: str = ""
    warnings: tuple[str, ...] = field(default=())


def plain_line(text: str) -> Line:
    """A line of text without links."""
    return (Span(text),)


def bold_line(text: str) -> Line:
    """A line that stands out."""
    return (Span(text, "bold"),)


def words_of(line: Line) -> str:
    """What a line says."""
    return "".join(span.text for span in line)
