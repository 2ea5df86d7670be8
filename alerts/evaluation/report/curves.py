"""The curves of all rules in two charts: precision against recall, and recall against false alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from alerts.evaluation.report import charts
from alerts.evaluation.report.charts import Scale
from alerts.evaluation.report.wording import Lang, rate, say, setting, share
from alerts.evaluation.result import Evaluation, Measure, Point, RuleResult

WIDTH: Final = 480
HEIGHT: Final = 350
LEFT, RIGHT, TOP, BOTTOM = 44, 460, 26, 306
SHARES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
At = Callable[[Measure | Point], "tuple[float, float] | None"]


@dataclass(frozen=True, slots=True)
class Plane:
    """One chart: its axes, and where a measure lies on it (None: it has no place)."""

    title: str
    across: str
    down: str
    x: Scale
    ticks: tuple[float, ...]
    place: At


def any_place(evaluation: Evaluation) -> bool:
    """Whether a rule or a setting of it has a place on a chart: without events there is no recall."""
    return any(_rf(m) or _pr(m) for rule in evaluation.rules.values() for m in _settings(rule))


def precision_recall(evaluation: Evaluation, lang: Lang) -> Markup:
    """Precision (up) against recall (across)."""
    plane = Plane(
        say(lang, "curve.pr"), say(lang, "recall"), say(lang, "precision"), Scale(0, 1, LEFT, RIGHT), SHARES, _pr
    )
    return _chart(evaluation, plane, lang, share)


def recall_false(evaluation: Evaluation, lang: Lang) -> Markup:
    """Recall (up) against false alerts per subject-day (across, by powers of ten; none at all at the left end)."""
    every = [m.false_per_subject_day for rule in evaluation.rules.values() for m in _settings(rule)]
    low, high = charts.decades(value for value in every if value is not None)
    plane = Plane(
        say(lang, "curve.rf"), say(lang, "false_rate"), say(lang, "recall"),
        Scale(low, high, LEFT, RIGHT, log=True), (0.0, *charts.log_ticks(low, high)), _rf,
    )  # fmt: skip
    return _chart(evaluation, plane, lang, setting)


def _settings(rule: RuleResult) -> list[Measure | Point]:
    return [rule, *rule.curve]


def _pr(measure: Measure | Point) -> tuple[float, float] | None:
    if measure.recall is None or measure.precision is None:
        return None
    return measure.recall, measure.precision


def _rf(measure: Measure | Point) -> tuple[float, float] | None:
    if measure.recall is None or measure.false_per_subject_day is None:
        return None
    return measure.false_per_subject_day, measure.recall


def _chart(evaluation: Evaluation, plane: Plane, lang: Lang, tick: Callable[[float], str]) -> Markup:
    y = Scale(0, 1, BOTTOM, TOP)
    parts = [_axes(plane, y, tick)]
    rules = list(evaluation.rules.items())
    for index, (name, result) in enumerate(rules):
        parts += _curve(plane, y, index, name, result, lang)
    parts += _current(plane, y, rules, lang)
    title = f"{plane.title}: {', '.join(name for name, _ in rules)}"
    return charts.drawing(WIDTH, HEIGHT, title, parts)


def _axes(plane: Plane, y: Scale, tick: Callable[[float], str]) -> Markup:
    parts = [charts.text(LEFT, 14, plane.down, "axis", "start")]
    parts += [charts.rule(LEFT, y(value), RIGHT, y(value)) for value in SHARES]
    parts += [charts.text(LEFT - 7, y(value) + 4, share(value), anchor="end") for value in SHARES]
    parts += [charts.rule(plane.x(value), TOP, plane.x(value), BOTTOM) for value in plane.ticks]
    parts += [charts.text(plane.x(value), BOTTOM + 16, tick(value)) for value in plane.ticks]
    return charts.EMPTY.join([*parts, charts.text(RIGHT, HEIGHT - 8, plane.across, "axis", "end")])


def _curve(plane: Plane, y: Scale, index: int, name: str, result: RuleResult, lang: Lang) -> list[Markup]:
    """The line through all settings of the knob, and a small mark for each."""
    look = charts.style(index)
    found = [(p, at) for p in sorted(result.curve, key=lambda p: p.value) if (at := plane.place(p)) is not None]
    places = [(plane.x(a), y(b)) for _, (a, b) in found]
    marks = [
        charts.mark(*place, look.mark, 2.2, f"{look.colour} hollow", _said(name, result.knob, point, lang))
        for place, (point, _) in zip(places, found, strict=True)
    ]
    return [charts.line(places, f"curve {look.colour}", look.dash), *marks]


def _said(name: str, knob: str, point: Point, lang: Lang) -> str:
    return say(
        lang, "curve.point", rule=name, knob=knob, value=setting(point.value), recall=share(point.recall),
        precision=share(point.precision), false=rate(point.false_per_subject_day),
    )  # fmt: skip


def _current(plane: Plane, y: Scale, rules: Sequence[tuple[str, RuleResult]], lang: Lang) -> list[Markup]:
    """Each rule as it stands: a large mark with the rule's letter, on top of all lines."""
    letters: dict[tuple[float, float], list[str]] = {}
    parts: list[Markup] = []
    for n, (name, result) in enumerate(rules):
        at = plane.place(result)
        if at is not None:
            place = plane.x(at[0]), y(at[1])
            look = charts.style(n)
            parts.append(charts.mark(*place, look.mark, 6, f"{look.colour} filled", say(lang, "curve.now", rule=name)))
            letters.setdefault(place, []).append(charts.letter(n))
    return parts + _labels(letters)


def _labels(letters: Mapping[tuple[float, float], Sequence[str]]) -> list[Markup]:
    """One label for all marks of one place, beside it and apart from the others."""
    places = list(letters)
    moved = charts.spread([(x, y - 8 if y > TOP + 12 else y + 12) for x, y in places])
    return [
        charts.text(x - 9, y + 4, " ".join(letters[place]), "letter", "end")
        if x > RIGHT - 20
        else charts.text(x + 9, y + 4, " ".join(letters[place]), "letter", "start")
        for place, (x, y) in zip(places, moved, strict=True)
    ]


def swatch(index: int) -> Markup:
    """How a rule is drawn, for legends and tables: its line and its mark."""
    look = charts.style(index)
    parts = [charts.line([(1, 8), (33, 8)], f"curve {look.colour}", look.dash)]
    parts.append(charts.mark(17, 8, look.mark, 5, f"{look.colour} filled"))
    head = Markup('<svg class="swatch" viewBox="0 0 34 16" aria-hidden="true">')
    return head + charts.EMPTY.join(parts) + Markup("</svg>")
