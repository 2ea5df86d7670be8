"""What people said of alerts, and of what alerts missed, as truth."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import operations
from alerts.board import Board
from alerts.evaluation.annotated import annotated
from alerts.evaluation.truth import TruthEvent
from streams.records import AlertEvent, MissedEvent, Operation, digest
from tests.ringing import START, event

HOUR = timedelta(hours=1)
NOW = START + 90 * HOUR
A, B, C = (digest("alert", name) for name in "abc")


def life(alert: str, begin: float = 0, hours: float = 2, **changes: Any) -> list[AlertEvent]:
    """An alert that rang at an hour and ended so many hours later; none: it goes on."""
    since = START + begin * HOUR
    made = [event(0, "firing", alert=alert, since=since, at=since, **changes)]
    return made + [event(1, "resolved", alert=alert, since=since, at=since + hours * HOUR, **changes)] * bool(hours)


def mark(alert: str, right: bool, author: str = "li", **fields: Any) -> operations.Mark:
    return operations.mark(alert, right, author=author, **({"at": NOW - HOUR} | fields))


def missed(onset: float = 0, **fields: Any) -> MissedEvent:
    known: dict[str, Any] = {"author": "wu", "at": NOW - HOUR, "note": "a strike", "subject": "entity:BRW"}
    return operations.missed(onset=START + onset * HOUR, **(known | fields))


def truth(*records: AlertEvent | Operation, now: datetime = NOW) -> list[TruthEvent]:
    board = Board()
    for record in records:
        board.take(record)
    return list(annotated(board, now).events)


@pytest.mark.parametrize(
    ("votes", "kind"),
    [
        ([True], "negative"),
        ([False], "control"),
        ([True, False], "control"),  # even
        ([True, True, False], "negative"),
    ],
)
def test_a_marked_alert_is_an_event_from_its_beginning_to_its_end(votes: list[bool], kind: str) -> None:
    """Who says so stands in it; an even vote is wrong, as in the rolling precision."""
    marks = [mark(A, vote, f"p{n}", reason="seen") for n, vote in enumerate(votes)]
    (found,) = truth(*life(A, risks={"outage": 3, "none": 9}), *marks)
    assert (found.subject, found.onset, found.end) == ("entity:BRW", START, START + 2 * HOUR)
    assert (found.kind, found.risk, found.note) == (kind, "outage", "negative-surge: seen")
    assert found.source == f"alert {A[:8]}, marked by {', '.join(f'p{n}' for n in range(len(votes)))}"


def test_the_latest_mark_of_an_author_counts_and_a_later_one_is_not_known_yet() -> None:
    """Truth is as of a moment."""
    log = (*life(A), mark(A, False), mark(A, True, at=NOW))
    assert [found.kind for found in truth(*log)] == ["negative"]
    assert [found.kind for found in truth(*log, now=NOW - HOUR / 2)] == ["control"]
    assert truth(*log, now=START) == []


def test_an_alert_that_goes_on_has_no_end() -> None:
    """And an amendment after the end does not move it."""
    (going,) = truth(*life(A, hours=0), mark(A, True))
    assert going.end is None
    late = event(2, "amended", alert=B, since=START, at=START + 9 * HOUR)
    (over,) = truth(*life(B), late, mark(B, True))
    assert over.end == START + 2 * HOUR


@pytest.mark.parametrize("made", [{"demo": True}, {"replay": True}])
def test_invented_and_replayed_alerts_are_no_truth(made: dict[str, bool]) -> None:
    """As in the rolling precision."""
    assert truth(*life(A, **made), mark(A, True)) == []


def test_alerts_about_one_thing_are_one_event() -> None:
    """Two rules that rang for one subject at once; another subject, or another day, is another event."""
    log = [*life(A), *life(B, 1, 4, rule="share", name=""), *life(C, 48), *[mark(n, True) for n in (A, B, C)]]
    first, second = truth(*log)
    assert (first.onset, first.end) == (START, START + 5 * HOUR)
    assert first.note == "negative-surge; share"
    assert A[:8] in first.source
    assert B[:8] in first.source
    assert second.onset == START + 48 * HOUR
    others = [*life(A), *life(B, 1, subject="entity:HLD"), mark(A, True), mark(B, True)]
    assert len(truth(*others)) == 2


def test_where_something_was_right_nothing_is_a_control() -> None:
    """A rule marked wrong, beside another that was right, says that the rule was wrong, not that nothing happened."""
    log = [*life(A), *life(B, 1, rule="share"), mark(A, True), mark(B, False)]
    assert [found.kind for found in truth(*log)] == ["negative"]
    assert [found.kind for found in truth(*log[:2], *life(B, 30), *log[4:])] == ["negative", "control"]


def test_what_was_missed_is_an_event_of_whoever_added_it() -> None:
    """As it was said; a control as well; known to the day it lasts two days."""
    (found,) = truth(missed(risk="outage", end=START + HOUR, name="Brimwell"))
    assert found == TruthEvent(
        subject="entity:BRW", name="Brimwell", onset=START, end=START + HOUR, note="a strike", risk="outage",
        source=f"event {missed(risk='outage', end=START + HOUR).id[:8]}, added by wu",
    )  # fmt: skip
    (day,) = truth(missed(day_only=True, kind="control"))
    assert (day.kind, day.day_only, day.end) == ("control", True, START + timedelta(days=2))


def test_a_later_word_of_the_same_author_replaces_the_earlier_and_a_withdrawn_event_is_none() -> None:
    """Another note is a correction; whoever erred takes it back."""
    first, second = missed(note="a strike"), missed(note="a lockout", at=NOW)
    assert [found.note for found in truth(first, second)] == ["a lockout"]
    taken_back = operations.withdraw(second.id, author="wu", at=NOW)
    assert [found.note for found in truth(first, second, taken_back)] == ["a strike"]
    assert truth(first, operations.withdraw(first.id, author="wu", at=NOW)) == []


LOG: list[AlertEvent | Operation] = [
    *life(A), *life(B, 1), *life(C, 40, subject="entity:HLD"), mark(A, True), mark(A, False, "wu"), mark(B, True),
    mark(C, False), (early := missed(0.5)), missed(60, subject="entity:HLD"), missed(41, subject="entity:HLD"),
    missed(70, kind="control"), operations.withdraw(early.id, author="li", at=NOW - HOUR),
]  # fmt: skip


@given(st.permutations(LOG), st.lists(st.sampled_from(LOG), max_size=6))
def test_order_and_redelivery_change_no_truth(log: list[AlertEvent | Operation], again: list[Any]) -> None:
    """The log is a set of records; events of one subject and kind never overlap, and lie in order."""
    found = truth(*log, *again)
    assert found == truth(*LOG)
    assert [each.onset for each in found] == sorted(each.onset for each in found)
