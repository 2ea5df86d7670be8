"""Rules side by side at the same number of false alarms: what each finds when all are allowed to be wrong as often.

At their own settings two rules hardly compare: one rings more often. Along its curve each rule has a setting that keeps
a rate, and there recall, delay and controls are comparable. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.curve import at_false_rates
from alerts.evaluation.result import AtRate, Point, RuleResult


class Row(Struct, frozen=True, kw_only=True):
    """One rule at each of the rates, in their order."""

    rule: str
    hash: str
    knob: str
    events: int
    controls: int
    at: tuple[AtRate, ...]


def table(rules: Mapping[str, RuleResult], rates: Sequence[float]) -> tuple[Row, ...]:
    """A row for each rule by the name it is given here, at each rate (false alerts per subject-day).

    A rule that no setting keeps within a rate has no figures there. Rows are in order of recall at the rates, the best
    first.
    """
    rows = [
        Row(
            rule=name,
            hash=rule.hash,
            knob=rule.knob,
            events=rule.events,
            controls=rule.controls,
            at=tuple(at_rate(rule, rate) for rate in rates),
        )
        for name, rule in rules.items()
    ]
    return tuple(sorted(rows, key=lambda row: ([-(at.recall or 0.0) for at in row.at], row.rule)))


def at_rate(rule: RuleResult, limit: float) -> AtRate:
    """The best of a rule's settings that keeps the limit, as in its result (`curve.at_false_rates`); of a rule without
    a curve the rule as it is: without a value, but with figures."""
    (found,) = at_false_rates(rule.curve or (_itself(rule),), (limit,))
    return found if rule.curve else replace(found, value=None)


def _itself(rule: RuleResult) -> Point:
    return Point(
        value=0.0,
        precision=rule.precision,
        recall=rule.recall,
        false_per_subject_day=rule.false_per_subject_day,
        delay_median_s=rule.delay_median_s,
        controls_fired=rule.controls_fired,
        alerts=rule.alerts,
        found=rule.found,
    )
