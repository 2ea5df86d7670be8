"""Cursors: a place is read as it was written, and nothing else is."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.opinion.places import LONGEST, NoCursor, read, write

AT = st.integers(0, 4_102_444_800_000)
IDS = st.from_regex("[0-9a-f]{32}", fullmatch=True)


@given(AT, IDS, st.floats(0, 1000))
def test_a_place_is_read_as_it_was_written(at: int, name: str, score: float) -> None:
    """Each order has a form of its own."""
    assert read("newest", write("newest", (at, name))) == [at, name]
    assert read("relevance", write("relevance", (score, at, name))) == [score, at, name]


@given(st.integers(0, 10**9), st.text(min_size=1, max_size=100))
def test_a_place_among_subjects(documents: int, subject: str) -> None:
    """Subjects may be called anything, and their places still fit into an address."""
    cursor = write("subjects", (1, documents, subject))
    if len(cursor) <= LONGEST:
        assert read("subjects", cursor) == [1, documents, subject]


@given(st.text(max_size=200))
def test_whatever_is_no_cursor_is_refused(text: str) -> None:
    """No text from outside becomes a search, or a fault."""
    with pytest.raises(NoCursor):
        read("newest", text)


@pytest.mark.parametrize(
    "place",
    [
        ["relevance", 1.0, 1, "0" * 32],
        ["newest", "1", "0" * 32],
        ["newest", -1, "0" * 32],
        ["newest", 10**30, "0" * 32],
        ["newest", 1, "0" * 31],
        ["newest", 1, {"$gt": ""}],
        ["newest", 1, "0" * 32, 1],
        ["newest", True, "0" * 32],
        {"newest": 1},
        [[[[[[]]]]]],
    ],
)
def test_a_cursor_of_another_form_is_refused(place: object) -> None:
    """The wrong order, type, size or number of values."""
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    with pytest.raises(NoCursor):
        read("newest", cursor)
