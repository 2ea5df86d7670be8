"""Cards are cut where it hurts least, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.card import Block, Button, Card, Span
from alerts.delivery.channels.layout import ELLIPSIS, TITLE_LIMIT, Part, clean, graphemes, split


def size(part: Part) -> int:
    lines = [span.text for block in part.card.blocks for line in block.lines for span in line]
    buttons = [button.label + button.href for button in part.card.buttons]
    return sum(len(text.encode("utf-8", "replace")) for text in (part.title, *lines, *buttons))


def parts(card: Card, limit: int, mentions: bool = False) -> tuple[Part, ...]:
    return split(card, lambda part: size(part) <= limit, mentions=mentions)


def block(*lines: str) -> Block:
    return Block(tuple((Span(line),) for line in lines))


def texts(part: Part) -> list[list[str]]:
    return [["".join(span.text for span in line) for line in block.lines] for block in part.card.blocks]


BUTTON = Button("Show", "https://tocsin.example/")


def test_what_fits_is_one_part() -> None:
    """A small card keeps its title, its blocks and its buttons."""
    (part,) = parts(Card("Title", "info", (block("a", "b"),), (BUTTON,)), 1000)
    assert (part.title, texts(part), part.card.buttons) == ("Title", [["a", "b"]], (BUTTON,))


def test_blocks_are_kept_together_and_parts_are_numbered() -> None:
    """Between blocks first; the buttons stand on the last part, the mentions on the first."""
    card = Card("Title", "info", tuple(block(letter * 30, letter * 30) for letter in "abcd"), (BUTTON,))
    found = parts(card, 200, mentions=True)
    assert [part.title for part in found] == ["Title (1/2)", "Title (2/2)"]
    assert [texts(part) for part in found] == [[["a" * 30] * 2, ["b" * 30] * 2], [["c" * 30] * 2, ["d" * 30] * 2]]
    assert [part.card.buttons for part in found] == [(), (BUTTON,)]
    assert [part.mentions for part in found] == [True, False]


def test_a_block_too_long_is_cut_between_lines_then_within() -> None:
    """Lines stay whole while they can; a line longer than a part is cut between graphemes, its style kept."""
    family = "👩‍👩‍👧"
    card = Card(
        "T", "info", (Block(((Span("x" * 50),), (Span(family * 20, "mark", "https://a.example/"),), (Span("y"),))),)
    )
    found = parts(card, 120)
    assert texts(found[0])[0][0] == "x" * 50
    pieces = [span for part in found for b in part.card.blocks for line in b.lines for span in line]
    cut = [span for span in pieces if span.style == "mark"]
    assert "".join(span.text for span in cut) == family * 20
    assert all(len(span.text) % len(family) == 0 and span.href == "https://a.example/" for span in cut)


def test_a_long_title_is_told_in_full_by_the_first_block() -> None:
    """The title is cut, its text is not."""
    title = "Brightwater " * 20
    (part,) = parts(Card(title, "info", ()), 5000)
    assert part.title.endswith(ELLIPSIS)
    assert len(part.title) <= TITLE_LIMIT + 1
    assert texts(part)[0] == [title.strip()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u0301b", ["a\u0301", "b"]),
        ("👍🏽!", ["👍🏽", "!"]),
        ("🇨🇳🇭🇰", ["🇨🇳", "🇭🇰"]),
        ("👩‍👩‍👧", ["👩‍👩‍👧"]),
        ("1️⃣2", ["1️⃣", "2"]),
        ("한글", ["한", "글"]),
        ("a" + "\u0301" * 40, ["a" + "\u0301" * 15, "\u0301" * 16, "\u0301" * 9]),
        ("", []),
    ],
)
def test_graphemes_are_what_a_reader_sees(text: str, expected: list[str]) -> None:
    """Marks, skin tones, flags, joined emoji and Hangul letters stay together; endless marks do not."""
    assert graphemes(text) == expected


@given(st.lists(st.lists(st.text(max_size=80), max_size=4), max_size=6), st.text(max_size=20), st.integers(150, 400))
def test_nothing_is_lost_and_every_part_fits(blocks: list[list[str]], title: str, limit: int) -> None:
    """Whatever is written, the parts hold all of it, in order, and none is larger than the limit."""
    card = Card(title, "info", tuple(block(*lines) for lines in blocks))
    found = parts(card, limit)
    assert all(size(part) <= limit for part in found)
    assert [part.number for part in found] == list(range(1, len(found) + 1))
    told = "".join(line for part in found for lines in texts(part) for line in lines)
    assert told == "".join(line for lines in blocks for line in lines)


def test_clean_text_is_one_line_that_can_be_encoded() -> None:
    """Line breaks become blanks; control and direction characters and lone surrogates go."""
    assert clean("a\r\nb\u2028c\u202ed\x00e\ud800") == "a b cde?"
