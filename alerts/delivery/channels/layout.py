"""A card cut into parts that a platform takes: between blocks, else between lines, else between graphemes.

Pure. Sizes are those of the finished request, which the caller measures; nothing of the text is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alerts.delivery.card import Block, Button, Card, Line, Span
from streams.plain import plain

TITLE_LIMIT: Final = 60  # graphemes of a title; a longer one is told in full by the first block
MOST_BUTTONS: Final = 6
LABEL_LIMIT: Final = 40  # graphemes of a button's word
WIDEST: Final = 999  # while parts are measured each is taken for number 999 of 999
JOINER: Final = "\u200d"
ELLIPSIS: Final = "…"
BLANKS: Final = re.compile(r"\s+")

Fits = Callable[["Part"], bool]


@dataclass(frozen=True, slots=True)
class Part:
    """One request's share of a card. Buttons stand on the last one, mentions on the first."""

    card: Card
    number: int
    of: int
    mentions: bool = False

    @property
    def title(self) -> str:
        """The card's title, numbered where there are several parts."""
        return f"{self.card.title} ({self.number}/{self.of})" if self.of > 1 else self.card.title


def clean(text: str) -> str:
    """One line of text that every encoding takes: no control or direction characters, no lone surrogates."""
    return plain(BLANKS.sub(" ", text)).encode("utf-8", "replace").decode("utf-8")


def split(card: Card, fits: Fits, *, mentions: bool = False) -> tuple[Part, ...]:
    """The card in as few parts as it takes. `fits` says whether a part is small enough to be sent."""
    card = _bounded(card)
    whole = Part(card, 1, 1, mentions)
    if fits(whole):
        return (whole,)

    def holds(*blocks: Block) -> bool:
        return fits(Part(replace(card, blocks=blocks), WIDEST, WIDEST, mentions))

    filled: list[list[Block]] = [[]]
    for block in card.blocks:
        for piece in _pieces(block, holds):
            if filled[-1] and not holds(*filled[-1], piece):
                filled.append([])
            filled[-1].append(piece)
    cards = [replace(card, blocks=tuple(blocks), buttons=()) for blocks in filled]
    cards[-1] = replace(cards[-1], buttons=card.buttons)
    return tuple(Part(c, n, len(cards), mentions and n == 1) for n, c in enumerate(cards, 1))


def _bounded(card: Card) -> Card:
    title = clean(card.title).strip()
    pieces = graphemes(title)
    buttons = tuple(Button("".join(graphemes(clean(b.label))[:LABEL_LIMIT]), b.href) for b in card.buttons)
    card = replace(card, title=title, buttons=buttons[:MOST_BUTTONS])
    if len(pieces) <= TITLE_LIMIT and len(title) <= 2 * TITLE_LIMIT:
        return card
    first = Block(((Span(title, "bold"),),))
    short = "".join(pieces[:TITLE_LIMIT])[: 2 * TITLE_LIMIT] + ELLIPSIS
    return replace(card, title=short, blocks=(first, *card.blocks))


def _pieces(block: Block, holds: Callable[..., bool]) -> Iterator[Block]:
    """The block whole where it fits alone, else in runs of lines, else with its long lines cut."""
    if holds(block):
        yield block
        return
    run: tuple[Line, ...] = ()
    for line in block.lines:
        for piece in _lines(line, lambda cut: holds(Block((cut,)))):
            if run and not holds(Block((*run, piece))):
                yield Block(run)
                run = ()
            run = (*run, piece)
    yield Block(run)


def _lines(line: Line, holds: Callable[[Line], bool]) -> Iterator[Line]:
    units = [(span, piece) for span in line for piece in graphemes(span.text)]
    while units:
        if holds(_joined(units)):
            yield _joined(units)
            return
        enough = _longest(units, holds)
        yield _joined(units[:enough])
        units = units[enough:]


def _longest(units: Sequence[tuple[Span, str]], holds: Callable[[Line], bool]) -> int:
    """How many graphemes from the start still fit; one at least, so that there is always progress."""
    low, high = 1, len(units)
    while low < high - 1:
        middle = (low + high) // 2
        if holds(_joined(units[:middle])):
            low = middle
        else:
            high = middle
    return low


def _joined(units: Sequence[tuple[Span, str]]) -> Line:
    spans: list[Span] = []
    last: Span | None = None
    for span, piece in units:
        if span is last:
            spans[-1] = replace(spans[-1], text=spans[-1].text + piece)
        else:
            spans.append(replace(span, text=piece))
            last = span
    return tuple(spans)


def graphemes(text: str) -> list[str]:
    """What a reader takes for one character each: the common rules of UAX #29 (marks, joiners, skin tones, flags,
    Hangul syllables written as letters). A cluster longer than 16 characters is none that anybody reads, and is cut."""
    found: list[str] = []
    for character in text:
        if found and len(found[-1]) < 16 and _belongs(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _belongs(before: str, character: str) -> bool:
    last, code = before[-1], ord(character)
    if last == JOINER or character == JOINER or unicodedata.category(character) in ("Mn", "Me", "Mc"):
        return True
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:  # skin tones; tags of flags
        return True
    if 0x1F1E6 <= code <= 0x1F1FF:  # flags are pairs
        return len(before) == 1 and 0x1F1E6 <= ord(last) <= 0x1F1FF
    return 0x1160 <= code <= 0x11FF and 0x1100 <= ord(last) <= 0x11FF
