"""The search box: what is typed becomes a query, whatever it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.opinion.words import LONGEST, MOST, Words, parse, query, shown


@pytest.mark.parametrize(
    ("typed", "wanted", "unwanted"),
    [
        ("recall battery", ("recall", "battery"), ()),
        ("停牌 风险", ("停牌", "风险"), ()),
        ("停牌　风险", ("停牌", "风险"), ()),  # a full-width space
        ('"chief executive" resigns', ("chief executive", "resigns"), ()),
        ("“业绩 预告” 「立案 调查」", ("业绩 预告", "立案 调查"), ()),
        ("recall -battery －停牌", ("recall",), ("battery", "停牌")),
        ('-"price target"', (), ("price target",)),
        ("well-known co-op", ("well-known", "co-op"), ()),
        ("AT & T", ("AT", "T"), ()),
        ('"never closed', ("never closed",), ()),
        ("recall recall", ("recall",), ()),
        ("🔥 up", ("🔥", "up"), ()),
        ("--- !!! ()", (), ()),
    ],
)
def test_what_is_typed(typed: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> None:
    """Words, phrases in any quotes, and what is left out; punctuation says nothing."""
    assert parse(typed) == Words(wanted, unwanted, typed=True)


@given(st.text(max_size=2 * LONGEST))
def test_any_text_gives_a_query(typed: str) -> None:
    """Nothing that can be typed fails, grows without bound, or looks for what was not typed."""
    found = parse(typed)
    terms = found.wanted + found.unwanted
    assert len(terms) <= MOST
    assert all(part in typed.replace("\x00", " ") for term in terms for part in term.split())
    assert json.loads(json.dumps([query(found), shown(found)]))


@given(st.text(alphabet="!?.,;:()[]{}*+^~/\\&|<>=\"' \t-", max_size=50))
def test_punctuation_alone_finds_nothing(typed: str) -> None:
    """It would be odd to be shown everything for a row of stars."""
    expected = "match_none" if typed.strip() else "match_all"
    assert expected in query(parse(typed))


def test_nothing_typed_is_everything() -> None:
    """An empty box asks for all documents."""
    assert query(parse(" ")) == {"match_all": {}}
    assert shown(parse("-only")) is None
