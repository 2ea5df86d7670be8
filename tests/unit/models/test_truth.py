"""Labelled files, understood by the words in them."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from models.data import CORPUS, corpus_rows
from models.labels import CCKS_RISKS, HEADS, RISKS, SENTIMENTS, TOPIC_SOURCES, TOPICS
from models.tables import TableRefused
from models.text import TARGET
from models.truth import WHOLE, WORDS, TruthRefused, corpus_truth, head_of, read_file, read_folder, read_paths


def write(path: Path, *rows: dict[str, object]) -> Path:
    """A JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_every_word_belongs_to_one_head() -> None:
    """So the head of a file cannot be mistaken; every label of ours is known."""
    for one, other in combinations(WORDS.values(), 2):
        assert not one.keys() & other.keys()
    for head, names in HEADS.items():
        assert [WORDS[head][name] for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    ("words", "head"),
    [
        (["negative", "positive"], "sentiment"),
        (["non-negative", "negative"], "sentiment"),
        (["利空", "中性", "利好"], "sentiment"),
        ([name.casefold() for name in TOPIC_SOURCES.values()], "topic"),
        (list(TOPICS), "topic"),
        (list(CCKS_RISKS), "risk"),
        (list(RISKS), "risk"),
    ],
)
def test_labels_name_the_head(words: list[str], head: str) -> None:
    """Names of ours, of the Twitter topics and of the CCKS events alike."""
    assert head_of(words) == head


def test_strange_labels_are_named_with_the_known_ones() -> None:
    """The message tells what the nearest head lacks."""
    with pytest.raises(TruthRefused, match=r"of sentiment, not known: great\. Known: negative, neutral, positive"):
        head_of(["great", "negative"])


def test_rows_take_what_the_file_says_and_default_the_rest(tmp_path: Path) -> None:
    """A CSV with two columns is enough: the set is named after the file, the language is seen from the text."""
    path = tmp_path / "desk.csv"
    path.write_text("text,label\nProfit &amp; sales rise,Positive\n公司亏损扩大,negative\n", encoding="utf-8")
    first, second = read_file(path).rows
    assert (first.text, first.dataset, first.lang, first.tier) == ("Profit & sales rise", "desk", "en", "own")
    assert first.labels == {"sentiment": SENTIMENTS.index("positive")}
    assert second.lang == "zh"
    [full] = read_file(
        write(tmp_path / "b.jsonl", {"id": 7, "text": "x", "label": "IPO", "lang": "en-US", "dataset": "d", "tier": "A",
                                     "register": "flash"})
    ).rows  # fmt: skip
    assert (full.id, full.lang, full.dataset, full.tier, full.register) == ("7", "en", "d", "A", "flash")
    assert full.labels == {"topic": TOPICS.index("ipo")}


def test_columns_named_as_heads_are_labels_too(tmp_path: Path) -> None:
    """A row may answer several questions, another only one of them."""
    path = write(
        tmp_path / "own.jsonl",
        {"text": "a", "sentiment": "neutral", "risk": "none"},
        {"text": "b", "sentiment": "negative", "risk": None},
    )
    assert [dict(row.labels) for row in read_file(path).rows] == [{"sentiment": 1, "risk": 0}, {"sentiment": 0}]


def test_risk_is_asked_about_the_company(tmp_path: Path) -> None:
    """The name is hidden in the text, as when the worker asks."""
    path = write(tmp_path / "e.jsonl", {"text": "甲方重组终止", "label": "重组失败", "entity": "甲方"})
    [row] = read_file(path).rows
    assert (row.text, row.labels) == (f"{TARGET}重组终止", {"risk": RISKS.index("failed_deal")})


def test_sentiment_of_a_company_is_measured_both_ways(tmp_path: Path) -> None:
    """Asked about the company, and about the whole text under a second name; a name that is not there marks nothing."""
    path = write(
        tmp_path / "s.jsonl",
        {"text": "Aldo gains, Bemo falls", "label": "positive", "entity": "Aldo", "dataset": "d"},
        {"text": "Aldo gains, Bemo falls", "label": "negative", "entity": "Bemo", "dataset": "d"},
        {"text": "Markets quiet", "label": "neutral", "entity": "Cid", "dataset": "d"},
    )
    cases = read_file(path).cases
    assert [case.row.text for case in cases[:3]] == [
        f"{TARGET} gains, Bemo falls", f"Aldo gains, {TARGET} falls", "Markets quiet",
    ]  # fmt: skip
    assert [case.row.text for case in cases[3:]] == ["Aldo gains, Bemo falls"] * 2 + ["Markets quiet"]
    assert {case.row.dataset for case in cases[3:]} == {"d" + WHOLE}
    assert [case.names for case in cases[:3]] == [("Aldo",), ("Bemo",), ()]


def test_negative_or_not_is_remembered(tmp_path: Path) -> None:
    """Such a set is measured by another rule."""
    path = write(tmp_path / "n.jsonl", {"text": "a", "label": "non-negative"}, {"text": "b", "label": "negative"})
    truth = read_file(path)
    assert truth.coarse == {"n"}
    assert [row.labels["sentiment"] for row in truth.rows] == [1, 0]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"label": "negative"}, r"f\.jsonl:1: a row needs a column `text`"),
        ({"text": "a"}, r"f\.jsonl:1: a row needs `label`, or one of sentiment, topic, risk"),
        ({"text": "a", "label": ["x", "y"]}, r"f\.jsonl:1: label is \['x', 'y'\]; one word"),
        ({"text": "a", "label": "splendid"}, r"f\.jsonl: no head has these labels"),
    ],
)
def test_broken_file_is_refused_with_its_place(tmp_path: Path, row: dict[str, object], fault: str) -> None:
    """A file that was named must be understood."""
    with pytest.raises(TruthRefused, match=fault):
        read_paths([write(tmp_path / "f.jsonl", row)])
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(TruthRefused, match="has no rows"):
        read_file(tmp_path / "empty.jsonl")
    with pytest.raises(TableRefused):
        read_file(tmp_path / "absent.jsonl")


def test_folder_gives_its_dev_parts_and_tells_what_it_left_out(tmp_path: Path) -> None:
    """Training parts are not measured on; a file of other labels is listed, without the folder's place."""
    write(tmp_path / "labelled" / "a.train.jsonl", {"text": "learnt", "label": "negative"})
    write(tmp_path / "labelled" / "a.dev.jsonl", {"text": "held", "label": "negative"})
    write(tmp_path / "labelled" / "b.dev.jsonl", {"text": "other", "label": "sport"})
    truth = read_folder(tmp_path)
    assert [row.text for row in truth.rows] == ["held"]
    assert truth.origins == {"a": tmp_path / "labelled" / "a.dev.jsonl"}
    assert len(truth.skipped) == 1
    assert truth.skipped[0].startswith("b.dev.jsonl: no head")
    (tmp_path / "labelled" / "a.dev.jsonl").unlink()
    with pytest.raises(TruthRefused, match="no labelled file"):
        read_folder(tmp_path)


def test_what_no_model_judges_is_counted(tmp_path: Path) -> None:
    """Another language, or nothing left of the text."""
    path = write(
        tmp_path / "m.jsonl",
        {"text": "bonne nouvelle", "label": "positive", "lang": "fr"},
        {"text": " ", "label": "neutral"},
        {"text": "fine", "label": "positive"},
    )
    truth = read_file(path).within(["en", "zh"])
    assert [row.text for row in truth.rows] == ["fine"]
    assert truth.skipped == ["m: language 'fr', no model (rows: 1)", "m: no text (rows: 1)"]


def test_held_out_corpus_comes_with_its_companies() -> None:
    """As the training reads it, and nothing else."""
    truth = corpus_truth()
    assert truth.rows == corpus_rows("dev")
    named = [case for case in truth.cases if case.names]
    assert len(named) > 200
    assert all(case.row.dataset == CORPUS and case.names[0] in case.row.text for case in named)
