"""The figures of a rule."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.evaluation.measures import groups, measure
from alerts.evaluation.result import Episode, Matching
from alerts.evaluation.truth import Labelled, TruthEvent
from tests.unit.alerts.evaluation.cases import ACME, BOLT, alert, event, hour, judged, measured
from tests.unit.alerts.evaluation.test_matching import EPISODES, EVENTS

FOUR = [event(100), event(300), event(500), event(700)]


def test_the_figures_of_a_small_case() -> None:
    """Two of four found, one repeat, two false, of which one in a control; seventy days of one subject."""
    events = [*FOUR, event(900, kind="control"), event(1100, kind="control")]
    found = measured([alert(101), alert(102), alert(304), alert(600), alert(901)], events)
    assert (found.alerts, found.true, found.repeats, found.false, found.excluded) == (5, 2, 1, 2, 0)
    assert (found.events, found.found, found.controls, found.controls_fired) == (4, 2, 2, 1)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert (found.subject_days, found.false_per_subject_day) == (70.0, 2 / 70)
    assert (found.delay_median_s, found.delay_p90_s) == (2.5 * 3600, 3.7 * 3600)


def test_without_alerts_there_is_no_precision() -> None:
    """But a recall: nothing was found."""
    found = measured([], FOUR)
    assert (found.precision, found.recall, found.f1, found.delay_median_s) == (None, 0.0, 0.0, None)
    assert found.score == 0.0


def test_without_events_there_is_no_recall() -> None:
    """But a precision: nothing was right."""
    found = measured([alert(5)], [])
    assert (found.precision, found.recall, found.f1, found.score) == (0.0, None, None, None)


def test_without_subject_days_there_is_no_rate() -> None:
    """A rule that covers nobody."""
    found = measured([], FOUR, covers=lambda subject: False)
    assert (found.events, found.subject_days, found.false_per_subject_day) == (0, 0.0, None)


def test_a_day_has_no_delay() -> None:
    """An onset known to the day says nothing about minutes; the event is found all the same."""
    found = measured([alert(101)], [event(100, day_only=True)])
    assert (found.found, found.delay_median_s, found.public_delay_median_s) == (1, None, None)


def test_an_alert_may_be_early() -> None:
    """A delay below zero: before the onset, within what the matching allows."""
    assert measured([alert(99)], [event(100)]).delay_median_s == -3600.0


def test_subject_days_are_those_of_the_labelled() -> None:
    """Their number times the labelled part of the replay."""
    labelled = Labelled(subjects=(ACME, BOLT), begin=hour(480), end=hour(720))
    found = measured([alert(400), alert(500)], [], matching=Matching(unlabelled="excluded"), labelled=labelled)
    assert (found.subject_days, found.excluded, found.false) == (20.0, 1, 1)


def test_groups_are_those_of_the_events_else_of_the_alerts() -> None:
    """A right alert counts where its event does, a false one where its own documents say."""
    events = [event(100, lang="en", risk="outage"), event(300, lang="zh"), event(500, subject=BOLT, lang="en")]
    alerts = [alert(101, lang="zh"), alert(700, lang="zh", topic="legal"), alert(501, BOLT)]
    found = groups(judged(alerts, events))
    assert {lang: (each.true, each.false, each.events) for lang, each in found["lang"].items()} == {
        "en": (2, 0, 2), "zh": (0, 1, 1)
    }  # fmt: skip
    assert {risk: each.events for risk, each in found["risk"].items()} == {"outage": 1, "unknown": 2}
    assert {topic: each.alerts for topic, each in found["topic"].items()} == {"legal": 1, "unknown": 2}
    assert {who: (each.subject_days, each.recall) for who, each in found["subject"].items()} == {
        ACME: (70.0, 0.5), BOLT: (0.0, 1.0)
    }  # fmt: skip


def test_intervals_are_the_same_with_the_same_seed() -> None:
    """And others with another."""
    case = judged([alert(101), alert(304), alert(600)], FOUR)
    assert measure(case, 200, seed=1) == measure(case, 200, seed=1)
    assert measure(case, 200, seed=1) != measure(case, 200, seed=2)


def test_without_rounds_there_are_no_intervals() -> None:
    """The same figures, sooner."""
    case = judged([alert(101), alert(304), alert(600)], FOUR)
    bare = dict.fromkeys(
        ("precision_interval", "recall_interval", "f1_interval", "false_interval", "delay_interval"), None
    )
    assert measure(case) == replace(measure(case, 200), **bare)


def test_all_or_nothing_has_an_exact_bound() -> None:
    """Nothing of four found: at most 0.60 (Clopper and Pearson); no false alarm in 70 days: at most 3.69 in them."""
    none = measured([], FOUR, rounds=100)
    assert none.recall_interval is not None
    assert none.false_interval is not None
    assert (none.recall_interval.low, none.recall_interval.high) == (0.0, pytest.approx(0.6024, abs=1e-4))
    assert none.false_interval.high == pytest.approx(-math.log(0.025) / 70)
    every = measured([alert(at) for at in (100, 300, 500, 700)], FOUR, rounds=100)
    assert every.precision_interval == every.recall_interval
    assert every.recall_interval is not None
    assert every.recall_interval.low == pytest.approx(0.025**0.25)


@given(alerts=EPISODES, events=EVENTS, at=st.integers(1300, 1600))
def test_a_false_alarm_more_raises_nothing(alerts: list[Episode], events: list[TruthEvent], at: int) -> None:
    """Neither precision nor F1 nor any score; recall stays."""
    before, after = measured(alerts, events), measured([*alerts, alert(at + 0.5)], events)
    assert after.false == before.false + 1
    assert after.recall == before.recall
    if before.precision is not None:
        assert after.precision is not None
        assert after.precision <= before.precision
    for name in ("f1", "score", "score_low_false", "score_low_miss"):
        if getattr(before, name) is not None:
            assert getattr(after, name) <= getattr(before, name)


@given(alerts=EPISODES, events=EVENTS)
def test_figures_lie_within_their_intervals(alerts: list[Episode], events: list[TruthEvent]) -> None:
    """Recall, precision, F1 and the rate of false alarms."""
    found = measured(alerts, events, rounds=300)
    for value, interval in (
        (found.recall, found.recall_interval),
        (found.precision, found.precision_interval),
        (found.f1, found.f1_interval),
        (found.false_per_subject_day, found.false_interval),
    ):
        if interval is not None:
            assert value is not None
            assert interval.low - 1e-12 <= value <= interval.high + 1e-12


def test_hundreds_of_variants_are_measured_in_seconds() -> None:
    """A thousand alerts against a hundred events take less than a tenth of a second of CPU."""
    alerts, events = [alert(at / 2) for at in range(1000)], [event(5 * at) for at in range(100)]
    case = judged(alerts, events)
    begin = time.process_time()
    measure(case)
    assert time.process_time() - begin < 0.1
