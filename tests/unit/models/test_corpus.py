"""The corpus written for this project: its form, its size, its variety."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corpus.check import MOST_NEAR, distinct, main, near_pairs, report
from models.corpus.texts import DIFFICULTIES, REGISTERS, CorpusFault, Text, parse, read
from models.labels import RISKS, SENTIMENTS, TOPICS

LINE = "negative\tlegal\tlitigation\theadline\tseveral\tAlder=negative;Birk=positive\tAlder loses its suit against Birk"


@pytest.fixture(scope="module")
def corpus() -> list[Text]:
    """All of it."""
    return read()


def test_a_line_becomes_a_text() -> None:
    """Seven columns; the id follows from language and text alone."""
    text = parse(LINE, "en", "here")
    assert (text.sentiment, text.hard, text.companies) == (
        "negative", ("several",), (("Alder", "negative"), ("Birk", "positive"))
    )  # fmt: skip
    assert text.id == parse(LINE.replace("negative\tlegal", "neutral\tmacro"), "en", "x").id
    assert text.id != parse(LINE, "zh", "x").id


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("negative\tlegal", "bad\tlegal", "sentiment 'bad'"),
        ("\tlegal", "\tlaw", "topic 'law'"),
        ("litigation", "suit", "risk 'suit'"),
        ("headline", "title", "register 'title'"),
        ("several", "several,odd", "hard 'odd'"),
        ("Alder=negative", "Alder", "name=sentiment"),
        ("Alder=negative", "Elder=negative", "does not stand in the text"),
        ("\tAlder loses its suit against Birk", "", "columns"),
        ("Alder loses its suit against Birk", " ", "does not stand|no text"),
    ],
)
def test_a_faulty_line_is_named(old: str, new: str, words: str) -> None:
    """The message gives the place, what is wrong and what would be right."""
    with pytest.raises(CorpusFault, match=f"^file:7: .*(?:{words})"):
        parse(LINE.replace(old, new), "en", "file:7")


@given(st.text())
def test_any_line_is_a_text_or_a_fault(line: str) -> None:
    """Nothing else comes out, whatever is in it."""
    with contextlib.suppress(CorpusFault):
        assert parse(line, "en", "x").text


def test_size_and_balance(corpus: list[Text]) -> None:
    """At least 3,000 Chinese and 1,500 English texts; every label, register and difficulty occurs in both languages."""
    counts = Counter(text.lang for text in corpus)
    assert counts["zh"] >= 3_000
    assert counts["en"] >= 1_500
    for lang in ("en", "zh"):
        part = [text for text in corpus if text.lang == lang]
        assert {text.register for text in part} == set(REGISTERS)
        assert {each for text in part for each in text.hard} == set(DIFFICULTIES)
        for name, labels, least in (("sentiment", SENTIMENTS, 300), ("topic", TOPICS, 25), ("risk", RISKS, 15)):
            found = Counter(getattr(text, name) for text in part)
            assert min(found[label] for label in labels) >= least, (lang, name, found)
        fates = [text for text in part if len({sentiment for _, sentiment in text.companies}) > 1]
        assert len(fates) >= 100


def test_variety(corpus: list[Text]) -> None:
    """Hardly a text resembles another, and the phrases are not those of a few templates."""
    assert len(near_pairs(corpus)) <= MOST_NEAR * len(corpus)
    assert len({text.id for text in corpus}) == len(corpus)
    english = [text.text for text in corpus if text.lang == "en"]
    chinese = [text.text for text in corpus if text.lang == "zh"]
    assert distinct(english, 3, words=True) > 0.9
    assert distinct(chinese, 3, words=False) > 0.7


def test_near_duplicates_are_found() -> None:
    """Another number or sign does not make another text."""
    lines = [LINE, LINE.replace("suit against", "2nd suit against"), LINE.replace("loses its suit", "buys the mill of")]
    texts = [parse(line, "en", "x") for line in lines]
    assert [(first.id, second.id) for first, second, _ in near_pairs(texts)] == [(texts[0].id, texts[1].id)]


def test_check_reports_and_fails_on_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints every fault with its place, and its exit code says whether there were any."""
    good, bad = tmp_path / "en-good.tsv", tmp_path / "en-bad.tsv"
    good.write_text(LINE + "\n\n", encoding="utf-8")
    bad.write_text(LINE.replace("headline", "title") + "\n" + "x\n", encoding="utf-8")
    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    said = capsys.readouterr().out
    assert "en-bad.tsv:1" in said
    assert "en-bad.tsv:2" in said
    assert report([parse(LINE, "en", "x")])[0].startswith("en: 1 texts")
