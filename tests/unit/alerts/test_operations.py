"""Operations: checked where they are made, the same record when the same is asked again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import operations
from alerts.matchers import matches, parse_match
from alerts.refused import Fault, OperationRefused
from streams.records import Opinion, decode
from streams.topics import FEEDBACK
from tests.ringing import ALERT, START, event

HOUR = timedelta(hours=1)
MAKERS: dict[str, Callable[..., Any]] = {
    "acknowledge": lambda **given: operations.acknowledge(ALERT, **given),
    "escalate": lambda **given: operations.escalate(ALERT, **given),
    "silence": lambda **given: operations.silence({"rule": ("a",)}, lasting=HOUR, **({"reason": "known"} | given)),
    "mark": lambda **given: operations.mark(ALERT, True, **given),
}
EVENT: dict[str, Any] = {"subject": "entity:BRW", "onset": START, "author": "li", "at": START, "note": "a strike"}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_one_key_is_one_record(make: Callable[..., Any]) -> None:
    """With a key the id is the same at any time; another author's key, or none, is another record."""
    first, later = (make(author="li", at=START + n * HOUR, key="k") for n in (0, 1))
    assert first.id == later.id
    assert operations.same(later, first)
    assert make(author="wu", at=START, key="k").id != first.id
    assert make(author="li", at=START).id != make(author="li", at=START + HOUR).id
    assert make(author="li", at=START) == make(author="li", at=START)
    assert not operations.same(make(author="li", at=START, key="k", reason="another"), first)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_an_operation_is_a_record_on_the_topic(make: Callable[..., Any]) -> None:
    """What is written is read again as the same operation, under the key of what it is about."""
    made = make(author="li", at=START)
    record = operations.outgoing(made)
    assert record.topic is FEEDBACK
    assert decode(record.value, Opinion) == made
    assert record.key == getattr(made, "alert", made.id).encode()


def test_a_change_of_rules_lies_under_the_name_of_its_file() -> None:
    """With what the file said before and says now; somebody did it, and a name too long for a record is refused."""
    made = operations.rule_change("desk.yaml", was="", now="ab12", author="li", at=START, reason="quieter")
    record = operations.outgoing(made)
    assert (record.topic, record.key, decode(record.value, Opinion)) == (FEEDBACK, b"desk.yaml", made)
    assert (made.was, made.now, made.reason) == ("", "ab12", "quieter")
    for file, author, reason in (
        ("", "li", "too_long"),
        ("x" * 257, "li", "too_long"),
        ("desk.yaml", " ", "no_author"),
    ):
        with pytest.raises(OperationRefused) as caught:
            operations.rule_change(file, was="", now="ab12", author=author, at=START)
        assert caught.value.reason == reason


def test_a_missed_event_lies_with_its_withdrawal_and_is_the_same_record_when_said_again() -> None:
    """At any time; with another note it is another word about it, and of one event there is one withdrawal."""
    first, again = operations.missed(**EVENT), operations.missed(**(EVENT | {"at": START + HOUR}))
    assert first.id == again.id
    assert operations.same(again, first)
    assert operations.missed(**(EVENT | {"note": "a lockout"})).id != first.id
    ends = [operations.withdraw(first.id, author=author, at=START) for author in ("li", "wu")]
    assert ends[0].id == ends[1].id
    for made in (first, ends[0]):
        record = operations.outgoing(made)
        assert (record.topic, record.key) == (FEEDBACK, first.id.encode())
        assert decode(record.value, Opinion) == made


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"author": ""}, "no_author"),
        ({"note": " "}, "no_note"),
        ({"note": "x" * 1001}, "too_long"),
        ({"subject": "BRW"}, "unknown_subject"),
        ({"subject": "entity:"}, "unknown_subject"),
        ({"subject": "topic:nonsense"}, "unknown_subject"),
        ({"subject": "entity:a\u202eb"}, "unknown_subject"),
        ({"subject": "entity:" + "x" * 300}, "unknown_subject"),
        ({"onset": START + HOUR}, "bad_onset"),  # nobody knows what will happen
        ({"onset": START.replace(year=1985)}, "bad_onset"),
        ({"end": START - HOUR}, "bad_end"),
        ({"risk": "strikes"}, "bad_risk"),
    ],
)
def test_a_missed_event_has_limits(given: dict[str, Any], reason: str) -> None:
    """Somebody, some subject that alerts can have, some words, and a time that has been."""
    with pytest.raises(OperationRefused) as caught:
        operations.missed(**(EVENT | given))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "day"), [("2026-03-02T09:30:00-05:00", False), ("2026-03-02T14:30Z", False), (" 2026-03-02 ", True)]
)
def test_a_moment_is_a_time_with_its_zone_or_a_day(text: str, day: bool) -> None:
    """A day begins at midnight UTC."""
    found, whole = operations.parse_moment(text)
    assert (found.timestamp() % 86_400, whole) == (0 if day else 14.5 * 3600, day)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-03-02T09:30", "2026-13-02", "2026-03-02T25:00Z", "0001-01-01T00:00+14:00", "\ud800"]
)
def test_another_word_is_no_moment(text: str) -> None:
    """A time without a zone is a guess."""
    with pytest.raises(OperationRefused) as caught:
        operations.parse_moment(text)
    assert caught.value.reason == "bad_time"


def test_the_last_day_of_the_calendar_has_no_end() -> None:
    """A day as an end lasts until the next begins."""
    with pytest.raises(OperationRefused) as caught:
        operations.parse_end("9999-12-31")
    assert caught.value.reason == "bad_time"


def test_a_silence_that_ends_lies_with_its_silence() -> None:
    """The end has the silence's key, and of one silence there is one end."""
    ends = [operations.end_silence("s" * 32, author=author, at=START) for author in ("li", "wu")]
    assert operations.outgoing(ends[0]).key == b"s" * 32
    assert ends[0].id == ends[1].id


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"author": " \n"}, "no_author"),
        ({"author": "x" * 129}, "too_long"),
        ({"reason": "x" * 1001}, "too_long"),
        ({"reason": " "}, "no_reason"),
        ({"lasting": timedelta(0)}, "too_short"),
        ({"lasting": timedelta(days=30, seconds=1)}, "too_far"),
        ({"match": {}}, "no_match"),
    ],
)
def test_a_silence_has_limits(given: dict[str, Any], reason: str) -> None:
    """Somebody, some reason, some time up to thirty days, and something that it matches."""
    fields: dict[str, Any] = {"match": {"rule": ("a",)}, "author": "li", "at": START, "lasting": HOUR, "reason": "r"}
    with pytest.raises(OperationRefused) as caught:
        operations.silence(**(fields | given))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "no_match"),
        (["rule"], "bad_match"),
        (["rule="], "bad_match"),
        (["rule=a", "rule=b"], "bad_match"),
        (["rule=" + "x" * 300], "bad_match"),
        (["serverity=info"], "meant_field"),
        (["labels.=x"], "unknown_field"),
        (["zzz=x"], "unknown_field"),
        (["severity=grave"], "bad_severity"),
        (["subject=BRW"], "bad_subject"),
        (["rule=" + ",".join(map(str, range(101)))], "too_long"),
    ],
)
def test_matchers_that_would_match_nothing_are_refused(parts: list[str], reason: str) -> None:
    """A misspelt field, severity or subject is named instead of silencing nothing."""
    with pytest.raises(OperationRefused) as caught:
        parse_match(parts)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["rule=negative-surge"], True),
        (["rule=other,negative-surge", "severity=warning,critical"], True),
        (["rule=negative-surge", "severity=info"], False),
        (["subject=entity:*"], True),
        (["subject=topic:*"], False),
        (["label.baseline=seasonal"], True),
        (["labels.baseline=sea*"], True),
        (["labels.desk=*"], False),
        ([f"alert={ALERT}"], True),
        (["name=Brightwater"], True),
    ],
)
def test_all_matchers_must_hold_and_one_value_each(parts: list[str], expected: bool) -> None:
    """Fields and labels are compared whole, or by their beginning; a label that is not there matches nothing."""
    assert matches(parse_match(parts), event()) is expected


@pytest.mark.parametrize(("text", "hours"), [("2h", 2.0), (" 30m ", 0.5), ("1h30m", 1.5), ("2d", 48.0)])
def test_lengths_of_time_are_those_of_rules(text: str, hours: float) -> None:
    """As in a rule file."""
    assert operations.parse_lasting(text) == hours * HOUR


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever is written, it is read or refused with a reason."""
    for read in (operations.parse_lasting, lambda t: parse_match([t]), lambda t: parse_match([f"rule={t}"])):
        found: Any = None
        try:
            found = read(text)
        except OperationRefused as refused:
            found = refused.reason
        assert isinstance(found, timedelta | dict) or found in get_args(Fault)


def test_control_characters_do_not_reach_the_record() -> None:
    """A reason that would move a cursor or turn a line around is kept without that."""
    made = operations.mark(ALERT, True, author="li\x1b[2J", at=START, reason="\u202egnorw\n")
    assert (made.author, made.reason) == ("li[2J", "gnorw")


def test_half_characters_do_not_break_the_record() -> None:
    """A command line with broken bytes holds them; they are replaced, and matchers with them are refused in words."""
    made = operations.mark(ALERT, True, author="li\udcff", at=START, reason="\udcfe")
    assert (made.author, made.reason) == ("li?", "?")
    assert decode(operations.outgoing(made).value, Opinion) == made
    with pytest.raises(OperationRefused, match="bad_match"):
        parse_match(["rule=\udcff"])
