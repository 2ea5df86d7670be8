"""Lists of dated events, as others note them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from alerts.evaluation.dated import previous_session
from alerts.evaluation.truth import TruthEvent
from alerts.evaluation.truth_files import parse_truth
from alerts.yaml_structs import FileRefused

CLOSE = "prev close 16:00 ET .. 20:00 ET"


def read(*entries: dict[str, Any], stream: str = "") -> tuple[TruthEvent, ...]:
    return parse_truth(json.dumps(entries), "events.json", stream=stream).events


def entry(day: str, **fields: Any) -> dict[str, Any]:
    return {"entity": "ACME", "date": day, "lift": 3.5, **fields}


@pytest.mark.parametrize(
    ("day", "begin", "end"),
    [
        ("2014-10-21", "2014-10-20T20:00", "2014-10-22T00:00"),  # summer time
        ("2014-12-02", "2014-12-01T21:00", "2014-12-03T01:00"),  # winter time
        ("2014-10-27", "2014-10-24T20:00", "2014-10-28T00:00"),  # a Monday: since Friday
        ("2014-09-02", "2014-08-29T20:00", "2014-09-03T00:00"),  # after Labor Day
        ("2014-11-03", "2014-10-31T20:00", "2014-11-04T01:00"),  # the clocks change between
        ("2001-09-18", "2001-09-17T20:00", "2001-09-19T00:00"),  # holidays not known: the weekday before
    ],
)
def test_a_window_begins_with_the_close_before(day: str, begin: str, end: str) -> None:
    """Of the US trading day before, in New York's time, and ends in the evening."""
    (found,) = read(entry(day, window=CLOSE))
    assert (found.onset, found.end) == tuple(datetime.fromisoformat(f"{each}:00Z") for each in (begin, end))
    assert not found.day_only


@pytest.mark.parametrize(("lang", "hours"), [("en", 0), ("", 0), ("zh", -8), ("zh-CN", -8)])
def test_without_a_window_the_day_alone_is_known(lang: str, hours: int) -> None:
    """To the end of the day after, where the language is read."""
    (found,) = read(entry("2023-09-11", lang=lang))
    first, last = datetime(2023, 9, 11, tzinfo=UTC), datetime(2023, 9, 13, tzinfo=UTC)
    assert ((found.onset - first).total_seconds(), found.day_only) == (hours * 3600, True)
    assert found.end is not None
    assert (found.end - last).total_seconds() == hours * 3600


def test_the_rest_is_taken_over() -> None:
    """Kind, note, language, collection; what else there is does no harm."""
    (found,) = read(entry("2023-09-11", kind="control", note="good news", lang="en", stream="tweets"))
    assert (found.kind, found.note, found.lang, found.stream) == ("control", "good news", "en", "tweets")
    assert (found.subject, found.name, found.source) == ("entity:ACME", "ACME", "dated events")


def test_a_collection_is_chosen_by_a_part_of_its_name() -> None:
    """Without one, all."""
    both = entry("2023-09-11", stream="a/tweets.jsonl"), entry("2023-09-12", stream="b/wires.jsonl")
    assert len(read(*both)) == 2
    assert [each.stream for each in read(*both, stream="wire")] == ["b/wires.jsonl"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"window": "all day"}, "window: expected a window such as `prev close 16:00 ET .. 20:00 ET`"),
        ({"window": "prev close 16:00 Mars .. 20:00 Mars"}, "zones: ET"),
        ({"window": "prev close 26:00 ET .. 20:00 ET"}, "expected a window"),
        ({"kind": "contrl"}, "did you mean 'control'?"),
        ({"date": "21 October"}, "date: '21 October' is no day"),
        ({"date": "0001-01-01"}, "date: '0001-01-01' is no day"),
        ({"date": "9999-12-31", "window": ""}, "date: '9999-12-31' is no day"),
        ({"date": "2023-09-12", "window": "prev close 16:00 ET .. 3:00 Asia/Tokyo"}, "ends before it begins"),
        ({"entity": 7}, "expected an event with the texts `entity` and `date`"),
        ({"note": "x" * 2000}, "length"),
    ],
)
def test_faults_are_told_with_their_line(fields: dict[str, Any], expected: str) -> None:
    """As in truth files of our own."""
    text = json.dumps([entry("2023-09-11"), entry("2023-09-11") | fields], indent=1)
    with pytest.raises(FileRefused) as refused:
        parse_truth(text, "events.json")
    (fault,) = refused.value.faults
    assert expected in str(fault)
    assert fault.line >= 7


def test_the_session_before_a_monday_is_friday() -> None:
    """And before a day after a holiday the one before it."""
    assert previous_session(date(2014, 10, 27)) == date(2014, 10, 24)
    assert previous_session(date(2014, 7, 7)) == date(2014, 7, 3)
