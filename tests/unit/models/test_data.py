"""Labelled rows and their audit."""

import json
from pathlib import Path

import pytest

from models import data
from models.corpus import texts
from models.data import CORPUS, PUBLIC, TARGETS, DataBroken, DataMissing, Row, clean, data_folder, licence_of
from models.labels import CCKS_RISKS, HEADS, RISKS, SENTIMENTS, TOPICS
from models.text import TARGET

SETS = {each.name: each for each in PUBLIC}


def row(text: str, label: int = 0, head: str = "sentiment") -> Row:
    """A row about nothing."""
    return Row(text, text, {head: label}, "set", "A", "en")


def write(folder: Path, name: str, *rows: object) -> Path:
    """A data folder with one file."""
    (folder / "labelled").mkdir(exist_ok=True)
    lines = (line if isinstance(line, str) else json.dumps(line) for line in rows)
    (folder / "labelled" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def raw(**changes: object) -> dict[str, object]:
    """A labelled row as it is on disk."""
    return {"id": "1", "text": "a &amp; b", "label": "negative", "dataset": "d", "tier": "A"} | changes


def read(folder: Path, name: str, part: str = "train", tiers: tuple[str, ...] | None = None) -> list[Row]:
    """Rows of one public set."""
    return data.read_set(folder, SETS[name], part, tiers)


def test_absent_folder_says_which_variable_to_set(tmp_path: Path) -> None:
    """Without data the error names the folder and TOCSIN_DATA."""
    with pytest.raises(DataMissing, match="TOCSIN_DATA"):
        data_folder(tmp_path)


def test_a_row_ends_at_the_end_of_its_line_only(tmp_path: Path) -> None:
    """A text may hold a line or paragraph separator; JSON need not escape it."""
    line = json.dumps(raw(text="up\u2028and\x85away"), ensure_ascii=False)
    [found] = read(write(tmp_path, "en_sent.train.jsonl", line), "en_sent")
    assert found.text == "up and away"


def test_rows_are_prepared_and_filtered_by_tier(tmp_path: Path) -> None:
    """Only the wanted tiers are read, and the text is the one the model will see."""
    folder = write(tmp_path, "en_sent.train.jsonl", raw(), raw(id="2", tier="C"))
    wanted = Row("1", "a & b", {"sentiment": SENTIMENTS.index("negative")}, "d", "A", "en")
    assert read(folder, "en_sent", tiers=("A",)) == [wanted]
    assert len(read(folder, "en_sent")) == 2


def test_label_names_of_the_data_sets_become_ours(tmp_path: Path) -> None:
    """The public sets' own names are translated once, here; a risk is asked about the company it was labelled for."""
    folder = write(tmp_path, "en_topic20.dev.jsonl", raw(label="M&A | Investments"))
    assert read(folder, "en_topic20", "dev")[0].labels == {"topic": TOPICS.index("mergers")}
    write(folder, "zh_eventtype21.dev.jsonl", raw(label="重组失败", text="甲方重组终止乙方增持", entity="甲方"))
    [found] = read(folder, "zh_eventtype21", "dev")
    assert (found.text, found.labels) == (f"{TARGET}重组终止乙方增持", {"risk": RISKS.index("failed_deal")})
    assert set(CCKS_RISKS.values()) <= set(RISKS)


@pytest.mark.parametrize(
    "line",
    ["{", "[]", json.dumps(raw(label="bearish")), json.dumps({"id": "1"}), json.dumps(raw(text=3))],
)
def test_broken_row_names_file_and_line(tmp_path: Path, line: str) -> None:
    """A bad row stops the reading with its place."""
    folder = write(tmp_path, "en_sent.train.jsonl", raw(), line)
    with pytest.raises(DataBroken, match=r"en_sent\.train\.jsonl:2"):
        read(folder, "en_sent")


def test_unknown_part_is_refused(tmp_path: Path) -> None:
    """There are two parts."""
    with pytest.raises(ValueError, match="part"):
        read(tmp_path, "en_sent", "test")


def test_the_corpus_is_split_by_its_ids_and_asks_about_each_company() -> None:
    """No text is in both parts; a text with several companies gives a row for each, with the name hidden."""
    train, dev = data.corpus_rows("train"), data.corpus_rows("dev")
    assert not {row.id.partition("#")[0] for row in train} & {row.id.partition("#")[0] for row in dev}
    assert 0.07 < len(dev) / (len(train) + len(dev)) < 0.13
    whole = [row for row in train if row.dataset == CORPUS]
    assert all(row.labels.keys() == HEADS.keys() and row.tier == "A" for row in whole)
    targets = [row for row in train if row.dataset == TARGETS]
    assert len(targets) > 500
    assert all(TARGET in row.text for row in targets)


def test_held_out_texts_do_not_move_when_others_are_added() -> None:
    """The split follows from the text alone."""
    text = texts.read()[0]
    assert data.held_out(text) == data.held_out(texts.parse(
        "\t".join(["neutral", "macro", "none", "headline", "-", "-", text.text]), text.lang, "x"
    ))  # fmt: skip


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
    assert [(r.text, *r.labels) for r in kept] == [("same", "sentiment"), ("fine", "sentiment"), ("leak", "topic")]
    assert (audit.leaked_from_dev, audit.contradicting_in_train, audit.repeated_in_train) == (1, 2, 1)
    assert (audit.repeated_in_dev, audit.kept, audit.train, audit.dev) == (1, 3, 7, 3)
    assert "leaked from dev: 1" in audit.lines()


def test_a_row_keeps_the_labels_that_are_sound() -> None:
    """Each head is judged for itself."""
    both = Row("1", "t", {"sentiment": 0, "risk": 2}, "set", "A", "en")
    kept, _ = clean([both], [row("T", 1, "risk")])
    assert [r.labels for r in kept] == [{"sentiment": 0}]


@pytest.mark.data
def test_shipped_recipe_learns_from_permitted_rows_only() -> None:
    """Tier A of the public data, the five sets whose licences allow it, and our own corpus; no leaks."""
    folder = data_folder()
    kept, audit = clean(
        data.read_part(folder, "train", data.LANGUAGES, ("A",)), data.read_part(folder, "dev", data.LANGUAGES)
    )
    assert {r.dataset for r in kept} == {"tfns", "sentfin", "taborda", "surge", "tfnt", CORPUS, TARGETS}
    assert audit.leaked_from_dev == 0


def test_weights_are_free_only_when_everything_they_learnt_from_is() -> None:
    """One set whose licence forbids it keeps the weights at home, and the metadata names it."""
    assert licence_of({"tfns/A": 9, "topic/A": 3}) == "Apache-2.0"
    assert licence_of({"tfns/A": 9, "phrasebank/C": 3}) == "for own use only: learnt from phrasebank/C"
