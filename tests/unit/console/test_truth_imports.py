"""`tocsin truth import`: truth files of what others wrote down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from alerts.evaluation.truth import Labelled
from alerts.evaluation.truth_files import read_truth
from console.truth_imports import register
from console.truth_subjects import find_companies
from models.data import data_folder
from streams.settings import load

WATCHLIST = """
- {id: HALDEN, name: Halden Corp, aliases: ["Halden"], tickers: [HLDN]}
- {id: BOLT, name: Bolt Mills, tickers: [BOLTM]}
"""
CLOSE = "prev close 16:00 ET .. 20:00 ET"


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two invented companies."""
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text(WATCHLIST)
    monkeypatch.setenv("TOCSIN_WATCHLIST", str(watchlist))
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path / "state"))
    load.cache_clear()
    yield
    load.cache_clear()


def run(*words: str | Path, lang: str = "en") -> tuple[int, str]:
    """Exit code and everything printed."""
    group = typer.Typer()
    register(group)
    group.callback()(lambda: None)
    result = CliRunner().invoke(group, ["import", *map(str, words)], env={"TOCSIN_LANG": lang, "COLUMNS": "100"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def tables(folder: Path) -> Path:
    """Three shares, of which one falls on the Tuesday; one file is empty, one of a stranger."""
    folder.mkdir()
    for name, closes in {"HLDN": (100, 90, 91), "BOLTM": (50, 50, 50), "ZZQX": (10, 10, 10)}.items():
        days = ("2026-03-02", "2026-03-03", "2026-03-04")
        rows = "".join(f"{day},{close}\n" for day, close in zip(days, closes, strict=True))
        (folder / f"{name}.csv").write_text(f"Date,Close\n{rows}")
    (folder / "EMPTY.csv").write_text("Date,Close\n")
    return folder


def tweets(path: Path, *texts: str) -> Path:
    """Messages on the Tuesday, an hour apart, and one that is no item."""
    rows = [
        json.dumps({"id": str(n), "text": text, "created_at": f"2026-03-03T{10 + n}:00:00Z"})
        for n, text in enumerate(texts)
    ]
    path.write_text("\n".join([*rows, '{"id": "x"}']))
    return path


def test_events_become_a_truth_file(tmp_path: Path) -> None:
    """Companies by symbol and name; the result is one that a replay reads."""
    listed = tmp_path / "events.json"
    listed.write_text(
        json.dumps(
            [
                {"entity": "HLDN", "date": "2026-03-03", "kind": "negative", "window": CLOSE, "stream": "tweets"},
                {"entity": "Bolt Mills", "date": "2026-03-04", "kind": "control", "lang": "zh", "stream": "wires"},
            ]
        )
    )
    out = tmp_path / "truth.yaml"
    code, said = run("events", listed, "--out", out)
    assert (code, "1 negative events, 1 controls" in said) == (0, True)
    assert [(each.subject, each.kind) for each in read_truth(out).events] == [
        ("entity:HALDEN", "negative"), ("entity:BOLT", "control")
    ]  # fmt: skip
    told = json.loads(run("events", listed, "--out", out, "--json")[1])
    assert told == {"file": str(out), "negative": 1, "controls": 1}
    assert run("events", listed, "--stream", "wire", "--out", out)[0] == 0  # an import's own file may be written again
    assert len(read_truth(out).events) == 1


def test_a_file_that_a_person_wrote_is_not_written_over(tmp_path: Path) -> None:
    """Unless asked for."""
    listed, out = tmp_path / "events.json", tmp_path / "truth.yaml"
    listed.write_text('[{"entity": "HLDN", "date": "2026-03-03"}]')
    out.write_text("events: []\n")
    code, said = run("events", listed, "--out", out)
    assert (code, "--force" in said) == (2, True)
    assert out.read_text() == "events: []\n"
    assert run("events", listed, "--out", out, "--force")[0] == 0


def test_each_fault_has_its_own_line(tmp_path: Path) -> None:
    """With a suggestion from the companies that are known."""
    listed = tmp_path / "events.json"
    listed.write_text('[{"entity": "Haldn Corp", "date": "2026-03-03"},\n{"entity": "HLDN", "date": "03/03"}]')
    code, said = run("events", listed, "--out", tmp_path / "truth.yaml")
    assert code == 2
    assert [line.partition(": ")[0] for line in said.splitlines()] == [f"{listed}:1", f"{listed}:2"]
    assert "did you mean 'Halden Corp'?" in said


def test_falls_in_price_become_a_truth_file(tmp_path: Path) -> None:
    """Labelled for every known company with prices; strangers and empty files are told."""
    out = tmp_path / "truth.yaml"
    code, said = run("prices", tables(tmp_path / "prices"), "--drop", "5%", "--out", out)
    assert code == 0
    assert "ZZQX: no company goes by this symbol" in said
    assert "EMPTY: its file holds no prices" in said
    truth = read_truth(out)
    assert [(each.subject, each.onset) for each in truth.events] == [
        ("entity:HALDEN", datetime(2026, 3, 2, 21, tzinfo=UTC))
    ]
    assert truth.labelled == Labelled(
        subjects=("entity:BOLT", "entity:HALDEN"),
        begin=datetime(2026, 3, 2, 21, tzinfo=UTC),
        end=datetime(2026, 3, 5, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(("least", "events"), [(2, 1), (3, 0)])
def test_only_days_that_people_wrote_about(tmp_path: Path, least: int, events: int) -> None:
    """Distinct texts count; the truth is complete for the time of the messages alone."""
    texts = "$HLDN falls on a recall", "RT @a: $HLDN falls on a recall", "Halden Corp sued", "$BOLTM flat"
    archive = tweets(tmp_path / "tweets.jsonl", *texts)
    out = tmp_path / "truth.yaml"
    folder = tables(tmp_path / "prices")
    code, said = run("prices", folder, "--messages", archive, "--min-messages", least, "--out", out)  # type: ignore[arg-type]
    assert code == 0
    assert "1 rows are no items" in said
    truth = read_truth(out)
    assert len(truth.events) == events
    assert truth.labelled is not None
    assert (truth.labelled.begin, truth.labelled.end) == (
        datetime(2026, 3, 3, 10, tzinfo=UTC),
        datetime(2026, 3, 3, 13, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--drop", "much"], "--drop much: write a share in per cent"),
        (["--drop", "0%"], "write a share in per cent"),
        (["--zone", "Mars/Base"], "write the time of the close and a zone"),
        (["--close", "late"], "write the time of the close and a zone"),
        (["--min-messages", "3"], "name the files that hold them with --messages FILE"),
        (["--market", "none.csv"], "none.csv: cannot be read"),
        (["--messages", "none.jsonl"], "none.jsonl: cannot be read"),
    ],
)
def test_wrong_options_are_answered(tmp_path: Path, words: list[str], expected: str) -> None:
    """With what to write, in either language; nothing is written."""
    folder, out = tables(tmp_path / "prices"), tmp_path / "truth.yaml"
    code, said = run("prices", folder, "--out", out, *words)
    assert (code, expected in said) == (2, True), said
    code, said = run("prices", folder, "--out", out, *words, lang="zh")
    assert code == 2
    assert not out.exists()


def test_a_folder_without_prices_is_told(tmp_path: Path) -> None:
    """With what it should hold."""
    code, said = run("prices", tmp_path, "--out", tmp_path / "truth.yaml")
    assert (code, "one file for each symbol" in said) == (2, True)


@pytest.mark.parametrize(
    ("word", "subject"),
    [
        ("HALDEN", "entity:HALDEN"), ("HLDN", "entity:HALDEN"), ("$HLDN", "entity:HALDEN"),
        (" Halden Corp ", "entity:HALDEN"), ("Bolt Mills", "entity:BOLT"), ("Halden Corp and Bolt Mills", None),
        ("nobody", None), ("", None), ("FB", "entity:META"), ("Facebook", "entity:META"), ("阿里巴巴", "entity:BABA"),
    ],
)  # fmt: skip
def test_a_company_goes_by_id_symbol_or_name(word: str, subject: str | None) -> None:
    """As the stream itself would find it; several are none."""
    resolve, words = find_companies(load().watchlist)
    assert resolve(word) == subject
    assert {"HALDEN", "Halden Corp", "HLDN"} <= words


@pytest.mark.data
def test_the_falls_of_2014_that_people_wrote_about(tmp_path: Path) -> None:
    """4.5 % against the market with at least eight distinct texts: eighteen, all within the year."""
    streams, out = data_folder() / "streams", tmp_path / "truth.yaml"
    words = ("--drop", "4.5%", "--messages", streams / "stocknet.jsonl", "--min-messages", "8", "--out", out)
    assert run("prices", streams / "stocknet_prices", *words)[0] == 0
    truth = read_truth(out)
    assert len(truth.events) == 18
    assert truth.labelled is not None
    assert len(truth.labelled.subjects) == 82
    assert {each.onset.year for each in truth.events} == {2014}


@pytest.mark.data
def test_every_company_of_the_dated_events_is_known() -> None:
    """Thirty-eight events of three collections."""
    resolve, _ = find_companies(None)
    truth = read_truth(data_folder() / "events.json", resolve=resolve)
    assert (len(truth.events), sum(each.kind == "control" for each in truth.events)) == (38, 12)
    assert sum(not each.day_only for each in truth.events) == 12
