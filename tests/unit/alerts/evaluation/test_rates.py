"""Rules at the same number of false alarms."""

from __future__ import annotations

from alerts.evaluation.curve import at_false_rates
from alerts.evaluation.rates import at_rate, table
from tests.unit.alerts.evaluation.results import at_events, many, point, rule

EVENTS = many(10)
CURVE = (point(1, 0.9, 0.02), point(2, 0.6, 0.004), point(3, 0.6, 0.002, 30.0), point(4, 0.2, 0.0), point(5, None, 0.0))


def test_the_best_setting_that_keeps_the_rate_is_taken() -> None:
    """The very one that the result of the rule names; of equal recall that with fewer false alarms."""
    limits = (0.0, 0.001, 0.002, 0.004, 0.1)
    curved = rule(at_events(4), EVENTS, curve=CURVE, at_false_rates=at_false_rates(CURVE, limits))
    assert [at_rate(curved, limit).recall for limit in limits] == [0.2, 0.2, 0.6, 0.6, 0.9]
    assert at_rate(curved, 0.004).value == 3
    assert tuple(at_rate(curved, limit) for limit in limits) == curved.at_false_rates


def test_a_rule_without_a_curve_is_taken_as_it_is() -> None:
    """With its figures, and no value of a knob."""
    found = at_rate(rule(at_events(4), EVENTS, recall=0.4, false_per_subject_day=0.001), 0.002)
    assert (found.recall, found.value) == (0.4, None)


def test_a_rule_that_keeps_no_rate_has_no_figures() -> None:
    """Nothing is made up for it."""
    loud = rule(at_events(4), EVENTS, false_per_subject_day=0.5)
    found = at_rate(loud, 0.1)
    assert (found.recall, found.value, found.controls_fired) == (None, None, None)


def test_the_table_is_in_order_of_recall() -> None:
    """A row a rule, a column a rate."""
    rules = {
        "quiet": rule(at_events(2), EVENTS, hash="q"),
        "good": rule(at_events(9), EVENTS, hash="g"),
        "curved": rule(at_events(2), EVENTS, curve=CURVE, knob="p"),
    }
    rows = table(rules, [0.0, 0.005])
    assert [row.rule for row in rows] == ["good", "curved", "quiet"]
    assert [[at.recall for at in row.at] for row in rows] == [[0.9, 0.9], [0.2, 0.6], [0.2, 0.2]]
    assert [row.knob for row in rows] == ["", "p", ""]
