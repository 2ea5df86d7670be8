"""What must not pass to a terminal, and that nothing prints text from outside by a way of its own."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a[2Jb"),
        ("a\x9b2Jb", "a2Jb"),
        ("one\r\ntwo\u2028three\u2029", "onetwothree"),
        ("\u202egnp.exe\u2066\u061c\u200f", "gnp.exe"),
        ("昆砾 ½ é 👩‍💻", "昆砾 ½ é 👩‍💻"),
    ],
)
def test_what_would_act_is_gone(text: str, shown: str) -> None:
    """Escapes, line breaks of every kind and marks of direction go; letters of every script stay."""
    assert plain(text) == shown


@given(st.text())
def test_any_text(text: str) -> None:
    """No control character and no separator of lines is left, whatever comes; the cut is exact."""
    assert not {unicodedata.category(c) for c in plain(text)} & {"Cc", "Zl", "Zp"}
    assert plain(text, 5) == plain(text)[:5]
