"""The invented day: what it holds, against what its manifest says."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from console.demo.compose import Line, as_file, clock, compose
from console.demo.contents import last_whole_day, manifest, planted, summary
from console.demo.texts import companies
from streams.pii import mask
from streams.sources.files import Index, open_input, scan
from streams.sources.mapping import Columns

DAY = date(2026, 1, 15)
LATER = datetime(2026, 1, 16, tzinfo=UTC)
DIGEST = "3cb2570837821720"  # of the day played on DAY: the same on every Python


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """The day."""
    return compose(DAY)


def test_manifest_tells_the_truth(lines: list[Line]) -> None:
    """Every number of the manifest is what is counted."""
    counted = summary(lines)
    assert counted == {key: manifest()[key] for key in counted}


def test_day_is_the_same_every_time(lines: list[Line]) -> None:
    """Nothing depends on the run, the hash seed or the version of Python."""
    assert compose(DAY) == lines
    assert hashlib.sha256(as_file(lines)).hexdigest()[:16] == DIGEST


def test_day_moves_to_another_date(lines: list[Line]) -> None:
    """Played on another date, the same words appear at the same hours."""
    moved = compose(DAY + timedelta(days=40))
    assert [line.at + timedelta(days=40) for line in lines] == [line.at for line in moved]
    assert [line.item.text for line in lines if line.item] == [line.item.text for line in moved if line.item]


def test_every_line_lies_within_the_day_and_is_marked(lines: list[Line]) -> None:
    """Items are in order, between opening and close, marked as demo data, and read as they were written."""
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert all(clock(DAY, "06:00") <= line.at < clock(DAY, "22:00") for line in lines)
    assert all(line.item.demo for line in lines if line.item)
    assert all(line.item.published_at < line.at for line in lines if line.item and line.item.published_at)


def test_broken_records_are_rejected_for_the_stated_reasons(lines: list[Line], tmp_path: Path) -> None:
    """The door rejects exactly the broken lines, each with the reason that the day states."""
    path = tmp_path / "day.jsonl"
    path.write_bytes(as_file(lines))
    opened = open_input(str(path), Columns(), limit=262_144, spool=tmp_path)
    index = Index()
    found = {one.row.line: one.reject.reason for step in scan([opened], index, LATER, 500) for one in step}
    opened.close()
    assert found == {number: line.reason for number, line in enumerate(lines, 1) if line.reason}
    assert len(index) == len(lines) - len(found)


def test_planted_personal_data_are_masked(lines: list[Line]) -> None:
    """Each planted value is in the day, once, and nothing of it is left after masking."""
    texts = [line.item.text for line in lines if line.item and line.part == "personal"]
    for kind, value in planted():
        (text,) = [t for t in texts if value in t]
        masked, counts = mask(text)
        assert value not in masked
        assert counts[{"national_id": "id"}.get(kind, kind)] == 1


def test_calm_texts_hardly_repeat(lines: list[Line]) -> None:
    """Of a hundred calm texts at least ninety-five are unlike any other."""
    texts = Counter((line.item.title, line.item.text) for line in lines if line.item and line.part == "calm")
    assert len(texts) >= 0.95 * sum(texts.values())


@pytest.mark.parametrize(("part", "authors"), [("accounting", 120), ("recall", 45), ("good_news", 70)])
def test_crises_have_many_voices(lines: list[Line], part: str, authors: int) -> None:
    """Crises and good news come from many authors and sources."""
    items = [line.item for line in lines if line.item and line.part == part]
    assert len({item.author for item in items if item.author}) >= authors
    assert len({item.source for item in items}) >= 10


def test_advertisement_is_one_text(lines: list[Line]) -> None:
    """The burst is hundreds of posts that differ, and begin with the same two hundred characters."""
    texts = [line.item.text for line in lines if line.item and line.part == "advert"]
    assert len(texts) == len(set(texts)) == 320
    assert len({text[:200] for text in texts}) == 1


def test_texts_are_filled(lines: list[Line]) -> None:
    """No slot is left open and no sentence ends in nothing."""
    for line in lines:
        if line.item:
            both = f"{line.item.title} {line.item.text}"
            assert "{" not in both
            assert "  " not in both.strip()
            assert line.company == "" or any(
                name in both or f"${company.ticker}" in both
                for company in [companies()[line.company]]
                for names in company.names.values()
                for name in names
            )


def test_companies_are_all_judged() -> None:
    """The manifest says of every company whether it must ring."""
    stated = manifest()
    assert set(stated["must_ring"]) | set(stated["must_not_ring"]) == set(companies())
    assert not set(stated["must_ring"]) & set(stated["must_not_ring"])


def test_addresses_and_names_belong_to_nobody(lines: list[Line]) -> None:
    """Links and e-mail addresses lie in domains that cannot be registered."""
    for line in lines:
        if line.item:
            for word in f"{line.item.url} {line.item.text}".split():
                if "//" in word:
                    assert word.split("/")[2].endswith(".example"), word
    for kind, value in planted():
        assert kind != "email" or value.endswith((".example", "@example.com", "@example.org"))


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 3, 2, 21, 59, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 3, 2, 22, 0, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 3, 0, 30, tzinfo=UTC), date(2026, 3, 2)),
    ],
)
def test_day_is_the_last_that_is_over(now: datetime, day: date) -> None:
    """No item is stamped in the future."""
    assert last_whole_day(now) == day


def test_watchlist_has_an_entry_for_each_company() -> None:
    """Ids and tickers are unique and marked as demo."""
    rows = yaml.safe_load(files("console.demo").joinpath("watchlist.yaml").read_text(encoding="utf-8"))
    assert len({row["id"] for row in rows}) == len(rows) == len({row["tickers"][0] for row in rows})
    assert all(row["id"].startswith("demo-") for row in rows)
