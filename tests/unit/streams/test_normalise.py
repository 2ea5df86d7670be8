"""Normalising: any text becomes plain, bounded and stable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.normalise import MARKS, clean, clean_line, clean_url

LIMIT = 5_000
PIECES = [
    *"<>&;/!-[]#x0123ab \n\t\"'=?é中",
    *"\u0301\u0344\u0315\u037e\u200b\u202e\ud800\u3000\u1fef\x00\x85",
    *("<script>", "</script>", "<p>", "&amp;", "&lt;", "<!--", "-->", "<![CDATA[", "]]>", "&#38;", "<b>", "&hellip"),
]
hostile = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("Profit  rises\t5%", "Profit rises 5%"),
        ("<p>One</p><p>Two<br/>Three</p>", "One\nTwo\nThree"),
        ("<b>Bold</b> and <a href='x'>linked</a>", "Bold and linked"),
        ("a<script>alert('<b>')</script>b", "ab"),
        ("a<STYLE>p{}</STYLE >b<!-- note -->c", "abc"),
        ("<script>never closed", ""),
        ("a <!-- never closed", "a never closed"),
        ("<![CDATA[A & B]]>", "A & B"),
        ("AT&amp;T up", "AT&T up"),
        ("&lt;p&gt;escaped twice&lt;/p&gt;", "escaped twice"),
        ("&amp;amp;amp; &#x4e2d;", "& 中"),
        ("P/E < 10 and ROE > 15", "P/E < 10 and ROE > 15"),
        ("margin <expected>", "margin <expected>"),
        ("$80<x and y>3", "$80<x and y>3"),
        ('<img src="x" onerror="alert(1)">text', "text"),
        ("<custom onload='x'>text</custom>", "text</custom>"),
        ("Gr\u0061\u0308fin cafe\u0301", "Gräfin café"),
        ("pay\u202eten\u202c now\u200b\u200d\ufeff", "payten now"),
        ("a\x00b\x1b[31mc\x9bd", "ab[31mcd"),
        ("full\u3000width\u00a0space", "full width space"),
        ("line\r\nnext\u2028last", "line\nnext\nlast"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("🏦 families 👨\u200d👩", "🏦 families 👨👩"),
        ("", ""),
        (" \n\t\u200b ", ""),
    ],
)
def test_a_text_becomes_plain(raw: str, plain: str) -> None:
    """Markup, invisible characters and odd spaces go; words, signs and letter case stay."""
    assert clean(raw, LIMIT) == (plain, False)


def test_a_line_has_no_breaks() -> None:
    """Titles come out on one line."""
    assert clean_line("One<br>Two\n\nThree", LIMIT) == ("One Two Three", False)


def test_too_long_a_text_is_cut_and_says_so() -> None:
    """The limit holds for what is kept, and the caller learns that something is missing."""
    assert clean("word " * 100, 9) == ("word word", True)
    assert clean("x" * 9, 9) == ("x" * 9, False)


def test_marks_piled_on_a_letter_are_bounded() -> None:
    """A hundred combining marks become a few, in linear time."""
    text, _ = clean("a" + "\u0315\u0301" * 100_000, LIMIT)
    assert sum(unicodedata.combining(char) > 0 for char in text) <= MARKS


@pytest.mark.parametrize(
    "raw",
    [
        "a" * 10_000_000,
        "<a " * 1_000_000,
        '<a "' * 1_000_000,
        "<!--" * 1_000_000,
        "<script>" * 1_000_000,
        "&amp;" * 1_000_000,
        "&" + "amp;" * 1_000_000,
        "&#" + "1" * 5_000 + ";",
        " " * 10_000_000,
        "\n " * 5_000_000,
        "\ud800" * 1_000_000,
    ],
    ids=["word", "tag", "quote", "comment", "script", "amp", "nested", "reference", "space", "lines", "surrogates"],
)
@pytest.mark.timeout(10)
def test_a_hostile_text_stays_bounded(raw: str) -> None:
    """Ten megabytes of anything give at most the limit, quickly and without an exception."""
    text, _ = clean(raw, LIMIT)
    assert len(text) <= LIMIT


@given(hostile | st.text(max_size=200), st.sampled_from([5, 50, LIMIT]))
def test_cleaning_again_changes_nothing(raw: str, limit: int) -> None:
    """A clean text is a fixed point, within the limit, and encodes as UTF-8."""
    for cleaner in (clean, clean_line):
        text, _ = cleaner(raw, limit)
        assert cleaner(text, limit) == (text, False)
        assert len(text) <= limit
        text.encode()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.com/a?b=1#c", "https://example.com/a?b=1#c"),
        ("HTTP://Example.com", "http://example.com"),
        ("https://user:pw@example.com/x", "https://example.com/x"),
        ("https://example.com/?token=s3cret&id=7", "https://example.com/?token=&id=7"),
        ("https://example.com/?phone=13800138000", "https://example.com/?phone="),
        ("https://example.com/?code=600519", "https://example.com/?code=600519"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        ("https://example.com/\n<script>", "https://example.com/script"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("//example.com/x", ""),
        ("https://", ""),
        ("https://[bad", ""),
        ("https://example.com:99999/", ""),
        ("not a url", ""),
        ("", ""),
    ],
)
def test_only_safe_addresses_stay(url: str, kept: str) -> None:
    """An address is http(s) without user, password and secrets, or it is dropped."""
    assert clean_url(url) == kept


@given(st.text(max_size=100) | st.text(max_size=60).map("https://".__add__))
def test_any_address_is_handled(url: str) -> None:
    """No address raises, and what stays is http(s) and stable."""
    kept = clean_url(url)
    assert kept == "" or kept.startswith(("http://", "https://"))
    assert clean_url(kept) == kept
