"""Words worth a look in a headline."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.highlights import LANGUAGES, MOST, highlights, words
from models.labels import RISKS


def found(headline: str, lang: str, *names: str) -> list[str]:
    return [headline[start:end] for start, end in highlights(headline, lang, names)]


@pytest.mark.parametrize(
    ("headline", "lang", "expected"),
    [
        ("Corvane RECALLS 40,000 heaters over a fire risk", "en", ["RECALLS", "fire", "risk"]),
        ("Class actions follow Corvane's profit warning", "en", ["Class actions", "profit warning"]),
        ("Firewall maker wins defaulted-bond auction", "en", ["defaulted"]),
        ("Corvane opens a second plant in Porto", "en", []),
        ("远岭生物涉嫌财务造假被立案调查", "zh", ["涉嫌", "财务造假", "立案", "调查"]),
        ("遠嶺生物財務造假", "zh", ["財務造假"]),
        ("*ST禾川股票可能被终止上市", "zh", ["*ST", "终止上市"]),
        ("BEST禾川二期厂房投产", "zh", []),
    ],
)
def test_words_of_the_list_are_found(headline: str, lang: str, expected: list[str]) -> None:
    """Whole words in any case and either Chinese script; the longest at a place."""
    assert found(headline, lang) == expected


def test_a_name_covers_the_words_inside_it() -> None:
    """A strike at Strike Energy is one; its name is marked as a name and no more."""
    assert found("Strike Energy hit by strike", "en") == ["Strike", "strike"]
    assert found("Strike Energy hit by strike", "en", "Strike Energy") == ["Strike Energy", "strike"]
    assert found("Corvane strikes gold", "fr", "Corvane") == ["Corvane"]
    assert found("Corvanesque", "en", "Corvane") == []


def test_words_come_before_names_when_there_are_too_many() -> None:
    """At most six places; a name gives way to words."""
    headline = "Corvane: fraud, default, recall, outage, strike, boycott, fire"
    assert found(headline, "en", "Corvane") == ["fraud", "default", "recall", "outage", "strike", "boycott"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_risk_has_its_words(lang: str) -> None:
    """Twelve at least for each kind and for bad tone, none twice, all found where they stand alone."""
    listed = words(lang)
    assert set(listed) == (set(RISKS) - {"none"}) | {"negative"}
    assert all(len(forms) >= 12 for forms in listed.values())
    for form in {form for forms in listed.values() for form in forms}:
        assert found(form, lang), form


@given(st.text(max_size=80), st.sampled_from([*LANGUAGES, "", "ja"]), st.lists(st.text(max_size=5), max_size=3))
def test_places_are_always_sound(headline: str, lang: str, names: list[str]) -> None:
    """Whatever the headline: in order, apart, inside it, few, and the same each time."""
    places = highlights(headline, lang, names)
    assert len(places) <= MOST
    assert all(0 <= start < end <= len(headline) for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    assert places == highlights(headline, lang, names)


@given(st.lists(st.sampled_from(sorted(words("en")["product_safety"])), min_size=1, max_size=4), st.booleans())
def test_a_listed_word_is_found_among_others(chosen: list[str], upper: bool) -> None:
    """Words of the list set apart by blanks are all marked, whatever their case."""
    text = " zzz ".join(chosen)
    text = text.upper() if upper else text
    assert [word.lower() for word in found(text, "en")] == chosen
