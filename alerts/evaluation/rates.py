"""Rules side by side at the same number of false alarms: what each finds when all are allowed to be wrong as often.

At their own settings two rules hardly compare: one rings more often. Along its curve each rule has a setting that keeps
a rate, and there recall, delay and controls are comparable. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

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

    The setting of a rule's curve with the best recall at no more than the rate, the rule as it is among them; of
    several that with the least delay, then the fewest false alarms. A rule that no setting keeps within a rate has no
    figures there. Rows are in order of recall at the rates, the best first.
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
    """The best of a rule's settings that keeps the limit; without a value, but with figures, the rule as it is."""
    kept = [p for p in (*rule.curve, _itself(rule)) if p.recall is not None and _rate(p) <= limit]
    if not kept:
        return AtRate(
            limit=limit, value=None, recall=None, false_per_subject_day=None, delay_median_s=None, controls_fired=None
        )
    best = min(kept, key=lambda p: (-(p.recall or 0.0), _delay(p), _rate(p)))
    return AtRate(
        limit=limit,
        value=None if math.isnan(best.value) else best.value,
        recall=best.recall,
        false_per_subject_day=best.false_per_subject_day,
        delay_median_s=best.delay_median_s,
        controls_fired=best.controls_fired,
    )


def _itself(rule: RuleResult) -> Point:
    return Point(
        value=float("nan"),
        precision=rule.precision,
        recall=rule.recall,
        false_per_subject_day=rule.false_per_subject_day,
        delay_median_s=rule.delay_median_s,
        controls_fired=rule.controls_fired,
        alerts=rule.alerts,
        found=rule.found,
    )


def _rate(point: Point) -> float:
    return float("inf") if point.false_per_subject_day is None else point.false_per_subject_day


def _delay(point: Point) -> float:
    return float("inf") if point.delay_median_s is None else point.delay_median_s
