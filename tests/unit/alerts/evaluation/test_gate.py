"""The gate: what may be lost, what may not, and what cannot be compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.evaluation.gate import FIGURES, MORE, TOLERANCES, Check, NotComparable, figures_only, gate, parse_tolerance
from alerts.evaluation.result import Evaluation, Note, RuleResult
from tests.unit.alerts.evaluation.cases import alert
from tests.unit.alerts.evaluation.results import at_events, many, result, rule

EVENTS = many(10)
GOOD = rule(at_events(8), EVENTS)


def of(**fields: Any) -> Evaluation:
    """A result whose one rule has these figures in place of good ones."""
    return result(EVENTS, {"r": replace(GOOD, **fields)})


def states(after: Evaluation, **tolerances: float) -> dict[str, str]:
    return {check.figure: check.state for check in gate(of(), after, tolerances or TOLERANCES)}


@pytest.mark.parametrize(
    ("fields", "figure", "state"),
    [
        ({}, "recall", "same"),
        ({"recall": 0.76}, "recall", "worse"),
        ({"recall": 0.75}, "recall", "worse"),  # exactly what is tolerated
        ({"recall": 0.74}, "recall", "lost"),
        ({"recall": 0.9}, "recall", "better"),
        ({"recall": None}, "recall", "lost"),
        ({"precision": 0.5}, "precision", "lost"),
        ({"false_per_subject_day": 0.0004}, "false_per_subject_day", "worse"),
        ({"false_per_subject_day": 0.0006}, "false_per_subject_day", "lost"),
        ({"delay_median_s": 3600.0 + 601, "outcomes": ()}, "delay_median_s", "lost"),
        ({"delay_median_s": 3000.0, "outcomes": ()}, "delay_median_s", "better"),
        ({"delay_median_s": None, "outcomes": ()}, "delay_median_s", "lost"),
    ],
)
def test_a_figure_is_lost_when_it_is_worse_by_more_than_is_tolerated(
    fields: dict[str, Any], figure: str, state: str
) -> None:
    """More is better for some, less for others; a figure that is no longer there is lost."""
    assert states(of(**fields))[figure] == state


def test_other_subjects_are_another_judgement() -> None:
    """Where fewer are labelled, false alarms vanish that the baseline counts; where all are, others may be found."""

    def labelled(code: str, subjects: int) -> Evaluation:
        return replace(of(), labelled_as=Note(code=code, values={"subjects": subjects}))

    with pytest.raises(NotComparable, match="judged for"):
        gate(labelled("labelled_stated", 9), labelled("labelled_stated", 3))
    with pytest.raises(NotComparable, match="judged for"):
        gate(labelled("labelled_everything", 9), labelled("labelled_stated", 9))
    assert gate(labelled("labelled_everything", 9), labelled("labelled_everything", 8))
    assert gate(of(), labelled("labelled_stated", 9))


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_fails_the_gate_when_it_is_worse_or_gone(figure: str) -> None:
    """Each in turn, with nothing tolerated; delays where no event says whose they are."""
    good = replace(GOOD, outcomes=(), public_delay_median_s=60.0, public_delay_p90_s=90.0)
    value = getattr(good, figure)
    worse = value - 0.01 if figure in MORE else value + 0.01
    before = result(EVENTS, {"r": good})
    for figures in ({figure: worse}, {figure: None}):
        (check,) = gate(before, result(EVENTS, {"r": replace(good, **figures)}), {figure: 0.0})
        assert (check.state, check.fails) == ("lost", True)


def test_delays_are_those_of_the_events_that_both_found() -> None:
    """One that finds two more, late, is no slower; one that finds the same later is, though it misses the slowest."""
    more = rule([*at_events(8), *at_events(10, after=20, skip=range(8))], EVENTS)
    assert more.delay_p90_s != GOOD.delay_p90_s
    tolerances = {"delay_median_s": 0.0, "delay_p90_s": 0.0}
    assert states(result(EVENTS, {"r": more}), **tolerances) == {"delay_median_s": "same", "delay_p90_s": "same"}
    slow = rule([*at_events(4, after=0.5), *at_events(8, after=9, skip=range(4))], EVENTS)
    later = rule([*at_events(4, after=1.0)], EVENTS)
    [check] = gate(result(EVENTS, {"r": slow}), result(EVENTS, {"r": later}), {"delay_median_s": 600.0})
    assert (check.before, check.after, check.state) == (1800.0, 3600.0, "lost")


def test_only_the_figures_asked_for_count() -> None:
    """One tolerance given, one figure looked at."""
    assert states(of(recall=0.1, f1=GOOD.f1), f1=0.0) == {"f1": "same"}


def test_a_figure_that_was_not_there_is_new() -> None:
    """A rule that never rang has no precision: the first one is neither better nor worse."""
    silent = result(EVENTS, {"r": []})
    found = {check.figure: check for check in gate(silent, of())}
    assert (found["precision"].state, found["precision"].fails) == ("new", False)


def test_a_rule_that_is_missing_is_a_loss_and_a_new_one_is_none() -> None:
    """Renaming a rule takes its measure away."""
    found = gate(result(EVENTS, {"old": GOOD}), result(EVENTS, {"new": GOOD}))
    assert [(check.rule, check.state, check.fails) for check in found] == [
        ("old", "missing", True), ("new", "new", False),
    ]  # fmt: skip


def test_another_history_cannot_be_compared() -> None:
    """Other events, another period, another matching: no verdict, but what to do."""
    with pytest.raises(NotComparable, match="knows 9 events, the baseline 10, and 1 are in one of them only"):
        gate(of(), result(EVENTS[1:], {"r": []}))
    with pytest.raises(NotComparable, match="replay the same history"):
        gate(of(), replace(of(), end=of().end + timedelta(days=1)))
    with pytest.raises(NotComparable, match="matched in another way"):
        gate(of(), replace(of(), matching=replace(of().matching, before_s=0)))


@pytest.mark.parametrize(
    ("text", "word"),
    [("recal=0.1", "did you mean recall"), ("recall", "expected FIGURE=NUMBER"), ("recall=x", "0 or more"),
     ("recall=-1", "0 or more"), ("recall=nan", "0 or more"), ("recall=inf", "0 or more")],
)  # fmt: skip
def test_a_tolerance_that_is_none_is_refused(text: str, word: str) -> None:
    """With what to write instead."""
    with pytest.raises(NotComparable, match=word):
        parse_tolerance(text)


def test_every_figure_may_have_a_tolerance_and_is_a_field_of_a_result() -> None:
    """No figure is named that nothing computes."""
    assert set(FIGURES) <= set(RuleResult.__struct_fields__)
    assert set(TOLERANCES) <= set(FIGURES)
    assert parse_tolerance("delay_median_s=600") == ("delay_median_s", 600.0)


def test_a_baseline_holds_figures_and_no_documents() -> None:
    """It is small enough to be kept with the code, and decides as the whole does."""
    whole = result(EVENTS, {"r": [*at_events(8), alert(5)]})
    small = figures_only(whole)
    assert small.rules["r"].episodes == small.events[0].told == ()
    assert small.rules["r"].recall == whole.rules["r"].recall
    expected = Check(rule="r", figure="recall", before=0.8, after=0.8, tolerance=0.05, state="same")
    assert gate(small, whole)[0] == gate(whole, small)[0] == expected
