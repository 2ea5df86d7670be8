"""A rule's knob turned: precision and recall at every setting, and the best setting within a budget. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from alerts.evaluation.matching import Judged
from alerts.evaluation.measures import measure
from alerts.evaluation.result import AtRate, Point

FALSE_RATES: Final = (0.0005, 0.0015, 0.003, 0.005, 0.011, 0.015)  # false alerts per subject-day
A_WEEK: Final = (1, 2, 5, 10, 20, 50)  # alerts, of all subjects together


def point(value: float, judged: Judged) -> Point:
    """One setting's figures. `alerts` counts those that are judged: the excluded are none of the budget's."""
    found = measure(judged)
    return Point(
        value=value,
        precision=found.precision,
        recall=found.recall,
        false_per_subject_day=found.false_per_subject_day,
        delay_median_s=found.delay_median_s,
        controls_fired=found.controls_fired,
        alerts=found.alerts - found.excluded,
        found=found.found,
    )


def at_false_rates(curve: Sequence[Point], limits: Sequence[float] = FALSE_RATES) -> tuple[AtRate, ...]:
    """The best recall at no more than so many false alerts per subject-day; nothing without a curve.

    Of settings that find as much, the one with the least median delay, then the fewest false alarms, is taken: what
    the limit allows is paid for. Nothing is interpolated: only what was replayed is told.
    """
    return _best(curve, limits, lambda each: each.false_per_subject_day)


def at_alerts_a_week(curve: Sequence[Point], days: float, limits: Sequence[float] = A_WEEK) -> tuple[AtRate, ...]:
    """The same at no more than so many alerts a week, right and wrong ones, of all subjects together."""
    return _best(curve, limits, lambda each: each.alerts / days * 7 if days else None)


def _best(curve: Sequence[Point], limits: Sequence[float], cost: Callable[[Point], float | None]) -> tuple[AtRate, ...]:
    known = [(spent, each) for each in curve if (spent := cost(each)) is not None]
    return tuple(_at(limit, [each for spent, each in known if spent <= limit]) for limit in limits) if curve else ()


def _at(limit: float, kept: Sequence[Point]) -> AtRate:
    best = min(kept, key=_rank, default=None)
    return AtRate(
        limit=limit,
        value=best.value if best else None,
        recall=best.recall if best else None,
        false_per_subject_day=best.false_per_subject_day if best else None,
        delay_median_s=best.delay_median_s if best else None,
        controls_fired=best.controls_fired if best else None,
    )


def _rank(point: Point) -> tuple[float, float, float, float]:
    """The most events first, of those the soonest: false alarms within the limit were allowed for."""
    return (
        -(point.recall or 0.0),
        float("inf") if point.delay_median_s is None else point.delay_median_s,
        point.false_per_subject_day or 0.0,
        point.value,
    )
