"""`models.explain`: which words moved a verdict, for judges whose reasons are known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.explain import MOST, WIDTHS, Explanation, explain, log_odds, spans, split, without
from models.text import TARGET, prepare

BAD = {"plunge": 2.0, "fraud": 1.0, "not": 0.5}


def letters(text: str) -> list[tuple[int, int]]:
    """A tokenizer whose pieces are single characters."""
    return [(at, at + 1) for at in range(len(text))]


def odds(value: float) -> dict[str, float]:
    p = 1 / (1 + 2.718281828459045**-value)
    return {"negative": p, "neutral": 0.6 * (1 - p), "positive": 0.4 * (1 - p)}


class Judge:
    """Log-odds of negative: the sum of its words'."""

    def __init__(self, words: Mapping[str, float] = BAD, base: float = 0.5) -> None:
        self.words, self.base = words, base
        self.asked: list[Sequence[str]] = []

    def __call__(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.asked.append(texts)
        return [odds(self.base + sum(self.words.get(word, 0.0) for word in text.split())) for text in texts]


def by_word(found: Explanation) -> dict[str, float]:
    return {word.word: word.weight for word in found.words}


def test_words_weigh_what_they_move() -> None:
    """Where words add up, those that move the verdict stand out, in their order, and the others weigh little."""
    found = explain("shares of Halden plunge after a fraud probe on Monday", Judge(), letters)
    weights = by_word(found)
    assert found.label == "negative"
    assert sorted(weights, key=lambda word: -weights[word])[:2] == ["plunge", "fraud"]
    assert weights["plunge"] == pytest.approx(2.0 * (1 + 1 / 2 + 1 / 3) / 3, abs=0.35)
    assert weights["shares"] == 0
    assert found.text[slice(*found.strongest[0])] == "plunge"
    assert found.strongest[1] < found.probability


def test_words_that_speak_against_the_verdict_are_negative() -> None:
    """A word without which the verdict would be surer."""
    found = explain("plunge but recovery", Judge({"plunge": 2.0, "recovery": -1.0}), letters)
    weights = by_word(found)
    assert weights["plunge"] > 0 > weights["recovery"]
    assert found.towards > 0 > found.against


def test_words_that_say_the_same_twice_do_not_hide_each_other() -> None:
    """Either alone changes nothing; only the span of both does, and then both have weight."""

    def judge(texts: Sequence[str]) -> list[dict[str, float]]:
        return [odds(2.0 if re.search("fraud|scam", text) else -2.0) for text in texts]

    weights = by_word(explain("a fraud scam by them there", judge, letters))
    assert min(weights["fraud"], weights["scam"]) > 0.2


@given(st.text(max_size=400))
def test_words_are_parts_of_the_text(text: str) -> None:
    """Whatever it holds: each word stands where it is said to, they do not overlap, and all but spaces is covered."""
    places = split(text, letters)
    assert all(start < end for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    assert "".join(text[a:b] for a, b in places) == "".join(text.split())


def test_chinese_is_cut_by_the_pieces_and_latin_words_stay_whole() -> None:
    """Chinese characters go together as the tokenizer takes them; iPhone, 30% and an English clause are not cut."""
    text = "苹果iPhone销量下降30%，shares fell"
    at = {"苹果": 2, "iPh": 3, "one": 3, "销量": 2, "下降": 2, "3": 1, "0%": 2, "，": 1, "shares": 6}

    def pieces(chunk: str) -> list[tuple[int, int]]:
        found, start = [], 0
        for width in at.values():
            found.append((start, start + width))
            start += width
        return found

    assert [text[a:b] for a, b in split(text, pieces)] == [
        "苹果", "iPhone", "销量", "下降", "30%", "，", "shares", "fell",
    ]  # fmt: skip


@given(st.integers(0, 300))
def test_the_number_of_texts_is_bounded(words: int) -> None:
    """One call of at most 3 times MOST texts and the whole one, however long the text is."""
    judge = Judge()
    found = explain(" ".join(f"w{n}" for n in range(words)), judge, letters)
    (asked,) = judge.asked
    assert len(asked) <= 1 + len(WIDTHS) * MOST
    assert (found.count, len(found.words)) == (words, min(words, MOST))


def test_the_company_asked_about_is_never_left_out() -> None:
    """Every shortened form still asks about it."""
    judge = Judge()
    found = explain(f"{TARGET} beats Birk , whose shares plunge", judge, letters)
    assert all(TARGET in text for text in judge.asked[0])
    assert TARGET not in by_word(found)


@given(st.text(alphabet="ab 中", max_size=40), st.data())
def test_a_shortened_text_stays_prepared(raw: str, data: st.DataObject) -> None:
    """Leaving a word out makes no double spaces within."""
    text = prepare(raw)
    places = split(text, letters)
    if places:
        start, end = data.draw(st.sampled_from(places))
        assert "  " not in without(text, start, end)


def test_the_same_text_gives_the_same_explanation() -> None:
    """Nothing is drawn by chance."""
    first, second = (explain("shares plunge after fraud", Judge(), letters) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("text", ["plunge", ""])
def test_a_text_of_one_word_or_none(text: str) -> None:
    """The word is left out and nothing remains; of nothing nothing is said."""
    found = explain(text, Judge(), letters)
    assert [word.word for word in found.words] == text.split()


def test_log_odds_are_finite() -> None:
    """Also of what the model calls certain."""
    assert [log_odds(1.0), log_odds(0.0)] == pytest.approx([9.21, -9.21], abs=0.01)


def test_spans_leave_something_of_the_text() -> None:
    """A span is never the whole text, unless that is one word."""
    assert spans(1) == [(0, 1)]
    assert spans(2) == [(0, 1), (1, 1)]
    assert (0, 3) not in spans(3)
