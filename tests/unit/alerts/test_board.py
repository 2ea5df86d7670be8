"""What is open, who has it in hand, what is silent, how often rules were right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import matchers, operations
from alerts.board import CHANGES, Board, NotOne
from streams.records import AlertEvent, MissedEvent, Operation, digest
from tests.ringing import START, event

HOUR = timedelta(hours=1)
ROUNDING = 1e-12
NOW = START + HOUR
A, B, C = (digest("alert", name) for name in "abc")


def life(alert: str, *states: str, **changes: Any) -> list[AlertEvent]:
    """The steps of one alert, a minute apart."""
    return [event(n, state, alert=alert, at=START + timedelta(minutes=n), **changes) for n, state in enumerate(states)]


def ack(alert: str = A, at: datetime = START + timedelta(minutes=30), **changes: Any) -> operations.Acknowledgement:
    return operations.acknowledge(alert, **({"author": "desk", "at": at} | changes))


def mark(alert: str, right: bool, author: str = "desk", at: datetime = NOW) -> operations.Mark:
    return operations.mark(alert, right, author=author, at=at)


def silence(at: datetime = START, hours: int = 2, **match: str) -> operations.Silence:
    found = matchers.parse_match(f"{name}={value}" for name, value in match.items())
    return operations.silence(found, author="desk", at=at, lasting=hours * HOUR, reason="known")


def board(*records: AlertEvent | Operation) -> Board:
    made = Board()
    for record in records:
        made.take(record)
    return made


def everything(of: Board, now: datetime = NOW) -> Any:
    """All that a board says."""
    entries = of.entries(now, everything=True)
    return (
        entries,
        [of.history(entry.event.alert, now) for entry in entries],
        of.silences(now),
        [(rule, of.precision(rule, now)) for rule in of.rules()],
    )


LOG: list[AlertEvent | Operation] = [
    *life(A, "pending", "firing", "updated", severity="warning"),
    event(3, "updated", alert=A, severity="critical", at=START + timedelta(minutes=40)),
    *life(B, "firing", "resolved", "amended", rule="other", subject="topic:legal"),
    *life(C, "firing", demo=True, rule="third"),
    ack(),
    ack(at=START + timedelta(minutes=50)),
    ack(B),
    operations.escalate(A, author="desk", at=START + HOUR / 2, reason="the press calls"),
    mark(A, True),
    mark(A, False, "second"),
    mark(B, False),
    mark(B, True, at=NOW - HOUR / 2),
    mark(C, True),
    silence(rule="other"),
    (quiet := silence(subject="entity:BRW")),
    operations.end_silence(quiet.id, author="second", at=START + timedelta(minutes=20)),
    operations.end_silence(quiet.id, author="third", at=START + timedelta(minutes=45)),
]


@given(st.permutations(LOG), st.lists(st.sampled_from(LOG), max_size=10))
def test_order_and_redelivery_change_nothing(
    shuffled: list[AlertEvent | Operation], again: list[AlertEvent | Operation]
) -> None:
    """The board is the same whatever order the records come in and however often."""
    assert everything(board(*shuffled, *again)) == everything(board(*LOG))


def test_what_is_open_comes_with_the_most_urgent_first() -> None:
    """Severe before mild, untouched before acknowledged, new before old; what is over only when asked for."""
    made = board(
        *life(A, "firing", severity="warning"),
        *life(B, "firing", severity="critical", since=START - HOUR),
        *life(C, "firing", severity="critical"),
        *life(digest("d"), "firing", "resolved"),
        ack(C),
    )
    assert [entry.event.alert for entry in made.entries(NOW)] == [B, C, A]
    assert [entry.event.alert for entry in made.entries(NOW, severity="warning")] == [A]
    assert made.entries(NOW, rule="nothing") == []
    assert len(made.entries(NOW, everything=True)) == 4


def test_what_was_worst_is_known_when_all_is_over() -> None:
    """The last step of an alert tells that little is left; a list of what is over must tell what was burning."""
    steps = [event(n, state, alert=A, at=START + timedelta(minutes=n), beyond=beyond)
             for n, (state, beyond) in enumerate([("firing", 1.1), ("updated", 3.0), ("resolved", 0.0)])]  # fmt: skip
    (entry,) = board(*steps).entries(NOW, everything=True)
    assert (entry.event, entry.worst) == (steps[2], steps[1])


def test_an_escalation_is_part_of_the_history_and_leaves_the_alert_as_it_is() -> None:
    """It takes nothing in hand and marks nothing; repeated, it is the earlier one."""
    asked = operations.escalate(A, author="desk", at=START + HOUR, key="k")
    again = operations.escalate(A, author="desk", at=NOW, key="k")
    made = board(*life(A, "firing"), again, asked)
    found = made.history(A, NOW)
    assert found.operations == (asked,)
    assert found.entry.acknowledged is None
    assert made.operation(asked.id) == asked


def test_changes_of_rules_are_known_by_their_id_and_not_for_ever() -> None:
    """The newest thousand of ninety days: asking for the same change again finds it."""
    changes = [
        operations.rule_change("desk.yaml", was="", now=str(n), author="li", at=START + timedelta(seconds=n))
        for n in range(CHANGES + 5)
    ]
    made = board(*changes)
    assert made.operation(changes[0].id) == changes[0]
    made.trim(NOW)
    assert [made.operation(change.id) for change in (changes[4], changes[5])] == [None, changes[5]]
    made.trim(NOW + timedelta(days=100))
    assert made.operation(changes[-1].id) is None


def test_an_amendment_neither_opens_nor_closes() -> None:
    """A correction after the end leaves the alert closed, one in the middle leaves it open."""
    made = board(*life(A, "firing", "resolved", "amended"), *life(B, "firing", "amended"))
    assert [entry.event.alert for entry in made.entries(NOW)] == [B]


def test_an_acknowledgement_lapses_when_the_alert_grows_more_severe_or_its_time_is_over() -> None:
    """It holds for the severity that was known when it arrived, whatever the event time says."""
    warning = life(A, "firing", severity="warning")[0]
    worse = event(1, "updated", alert=A, severity="critical", at=START - 500 * HOUR)  # of an archive
    made = Board()
    made.take(warning, NOW)
    made.take(ack(at=NOW), NOW)
    assert made.entries(NOW)[0].acknowledged is not None
    made.take(worse, NOW + timedelta(seconds=1))
    assert made.entries(NOW)[0].acknowledged is None
    made.take(ack(at=NOW + HOUR, lasting=HOUR), NOW + HOUR)
    held = made.entries(NOW + 1.5 * HOUR)[0].acknowledged
    assert held is not None
    assert held.at == NOW + HOUR
    assert made.entries(NOW + 2 * HOUR)[0].acknowledged is None


def test_a_silence_is_in_force_between_its_ends() -> None:
    """From its beginning until its time or its end, for alerts that match, and told with its alert ever after."""
    quiet = silence(at=START + HOUR, rule="negative-surge", severity="critical,warning")
    made = board(*life(A, "firing"), quiet, silence(at=START, subject="topic:*"))
    assert [s.id for s in made.entries(START + HOUR)[0].silences] == [quiet.id]
    assert made.entries(START + HOUR / 2)[0].silences == ()
    assert made.silences(START + 3 * HOUR) == []
    made.take(operations.end_silence(quiet.id, author="x", at=START + 2 * HOUR))
    assert made.silences(START + 2 * HOUR) == []
    assert len(made.silences(START + 1.5 * HOUR)) == 2
    kinds = [type(o).__name__ for o in made.history(A, NOW + 9 * HOUR).operations]
    assert kinds == ["Silence", "SilenceEnd"]


def test_ids_are_found_by_a_prefix_that_is_theirs_alone() -> None:
    """Six characters at least; unknown, ambiguous and short ones say so."""
    one, two = "abcdef" + "0" * 26, "abcdef" + "1" * 26
    made = board(*life(one, "firing"), *life(two, "firing"), ack(digest("never seen")))
    assert made.find(f" {one[:7].upper()} ") == one
    assert made.find(one) == one
    for prefix, reason in (
        ("abcdef", "ambiguous"),
        ("abcd", "short"),
        ("ffffff", "unknown"),
        (digest("never seen"), "unknown"),
    ):
        with pytest.raises(NotOne) as caught:
            made.find(prefix)
        assert caught.value.reason == reason


def test_precision_counts_majorities_and_gives_wilsons_interval() -> None:
    """Ties are wrong, the latest mark of an author counts, demo and replayed alerts and old marks do not."""
    alerts = [digest("precise", str(n)) for n in range(10)]
    made = board(*(e for a in alerts for e in life(a, "firing", "resolved")))
    for alert in alerts[:8]:
        made.take(mark(alert, True))
    made.take(mark(alerts[8], True))
    made.take(mark(alerts[8], False, "second"))
    made.take(mark(alerts[9], True, at=NOW - HOUR))
    made.take(mark(alerts[9], False))
    for flag in ("demo", "replay"):
        made.take(event(alert=digest(flag), **{flag: True}))
        made.take(mark(digest(flag), True))
    made.take(mark(alerts[0], False, "long ago", NOW - timedelta(days=91)))
    made.take(mark(alerts[0], False, "too late", NOW + HOUR))
    found = made.precision("negative-surge", NOW)
    assert (found.right, found.wrong, found.share) == (8, 2, 0.8)
    # Newcombe (1998), Statistics in Medicine 17, gives the formula; 8 of 10 by hand: 0.4902 to 0.9433
    assert (round(found.low, 4), round(found.high, 4)) == (0.4902, 0.9433)
    nothing = made.precision("unmarked", NOW)
    assert (nothing.share, nothing.low, nothing.high) == (None, 0.0, 1.0)


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_share_lies_in_its_interval(right: int, wrong: int) -> None:
    """Whatever the marks, the interval holds the share and lies between 0 and 1."""
    made = Board()
    for n in range(right + wrong):
        alert = digest("many", str(n))
        made.take(event(alert=alert))
        made.take(mark(alert, n < right))
    found = made.precision("negative-surge", NOW)
    assert found.share is not None
    assert 0 <= found.low <= found.share + ROUNDING
    assert found.share - ROUNDING <= found.high <= 1


def test_memory_is_bounded_and_open_or_marked_alerts_stay() -> None:
    """Of the closed ones the newest stay; what is open, or was marked lately, is kept whatever the number."""
    made = Board(keep=timedelta(days=90), most=3)
    closed = [digest("closed", str(n)) for n in range(10)]
    for n, alert in enumerate(closed):
        for each in life(alert, "firing", "resolved"):
            made.take(each, START + n * HOUR)
    made.take(mark(closed[0], True, at=START + HOUR))
    made.take(event(alert=A), START)
    made.take(silence(rule="x"))
    made.trim(START + 20 * HOUR)
    left = {entry.event.alert for entry in made.entries(NOW, everything=True)}
    assert left == {A, closed[0], *closed[7:]}
    made.trim(START + timedelta(days=200))
    assert [entry.event.alert for entry in made.entries(NOW, everything=True)] == [A]
    assert made.silences(NOW) == []


def added(number: int, at: datetime = START) -> MissedEvent:
    return operations.missed(f"entity:E{number}", START - HOUR, author="desk", at=at, note="no alert told of it")


def test_missed_events_are_not_kept_for_ever() -> None:
    """What was added long ago leaves, and of the rest the newest stay; a withdrawn one never counts again."""
    made = Board(keep=timedelta(days=90), most_missed=3)
    events = [added(number, START + number * HOUR) for number in range(6)]
    gone = operations.withdraw(events[4].id, author="desk", at=START + 7 * HOUR)
    for record in (gone, *events):
        made.take(record)
    made.trim(START + 8 * HOUR)
    assert [event.id for event in made.missed()] == [events[3].id, events[5].id]
    assert made.find_missed(events[4].id) == events[4].id
    assert made.operation(gone.id) == gone
    with pytest.raises(NotOne):
        made.find_missed(events[2].id)
    made.trim(START + timedelta(days=90) + 4.5 * HOUR)
    assert [event.id for event in made.missed()] == [events[5].id]
    made.trim(START + timedelta(days=91))
    assert (made.missed(), made.operation(gone.id)) == ([], None)


def test_a_withdrawal_waits_for_its_event() -> None:
    """They may come in any order, and between them the board may forget what is old."""
    event = added(1)
    made = board(operations.withdraw(event.id, author="desk", at=START + HOUR))
    made.trim(NOW)
    made.take(event)
    made.trim(NOW)
    assert made.missed() == []
