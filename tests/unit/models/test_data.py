"""Labelled rows and their audit."""

import json
from pathlib import Path

import pytest

from models.data import DataBroken, DataMissing, Row, clean, data_folder, licence_of, read_language, read_set
from models.labels import SENTIMENTS, TOPICS


def row(text: str, label: int = 0, head: str = "sentiment") -> Row:
    """A row about nothing."""
    return Row(text, text, head, label, "set", "A")


def write(folder: Path, name: str, *rows: object) -> Path:
    """A data folder with one file."""
    (folder / "labelled").mkdir(exist_ok=True)
    lines = (line if isinstance(line, str) else json.dumps(line) for line in rows)
    (folder / "labelled" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def raw(**changes: object) -> dict[str, object]:
    """A labelled row as it is on disk."""
    return {"id": "1", "text": "a &amp; b", "label": "negative", "dataset": "d", "tier": "A"} | changes


def test_absent_folder_says_which_variable_to_set(tmp_path: Path) -> None:
    """Without data the error names the folder and TOCSIN_DATA."""
    with pytest.raises(DataMissing, match="TOCSIN_DATA"):
        data_folder(tmp_path)


def test_a_row_ends_at_the_end_of_its_line_only(tmp_path: Path) -> None:
    """A text may hold a line or paragraph separator; JSON need not escape it."""
    line = json.dumps(raw(text="up\u2028and\x85away"), ensure_ascii=False)
    [found] = read_set(write(tmp_path, "en_sent.train.jsonl", line), "en_sent", "sentiment", "train")
    assert found.text == "up and away"


def test_rows_are_prepared_and_filtered_by_tier(tmp_path: Path) -> None:
    """Only the wanted tiers are read, and the text is the one the model will see."""
    folder = write(tmp_path, "en_sent.train.jsonl", raw(), raw(id="2", tier="C"))
    assert read_set(folder, "en_sent", "sentiment", "train", ("A",)) == [
        Row("1", "a & b", "sentiment", SENTIMENTS.index("negative"), "d", "A")
    ]
    assert len(read_set(folder, "en_sent", "sentiment", "train")) == 2


def test_topic_names_of_the_data_set_become_ours(tmp_path: Path) -> None:
    """The public set's own label names are translated once, here."""
    write(tmp_path, "en_sent.dev.jsonl", raw())
    folder = write(tmp_path, "en_topic20.dev.jsonl", raw(label="M&A | Investments"))
    assert [r.label for r in read_language(folder, "en", "dev") if r.head == "topic"] == [TOPICS.index("mergers")]


@pytest.mark.parametrize(
    "line",
    ["{", "[]", json.dumps(raw(label="bearish")), json.dumps({"id": "1"}), json.dumps(raw(text=3))],
)
def test_broken_row_names_file_and_line(tmp_path: Path, line: str) -> None:
    """A bad row stops the reading with its place."""
    folder = write(tmp_path, "en_sent.train.jsonl", raw(), line)
    with pytest.raises(DataBroken, match=r"en_sent\.train\.jsonl:2"):
        read_set(folder, "en_sent", "sentiment", "train")


def test_unknown_part_is_refused(tmp_path: Path) -> None:
    """There are two parts."""
    with pytest.raises(ValueError, match="part"):
        read_set(tmp_path, "en_sent", "sentiment", "test")


def test_audit_drops_leaks_contradictions_and_repetitions() -> None:
    """What must not be learnt from is dropped and counted by kind; case does not hide it."""
    train = [
        row("leak"),
        row("same"),
        row("Same"),
        row("both", 0),
        row("both", 1),
        row("fine"),
        row("leak", 3, "topic"),
    ]
    kept, audit = clean(train, [row("LEAK", 2), row("x"), row("x")])
    assert [(r.text, r.head) for r in kept] == [("same", "sentiment"), ("fine", "sentiment"), ("leak", "topic")]
    assert (audit.leaked_from_dev, audit.contradicting_in_train, audit.repeated_in_train) == (1, 2, 1)
    assert (audit.repeated_in_dev, audit.kept, audit.train, audit.dev) == (1, 3, 7, 3)
    assert "leaked from dev: 1" in audit.lines()


@pytest.mark.data
def test_shipped_recipe_learns_from_permitted_rows_only() -> None:
    """Tier A of the public data: the five sets whose licences allow it, no leaks."""
    folder = data_folder()
    kept, audit = clean(read_language(folder, "en", "train", ("A",)), read_language(folder, "en", "dev"))
    assert {r.dataset for r in kept} == {"tfns", "sentfin", "taborda", "surge", "tfnt"}
    assert audit.leaked_from_dev == 0


def test_weights_are_free_only_when_everything_they_learnt_from_is() -> None:
    """One set whose licence forbids it keeps the weights at home, and the metadata names it."""
    assert licence_of({"tfns/A": 9, "topic/A": 3}) == "Apache-2.0"
    assert licence_of({"tfns/A": 9, "phrasebank/C": 3}) == "for own use only: learnt from phrasebank/C"
