"""A desk's own rows, and what is said about them before anything learns."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import own_data
from models.data import Row, licence_of
from models.labels import SENTIMENTS, TOPICS
from models.own_data import OwnRowsRefused, look_through, read, reading
from models.tables import TableRefused, read_table
from models.text import TARGET

PLAIN = reading((), (), "own")


def file(folder: Path, text: str, name: str = "desk.csv") -> Path:
    """A file of the user's."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def findings(own: own_data.Own, others: Any = (), dev: Any = ()) -> dict[str, own_data.Finding]:
    """What is found, by kind."""
    return {each.kind: each for each in look_through(own, others, dev, lambda text: len(text) > 200)}


def test_columns_and_words_are_mapped(tmp_path: Path) -> None:
    """A file in its own words is read in ours; spreadsheets' byte order marks and line breaks in cells do no harm."""
    path = file(tmp_path, '\ufeffBody,Tone,Firm,part\n"up\n&amp; away, Corvane",GOOD,Corvane,train\nmeh,,,dev\n')
    how = reading(("text=Body", "sentiment=Tone", "company=Firm"), ("sentiment:good=positive",), "own")
    own = read([path], [], how)
    [row], [held] = own.train, own.dev
    assert (row.id, row.text) == (f"{path}:3", f"up & away, {TARGET}")
    assert row.labels == {"sentiment": SENTIMENTS.index("positive")}
    assert (row.dataset, row.tier, row.lang) == ("desk", "own", "en")
    assert (held.labels, own.findings) == ({}, [])


def test_jsonl_may_lack_keys_and_be_compressed(tmp_path: Path) -> None:
    """Only the text must be there; a language is found where none is stated."""
    path = tmp_path / "desk.jsonl.gz"
    lines = [
        {"text": "禾川控股预计亏损", "topic": "earnings", "part": "train"},
        {"text": "up", "lang": "zh", "part": "train"},
    ]
    path.write_bytes(gzip.compress("\n\n".join(json.dumps(line) for line in lines).encode()))
    rows = read([path], [], PLAIN).train
    assert [(row.lang, dict(row.labels)) for row in rows] == [("zh", {"topic": TOPICS.index("earnings")}), ("zh", {})]


def test_unknown_labels_are_told_with_line_and_nearest_word(tmp_path: Path) -> None:
    """The one who mends the file knows where and how; nothing is learnt until then."""
    own = read([file(tmp_path, "text,sentiment\na,positive\nb,positiv\nc,xyzzy\n")], [], PLAIN)
    found = findings(own)["unknown_label"]
    assert found.stops
    assert found.count == 2
    assert "desk.csv:3" in found.examples[0]
    assert "did you mean positive?" in found.examples[0]
    assert "negative, neutral, positive" in found.examples[1]


def test_a_word_may_mean_no_label(tmp_path: Path) -> None:
    """Mapped to nothing, it is no fault and no label."""
    path = file(tmp_path, "text,sentiment\na,unclear\n")
    own = read([path], [], reading((), ("sentiment:Unclear=",), "own"))
    assert findings(own).keys() == {"unlabelled"}


def test_every_problem_is_found(tmp_path: Path) -> None:
    """Within the file, against the other rows, across learning and measuring."""
    long = "Corvane expects a loss in its northern division and closes two plants there by spring"
    text = "\n".join(
        [
            "text,sentiment,part",
            "same,positive,train", "SAME,positive,train", "both,positive,train", "both,negative,train",
            "leak,neutral,train", "leak,neutral,dev", "known,neutral,train", "held,neutral,train", ",neutral,train",
            f"{long} {long} {long},negative,train",
            f"{long},negative,train", f"{long} indeed,negative,dev", "x,neutral,middle",
        ]
    )  # fmt: skip
    others = [Row("o1", "known", {"sentiment": 2}, "set", "A", "en")]
    dev = [Row("d1", "Held", {"sentiment": 1}, "set", "A", "en")]
    found = findings(read([file(tmp_path, text + "\n")], [], PLAIN), others, dev)
    assert found["repeated"].examples == (f"sentiment: {tmp_path}/desk.csv:2 = {tmp_path}/desk.csv:3",)
    assert found["conflicting"].count == 2
    assert found["leaked"].count == 2
    assert found["empty"].count == 1
    assert found["overlong"].examples == (f"{tmp_path}/desk.csv:11",)
    assert found["near_across"].count == 1
    assert found["unknown_part"].stops
    assert [kind for kind, each in found.items() if each.stops] == ["unknown_part"]


def test_imbalance_and_rare_labels_are_told(tmp_path: Path) -> None:
    """Labels with hardly a row, and one that outnumbers another by far."""
    lines = [f"text {at} of its own kind {at * 7919},{'positive' if at else 'negative'},train" for at in range(300)]
    found = findings(read([file(tmp_path, "text,sentiment,part\n" + "\n".join(lines))], [], PLAIN))
    assert found["few"].examples == ("sentiment negative: 1", "sentiment neutral: 0")
    assert found["imbalance"].examples == ("sentiment: positive 299, negative 1",)


def test_rows_in_other_languages_are_left_out_aloud(tmp_path: Path) -> None:
    """They are counted, not lost."""
    own = own_data.only(read([file(tmp_path, "text,part\nup,train\n涨,train\n")], [], PLAIN), ["en"])
    assert [row.text for row in own.train] == ["up"]
    assert own.findings[-1].count == 1


@given(st.lists(st.text(min_size=1, max_size=30), max_size=30))
def test_a_text_is_either_learnt_from_or_measured_on(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """The tenth that is held out depends on the text alone, so that no repetition crosses over."""
    path = tmp_path_factory.mktemp("own") / "desk.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    own = read([path], [], PLAIN)
    assert len(own.train) + len(own.dev) == len(texts)
    assert {row.text.casefold() for row in own.train}.isdisjoint(row.text.casefold() for row in own.dev)


def test_a_text_asked_about_several_companies_is_on_one_side(tmp_path: Path) -> None:
    """Its rows differ by what is marked; learnt from for one company, it must not be measured on for another."""
    names = ("Alder", "Birk", "Cedar")
    lines = [{"text": f"Alder {n} sues Birk over Cedar", "company": name} for n in range(60) for name in names]
    path = tmp_path / "desk.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    own = read([path], [], PLAIN)
    numbers = [{re.findall(r"\d+", row.text)[0] for row in part} for part in (own.train, own.dev)]
    assert numbers[0].isdisjoint(numbers[1])
    assert numbers[1]


def test_zero_is_a_label(tmp_path: Path) -> None:
    """As JSON has it, a number."""
    path = tmp_path / "desk.jsonl"
    path.write_text('{"text": "falls", "sentiment": 0, "part": "train"}\n', encoding="utf-8")
    own = read([path], [], reading([], ["sentiment:0=negative"], "own"))
    assert (own.train[0].labels, own.findings) == ({"sentiment": 0}, [])


def test_a_file_for_measuring_is_for_nothing_else(tmp_path: Path) -> None:
    """Named apart, its rows are the measure and all others are learnt from."""
    train, dev = file(tmp_path, "text\n" + "a\n" * 50), file(tmp_path, "text\nb\n", "dev.csv")
    own = read([train], [dev], PLAIN)
    assert (len(own.train), len(own.dev)) == (50, 1)


@pytest.mark.parametrize(
    ("maps", "labels", "told"),
    [
        (["body=x"], [], "fields are text"), (["text"], [], "FIELD=COLUMN"), ([], ["tone:a=negative"], "heads are"),
        ([], ["sentiment:a"], "HEAD:WORD=LABEL"), ([], ["sentiment:a=negativ"], "did you mean negative"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_says_how_it_is_written(maps: list[str], labels: list[str], told: str) -> None:
    """The option is named, and what it may say."""
    with pytest.raises(OwnRowsRefused, match=told):
        reading(maps, labels, "own")


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    """Asked for and absent is a failure."""
    path = file(tmp_path, "Body,tone\na,b\n")
    with pytest.raises(OwnRowsRefused, match=r"no column 'body'.*did you mean Body"):
        read([path], [], reading(["text=body"], [], "own"))
    with pytest.raises(OwnRowsRefused, match="'Tonn' for sentiment"):
        read([path], [], reading(["text=Body", "sentiment=Tonn"], [], "own"))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.xlsx", "", "must end with"), ("a.jsonl", "{}\n[]\n", "a.jsonl:2: not a JSON object"),
        ("a.jsonl", "{", "a.jsonl:1: not JSON"), ("a.csv", "", "name the columns"),
        ("a.csv", "text\na,b\n", "a.csv:2: more cells"), ("a.csv.gz", "text", "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    """With the line and the fault."""
    with pytest.raises(TableRefused, match=told):
        list(read_table(file(tmp_path, text, name)))
    with pytest.raises(TableRefused, match="absent"):
        list(read_table(tmp_path / "absent.csv"))


def test_own_rows_keep_weights_at_home_unless_stated() -> None:
    """The tier of the rows decides, as for every other set."""
    assert licence_of({"desk/own": 9, "tfns/A": 1}) == "for own use only: learnt from desk/own"
    assert licence_of({"desk/A": 9}) == "Apache-2.0"
