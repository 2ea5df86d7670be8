"""A message as a person reads it, before any markup: plain spans that each channel escapes in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.records import Severity


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text from us or from outside; never markup. `href` is http(s) or empty."""

    text: str
    style: Literal["", "bold", "mark"] = ""  # mark: a word worth a look
    href: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: never torn apart when a message must be split, unless one alone is too long."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """A link with a word on it."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Card:
    """Title, colour and blocks, in one language."""

    title: str  # stands alone on a lock screen
    severity: Severity | Literal["resolved"]
    blocks: tuple[Block, ...]
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail: the same content as plain text and as HTML without anything loaded from elsewhere."""

    subject: str
    text: str
    html: str
