"""Alerts and events brought together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.matching import episodes, fitting, judge, leading, span
from alerts.evaluation.result import Episode, Matching
from alerts.evaluation.truth import Labelled, Truth, TruthEvent
from streams.records import Evidence
from tests.unit.alerts.evaluation.cases import ACME, BOLT, alert, event, everyone, ground, hour, judged, step

EXCLUDING = Matching(unlabelled="excluded")
HOURS = st.integers(0, 1000)
EPISODES = st.lists(st.builds(alert, HOURS, st.sampled_from([ACME, BOLT])), max_size=20, unique_by=lambda e: e.alert)
KINDS = st.sampled_from(["negative", "control"])
EVENTS = st.lists(
    st.builds(lambda on, long, who, kind: event(on, on + long, who, kind=kind), HOURS, st.integers(0, 80),
              st.sampled_from([ACME, BOLT]), KINDS), max_size=8)  # fmt: skip


def verdicts(alerts: Sequence[Episode], events: Sequence[TruthEvent], **how: Any) -> list[tuple[str, int | None]]:
    return [(each.judged, each.event) for each in judged(alerts, events, **how).episodes]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (98, "true"),  # two hours before the onset, to the second
        (98 - 1 / 3600, "false"),
        (100, "true"),
        (130, "true"),  # the end, to the second
        (130 + 1 / 3600, "false"),
    ],
)
def test_both_edges_of_a_window_belong_to_it(at: float, verdict: str) -> None:
    """An alert exactly on an edge finds the event, a second outside it does not."""
    assert verdicts([alert(at)], [event(100, 130)])[0][0] == verdict


@pytest.mark.parametrize(("end", "last"), [(None, 124), (101, 124), (124, 124), (150, 150)])
def test_a_window_lasts_at_least_a_day(end: float | None, last: float) -> None:
    """Until the end, or a day after the onset where that is later."""
    assert span(event(100, end), Matching()) == (hour(98), hour(last))


def test_the_first_alert_finds_and_further_ones_repeat() -> None:
    """One alert an event: the others are neither right nor wrong."""
    assert verdicts([alert(105), alert(101), alert(120)], [event(100)]) == [("true", 0), ("repeat", 0), ("repeat", 0)]


def test_another_subject_s_alert_finds_nothing() -> None:
    """However near in time."""
    assert verdicts([alert(100, BOLT)], [event(100)]) == [("false", None)]


def test_overlapping_events_are_found_one_by_one() -> None:
    """The one that began last comes first; an alert takes one event alone."""
    events = [event(100), event(110)]
    assert verdicts([alert(111), alert(112), alert(113)], events) == [("true", 1), ("true", 0), ("repeat", 1)]


def test_an_alert_takes_what_has_begun_before_what_is_to_come() -> None:
    """An event whose onset is an hour away has not begun."""
    assert verdicts([alert(109)], [event(100), event(110)]) == [("true", 0)]


def test_an_alert_in_a_control_is_a_false_alarm_told_apart() -> None:
    """Each of them, and the control is named."""
    found = judged([alert(101), alert(102)], [event(100, kind="control")])
    assert [(each.judged, each.event) for each in found.episodes] == [("control", 0), ("control", 0)]
    assert [(each.found, each.delay_s) for each in found.outcomes] == [(True, None)]


def test_within_an_event_there_is_no_control() -> None:
    """An alert in both belongs to the event."""
    events = [event(100, 150), event(110, 120, kind="control")]
    found = judged([alert(101), alert(112)], events)
    assert [each.judged for each in found.episodes] == ["true", "repeat"]
    assert [each.found for each in found.outcomes] == [True, False]


def test_events_of_subjects_that_a_rule_does_not_cover_are_none_of_its() -> None:
    """It could not find them."""
    found = judged([], [event(100), event(100, subject=BOLT)], covers=lambda subject: subject == BOLT)
    assert [each.event for each in found.outcomes] == [1]
    assert found.subjects == frozenset()  # the stream never speaks of Bolt, and nobody says that it counts


@pytest.mark.parametrize(
    ("labelled", "expected"),
    [
        (None, ["false", "false", "false"]),  # for the subjects of the events
        (Labelled(subjects=(ACME,)), ["false", "false", "excluded"]),
        (Labelled(), ["false", "false", "excluded"]),  # for all that the stream mentions: not Bolt
        (Labelled(subjects=(ACME, BOLT), begin=hour(60)), ["excluded", "false", "false"]),
        (Labelled(subjects=(ACME, BOLT), end=hour(60)), ["false", "excluded", "excluded"]),
    ],
)
def test_what_lies_outside_the_labelled_is_excluded_where_asked(labelled: Labelled | None, expected: list[str]) -> None:
    """By subject and by time."""
    events = [event(1000), event(1000, subject=BOLT)]
    alerts = [alert(50), alert(70), alert(80, BOLT)]
    assert [each for each, _ in verdicts(alerts, events, matching=EXCLUDING, labelled=labelled)] == expected


def test_unlabelled_alerts_are_false_alarms_unless_excluded() -> None:
    """The option decides, whatever the truth says it is complete for."""
    labelled = Labelled(subjects=(ACME,), begin=hour(10), end=hour(20))
    assert verdicts([alert(50, BOLT)], [], labelled=labelled) == [("false", None)]


def test_an_alert_that_matches_is_never_excluded() -> None:
    """Though its event lies outside what is labelled."""
    labelled = Labelled(subjects=(ACME,))
    assert verdicts([alert(100, BOLT)], [event(100, subject=BOLT)], matching=EXCLUDING, labelled=labelled) == [
        ("true", 0)
    ]


def test_a_truth_that_says_what_it_covers_asks_for_exclusion() -> None:
    """And one that does not, does not."""
    assert fitting(Truth(events=(), labelled=Labelled())).unlabelled == "excluded"
    assert fitting(Truth(events=()), Matching(before_s=1)) == Matching(before_s=1)


def test_an_episode_is_made_of_what_an_alert_said() -> None:
    """Fired, at its worst, and over."""
    told = Evidence(
        document="d", headline="h", url="u", source="wire", collected_at=hour(4), negative=0.9, copies=1, authors=1
    )
    found = episodes(
        [
            step("a", 3, "resolved", 9, beyond=0.5, severity="critical"),
            step("a", 2, "updated", 6, beyond=3.0, observed=9.0, severity="critical"),
            step("a", 0, "pending", 4),
            step("a", 1, "firing", 5, beyond=1.0, evidence=(told,), risks={"none": 4, "outage": 1}),
        ]
    )
    assert [(e.at, e.until, e.severity, e.beyond, e.observed, e.risk) for e in found] == [
        (hour(5), hour(9), "critical", 3.0, 9.0, "outage")
    ]
    assert [(each.document, each.at) for each in found[0].documents] == [("d", hour(4))]


def test_what_never_fired_is_no_episode() -> None:
    """Pending and lapsed."""
    assert episodes([step("a", 0, "pending", 1), step("a", 1, "resolved", 2)]) == []


def test_an_open_alert_has_no_end() -> None:
    """The replay ended first."""
    assert episodes([step("a", 0, "firing", 1)])[0].until is None


def test_a_topic_s_alert_is_about_it() -> None:
    """As its subject says."""
    assert episodes([step("a", 0, "firing", 1, subject="topic:legal")])[0].topic == "legal"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [({}, ""), ({"none": 3}, "none"), ({"none": 3, "b": 1, "a": 1}, "a"), ({"": 9, "b": 1}, "b")],
)
def test_the_most_frequent_word_leads(counts: dict[str, int], expected: str) -> None:
    """The word for nothing only where there is no other."""
    assert leading(counts, but="none") == expected


@given(alerts=EPISODES, events=EVENTS, data=st.data())
def test_the_order_of_alerts_does_not_matter(
    alerts: list[Episode], events: list[TruthEvent], data: st.DataObject
) -> None:
    """The same verdicts, however they come."""
    other = data.draw(st.permutations(alerts))
    assert judge(alerts, ground(events), everyone) == judge(other, ground(events), everyone)


@given(alerts=EPISODES, events=EVENTS)
def test_every_found_event_has_one_alert(alerts: list[Episode], events: list[TruthEvent]) -> None:
    """As many right alerts as events found, each within its event's window."""
    found = judged(alerts, events)
    places = [each.event for each in found.episodes if each.judged == "true"]
    assert sorted(places) == [  # type: ignore[type-var]
        each.event for each in found.outcomes if each.found and found.ground.events[each.event].kind == "negative"
    ]
    for each in found.episodes:
        if each.event is not None:
            assert found.ground.events[each.event].begin <= each.at <= found.ground.events[each.event].end
