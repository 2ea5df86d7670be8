"""Documents as they are shown: segments of plain text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.opinion.documents import EXCERPT, beginning, headline_of, marks, safe_url, segments

NONCE = "0123456789abcdef"
PARTS = st.lists(st.tuples(st.text(max_size=20), st.booleans()), max_size=8)


@given(PARTS)
def test_segments_say_what_the_text_says(parts: list[tuple[str, bool]]) -> None:
    """Whatever a text holds, markup and odd characters included, comes out as it is, only its lines joined."""
    before, after = marks(NONCE)
    text = "".join(f"{before}{text}{after}" if hit else text for text, hit in parts)
    found = segments([text], NONCE)
    assert "".join(text for text, _ in found) == "".join(text for text, _ in parts).replace("\n", " ")
    assert all(a[1] != b[1] for a, b in pairwise(found))


def test_neighbouring_characters_are_one_hit() -> None:
    """The index cuts Chinese into characters; a reader sees a word."""
    before, after = marks(NONCE)
    assert segments([f"{before}停{after}{before}牌{after}核查"], NONCE) == [("停牌", True), ("核查", False)]


def test_a_text_cannot_mark_itself() -> None:
    """Marks of another search, or private-use characters in a text, are text."""
    before, after = marks("guessed")
    assert [hit for _, hit in segments([f"{before}buy{after}\ue000"], NONCE)] == [False]


def test_fragments_are_told_apart() -> None:
    """Between two places of a text stands an ellipsis."""
    assert segments(["one", "two"], NONCE) == [("one … two", False)]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//host", "ftp://host", "", None, 7])
def test_only_web_addresses_lead_anywhere(url: object) -> None:
    """Anything else is no address."""
    assert safe_url(url) == ""
    assert safe_url("https://wire.example/a") == "https://wire.example/a"


@given(st.text(max_size=3000))
def test_a_beginning_is_short_and_one_line(text: str) -> None:
    """A body of any length takes little room."""
    assert all(len(part) <= EXCERPT and "\n" not in part for part, _ in beginning(text))
    assert len(headline_of("", text)) <= 200
