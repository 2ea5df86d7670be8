"""Truth files: what they may say, and what is told of those that say something else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.evaluation import truth_files
from alerts.evaluation.truth import Labelled, Truth, TruthEvent
from alerts.evaluation.truth_files import merge, parse_truth, read_truth, write_truth
from alerts.yaml_structs import FileRefused
from tests.unit.alerts.evaluation.cases import ACME, BOLT, event, hour

GOOD = """
events:
  - {subject: "entity:acme", onset: 2026-03-02T09:30:00-05:00, end: 2026-03-03T20:00Z, note: a, risk: product_safety}
  - subject: bolt
    onset: 2026-03-05
    kind: control
labelled:
  subjects: [acme, "entity:bolt"]
  begin: 2026-01-01
  end: 2026-12-31
"""
TIMES = st.datetimes(datetime(1990, 1, 2), datetime(2090, 1, 1), timezones=st.just(UTC))
TEXTS = st.text(max_size=40)
EVENTS = st.builds(
    TruthEvent,
    subject=st.sampled_from([ACME, BOLT, "topic:legal"]),
    onset=TIMES,
    end=st.none(),
    kind=st.sampled_from(["negative", "control"]),
    note=TEXTS,
    lang=st.sampled_from(["", "zh"]),
    name=TEXTS,
    day_only=st.booleans(),
    source=TEXTS,
    stream=TEXTS,
)


def find(word: str) -> str | None:
    """Two companies with a name each."""
    return {"acme": ACME, "bolt": BOLT, "博尔特": BOLT}.get(word)


def faults(text: str) -> list[str]:
    with pytest.raises(FileRefused) as refused:
        parse_truth(text, "t.yaml", resolve=find, known=("acme", "bolt"))
    return [str(fault) for fault in refused.value.faults]


def test_a_truth_file_says_what_happened() -> None:
    """Times of any zone, days as whole days, words in place of ids."""
    found = parse_truth(GOOD, resolve=find)
    first, second = found.events
    assert (first.subject, first.onset) == (ACME, datetime(2026, 3, 2, 14, 30, tzinfo=UTC))
    assert (first.end, first.day_only, first.risk) == (datetime(2026, 3, 3, 20, tzinfo=UTC), False, "product_safety")
    assert (second.subject, second.kind, second.day_only) == (BOLT, "control", True)
    assert (second.onset, second.end) == (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC))
    assert found.labelled == Labelled(
        subjects=(ACME, BOLT), begin=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize("indent", [None, 1, "\t"])
def test_json_says_the_same(indent: int | str | None) -> None:
    """With tabs and escapes as JSON has them; a bare list is a list of events."""
    entries = [{"subject": "博尔特", "onset": "2026-03-05T00:00:00Z", "note": "\U0001f4c9 a/b"}]
    for data in (entries, {"events": entries}):
        found = parse_truth(json.dumps(data, indent=indent), "t.json", resolve=find)
        assert [(each.subject, each.note) for each in found.events] == [(BOLT, "\U0001f4c9 a/b")]


def test_without_a_finder_a_bare_word_is_an_id() -> None:
    """Of a company."""
    assert parse_truth("- {subject: acme, onset: 2026-03-05}").events[0].subject == ACME


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("subject: acmee, onset: 2026-03-05", "2: subject: no company goes by 'acmee'"),
        ("subject: acmee, onset: 2026-03-05", "did you mean 'acme'?"),
        ('subject: "topic:legl", onset: 2026-03-05', "there is no topic 'legl'; did you mean 'legal'?"),
        ("subject: acme, onset: yesterday", "2: onset: got 'yesterday'; write a time with its zone"),
        ("subject: acme, onset: 2026-03-05T10:00:00", "onset: got '2026-03-05T10:00:00'; write a time with its zone"),
        ("subject: acme, onset: 2026-13-05", "write a time with its zone"),
        ("subject: acme", "missing required field `onset`"),
        ("subject: acme, onset: 2026-03-05, onste: 1", "onste: there is no such field; did you mean 'onset'?"),
        ("subject: acme, onset: 2026-03-05, kind: negativ", "did you mean 'negative'?"),
        ("subject: acme, onset: 2026-03-05, risk: outtage", "did you mean 'outage'?"),
        ("subject: acme, onset: 2026-03-05, end: 2026-03-01", "end: 2026-03-02T00:00:00+00:00 is before the onset"),
        ("subject: 600519, onset: 2026-03-05", "write it in quotes"),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_was_meant(line: str, expected: str) -> None:
    """File, line, field."""
    told = faults(f"events:\n  - {{{line}}}\n")
    assert any(expected in fault for fault in told), told
    assert all(fault.startswith("t.yaml:") for fault in told)


def test_every_fault_is_told_at_once() -> None:
    """In the order of lines."""
    text = "events:\n- {subject: nobody, onset: 2026-03-05}\n- {subject: acme, onset: never}\nlabelld: {}\n"
    assert [fault.split(":")[1] for fault in faults(text)] == ["2", "3", "4"]


@pytest.mark.parametrize("text", ["", "3", "evnts: []", "events: 3", "a: [", "events: [3]"])
def test_what_is_no_truth_file_is_refused(text: str) -> None:
    """With a hint where there is one."""
    assert faults(text)
    assert ("did you mean 'events'" in faults(text)[0]) == (text == "evnts: []")


def test_several_files_are_one_truth(tmp_path: Path) -> None:
    """In order of onset, each event once; faults of all files are told together."""
    one, two = tmp_path / "one.yaml", tmp_path / "two.json"
    one.write_text(GOOD, encoding="utf-8")
    two.write_text('[{"subject": "bolt", "onset": "2026-03-01T00:00:00Z"}, {"subject": "bolt", "onset": "2026-03-05",'
                   '"kind": "control", "note": "again"}]', encoding="utf-8")  # fmt: skip
    assert [each.subject for each in read_truth(one, two, resolve=find).events] == [BOLT, ACME, BOLT]
    one.write_text("events: 3")
    with pytest.raises(FileRefused) as refused:
        read_truth(one, two, tmp_path / "none.yaml")
    assert [Path(fault.file).name for fault in refused.value.faults] == ["one.yaml", "none.yaml"]


def test_merged_files_claim_no_more_than_each_does() -> None:
    """Subjects of all, the time in common; everybody where one claims everybody."""
    first = Truth(events=(), labelled=Labelled(subjects=(ACME,), begin=hour(0), end=hour(90)))
    second = Truth(events=(), labelled=Labelled(subjects=(BOLT,), begin=hour(50)))
    assert merge([first, second, Truth(events=())]).labelled == Labelled(
        subjects=(ACME, BOLT), begin=hour(50), end=hour(90)
    )
    assert merge([first, Truth(events=(), labelled=Labelled())]).labelled == Labelled(begin=hour(0), end=hour(90))
    with pytest.raises(FileRefused):
        merge([first, Truth(events=(), labelled=Labelled(begin=hour(100)))])


@settings(max_examples=50)
@given(events=st.lists(EVENTS, max_size=3), note=TEXTS, begin=st.none() | TIMES)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, events: list[TruthEvent], note: str, begin: datetime | None
) -> None:
    """Whatever the texts hold."""
    truth = merge([Truth(events=tuple(events), labelled=Labelled(subjects=(BOLT,), begin=begin), note=note)])
    path = tmp_path_factory.mktemp("truth") / "t.yaml"
    write_truth(truth, path, "two\nlines")
    assert path.read_text(encoding="utf-8").startswith("# two\n# lines\n")
    assert read_truth(path) == truth


def test_an_event_in_another_zone_is_the_same_event() -> None:
    """Onsets are compared as moments."""
    there = event(0).onset.astimezone(timezone(timedelta(hours=8)))
    merged = merge([Truth(events=(event(0), TruthEvent(subject=ACME, onset=there)))])
    assert len(merged.events) == 1


@pytest.mark.parametrize(
    "field", ["onset: 9999-12-31", 'onset: "0001-01-01T00:00:00+05:00"', "onset: 2026-03-02, end: 9999-12-31"]
)
def test_a_time_that_cannot_be_meant_is_a_fault(field: str) -> None:
    """Years in which nobody wrote news; computing windows with them would overflow."""
    (fault,) = faults(f"events: [{{subject: acme, {field}}}]")
    assert "expected a year from 1900 to 2199" in fault


def test_a_long_truth_is_read_again(tmp_path: Path) -> None:
    """More than a rule file may hold: thousands of falls of a whole market."""
    events = [event(n, note="x" * 900) for n in range(1500)]
    write_truth(Truth(events=tuple(events)), tmp_path / "t.yaml")
    assert (tmp_path / "t.yaml").stat().st_size > 1_048_576
    assert len(read_truth(tmp_path / "t.yaml").events) == 1500


def test_nothing_is_written_that_could_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to go on, and the file before stays as it was."""
    (tmp_path / "t.yaml").write_text("events: []")
    monkeypatch.setattr(truth_files, "LARGEST", 500)
    with pytest.raises(FileRefused, match="write them into several files"):
        write_truth(Truth(events=tuple(event(n) for n in range(9))), tmp_path / "t.yaml")
    assert (tmp_path / "t.yaml").read_text() == "events: []"
    (tmp_path / "t.yaml").write_text(" " * 600)
    with pytest.raises(FileRefused, match="larger than 500 characters"):
        read_truth(tmp_path / "t.yaml")
