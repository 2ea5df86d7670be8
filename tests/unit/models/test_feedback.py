"""From what people say about labels to training rows: folded, reviewed, written."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.feedback import (
    ACCEPT,
    COLUMNS,
    Correction,
    Mark,
    ReviewRefused,
    Text,
    accepted,
    as_jsonl,
    cell,
    fold,
    review,
    rows,
    usable,
)
from models.labels import SENTIMENTS

AT = datetime(2026, 3, 2, tzinfo=UTC)
ONE, TWO = "1" * 31 + "a", "2" * 31 + "b"
TEXTS = {
    ONE: Text("Halden plunges\non fraud probe", "en", "wire", True),
    TWO: Text("=cmd|' /C calc'!A0 远岭生物跌停", "zh", "@forum", True),
}


def mark(
    document: str = ONE, label: str = "negative", author: str = "p_a", minutes: int = 0, head: str = "sentiment",
    note: str = "",
) -> Mark:  # fmt: skip
    return Mark(document, head, label, "neutral", author, AT + timedelta(minutes=minutes), note)


def ticked(table: str, *numbers: int, word: str = "y", delimiter: str = "\t") -> str:
    """The table with these lines accepted, as a spreadsheet saves it."""
    lines = list(csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE))
    for number in numbers:
        lines[number][0] = word
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    return out.getvalue()


def test_the_last_word_of_an_author_counts() -> None:
    """By time, whatever the order on the topic; of one time, the later record."""
    (found,) = fold([mark(label="positive", minutes=5), mark(label="negative"), mark(label="neutral", minutes=5)])
    assert (found.label, found.authors, found.contradicted) == ("neutral", 1, False)


def test_authors_who_agree_are_one_line_and_those_who_do_not_are_several() -> None:
    """Every label that somebody holds is shown, with how many hold it."""
    marks = [
        mark(author="p_a", note="fraud"), mark(author="p_b", note="fraud"), mark(author="p_c", label="positive"),
        mark(TWO, author="p_a"), mark(TWO, author="p_b", minutes=3),
    ]  # fmt: skip
    found = fold(marks)
    assert [(c.document, c.label, c.authors, c.contradicted) for c in found] == [
        (ONE, "negative", 2, True),
        (ONE, "positive", 1, True),
        (TWO, "negative", 2, False),
    ]
    assert found[0].notes == ("fraud",)
    assert found[2].at == AT + timedelta(minutes=3)


marks_of = st.lists(
    st.builds(
        mark, st.sampled_from([ONE, TWO]), st.sampled_from(SENTIMENTS), st.sampled_from("abc"), st.integers(0, 3)
    ),
    max_size=30,
)


@given(marks_of)
def test_folding_again_changes_nothing(marks: list[Mark]) -> None:
    """Records that Kafka delivers twice do not count twice."""
    assert fold([*marks, *marks]) == fold(marks)


def test_what_may_not_be_learnt_from_is_counted_and_left_out() -> None:
    """A forbidding source, a document that is gone, a text that was not kept, a label of another version."""
    marks = [mark(ONE), mark(TWO), mark("gone"), mark("empty"), mark(ONE, "meme", head="topic")]
    texts = TEXTS | {TWO: Text("a", "zh", "forum", False), "empty": Text(" \n", "en", "wire", True)}
    found = usable(fold(marks), texts)
    assert [each.document for each in found.corrections] == [ONE]
    assert found.refused == {"may_not_train": 1, "no_document": 1, "no_text": 1, "unknown_label": 1}


@given(st.text())
def test_no_cell_is_a_formula_or_more_than_a_cell(value: str) -> None:
    """Whatever a text holds: no line break, no tab, nothing a spreadsheet runs or takes for a quotation."""
    made = cell(value)
    assert not made.startswith(("=", "+", "-", "@", '"', "\t", "\r"))
    assert len(made.splitlines()) <= 1
    assert "\t" not in made


def test_what_hides_or_turns_a_text_is_not_shown() -> None:
    """Terminal escapes, signs that turn the reading direction; wide signs that may begin a formula."""
    assert cell("x\x1b[2Jy\u202ez\u200b") == "x[2Jyz"
    assert cell("＝cmd|1") == "'＝cmd|1"
    assert len(cell("n" * 200_000)) < 2_000


def test_a_table_that_no_reader_takes_is_refused_with_its_line() -> None:
    """A cell beyond all measure is a fault of the file, not of the program."""
    table = review(fold([mark()]), TEXTS)
    before = csv.field_size_limit(1000)
    try:
        with pytest.raises(ReviewRefused, match="line 2"):
            accepted(table + "x" * 2_000 + "\n")
    finally:
        csv.field_size_limit(before)


def test_the_table_is_harmless_and_nothing_is_accepted_in_it() -> None:
    """A formula in a text is text; the table as written accepts no line."""
    table = review(fold([mark(), mark(TWO, note="+1 is wrong")]), TEXTS)
    lines = [line.split("\t") for line in table.splitlines()]
    assert tuple(lines[0]) == COLUMNS
    assert lines[2][-1].startswith("'=cmd")
    assert (lines[2][9], lines[2][10]) == ("'@forum", "'+1 is wrong")
    assert accepted(table) == set()


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("word", ["y", "Yes", " X ", "1", "是"])
def test_accepted_lines_become_rows(delimiter: str, word: str) -> None:
    """However the spreadsheet saves it; with the text as a model reads it, the label by name, and tier own."""
    found = fold([mark(), mark(TWO), mark(TWO, "trading_halt", head="risk")])
    table = "\ufeff" + ticked(review(found, TEXTS), 2, 3, word=word, delimiter=delimiter)
    made, gone = rows(found, TEXTS, accepted(table))
    assert gone == []
    assert made == [
        {
            "id": f"own-{TWO}", "text": "=cmd|' /C calc'!A0 远岭生物跌停", "lang": "zh", "tier": "own",
            "risk": "trading_halt", "sentiment": "negative",
        }
    ]  # fmt: skip
    assert [json.loads(line) for line in as_jsonl(made).splitlines()] == made


def test_a_quotation_mark_in_a_text_swallows_no_line() -> None:
    """A text that begins with one, and never closes it."""
    texts = {ONE: Text('"Halden is finished, they say', "en", "wire", True), TWO: TEXTS[TWO]}
    found = fold([mark(), mark(TWO)])
    table = review(found, texts).replace(f"\n\t{TWO}", f"\ny\t{TWO}")
    assert accepted(table) == {(TWO, "sentiment", "negative")}


def test_what_nobody_says_any_more_is_told_and_not_learnt() -> None:
    """The author changed the mark after the review, or the source now forbids training."""
    before = fold([mark()])
    table = ticked(review(before, TEXTS), 1)
    after = fold([mark(), mark(label="positive", minutes=9)])
    assert rows(after, TEXTS, accepted(table)) == ([], [(ONE, "sentiment", "negative")])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("document\thead\tcorrected\n", "no column accept?"),
        ("", "no column"),
        (f"{ACCEPT}\tdocument\thead\tcorrected\nmaybe\t{ONE}\tsentiment\tnegative\n", "line 2: 'maybe'"),
        (
            f"{ACCEPT}\tdocument\thead\tcorrected\ny\t{ONE}\trisk\tnone\ny\t{ONE}\trisk\trumour\n",
            "accept one of them",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(table: str, words: str) -> None:
    """The message names the line and what to do."""
    with pytest.raises(ReviewRefused, match=words.replace("?", r"\?")):
        accepted(table)


def test_a_correction_is_known_by_document_head_and_label() -> None:
    """That is what a line of the table is about."""
    assert Correction(ONE, "risk", "none", "", 1, False, AT, ()).key == (ONE, "risk", "none")
