"""Whether a change loses more than was stated: a result against a baseline of the same history, figure by figure. Pure.

The figures of a rule are those of `Measure`. A figure that the baseline has and the result lacks is lost; one that gets
better never fails the gate. What is not compared with is told: rules that the baseline does not know pass, and are new.

Delays are compared on the events that both found, where both say which: a rule that finds a hard event late on top of
all others has not become slower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.measures import percentile
from alerts.evaluation.result import Evaluation, Note, Outcome, RuleResult
from alerts.yaml_structs import suggest

MORE: Final = ("precision", "recall", "f1", "score", "score_low_false", "score_low_miss", "found", "true")  # is better
LESS: Final = (
    *("false_per_subject_day", "false", "controls_fired"),
    *("delay_median_s", "delay_p90_s", "public_delay_median_s", "public_delay_p90_s"),
)
FIGURES: Final = (*MORE, *LESS)  # every one may be given a tolerance
# What a gate looks at unless told otherwise: a twentieth of all events or alerts; one false alarm in 2,000 days of one
# subject; ten minutes.
TOLERANCES: Final[Mapping[str, float]] = MappingProxyType(
    {"recall": 0.05, "precision": 0.05, "false_per_subject_day": 0.0005, "delay_median_s": 600.0}
)
ROUNDING: Final = 1e-9
EVERYBODY: Final = "labelled_everything"  # of `notes`

State = Literal["lost", "worse", "same", "better", "missing", "new"]


class Check(Struct, frozen=True, kw_only=True):
    """One figure of one rule. `lost`: worse than the baseline by more than is tolerated; `worse`: by less."""

    rule: str
    figure: str  # empty for a whole rule that is missing or new
    before: float | None
    after: float | None
    tolerance: float
    state: State

    @property
    def fails(self) -> bool:
        """Whether it fails the gate."""
        return self.state in ("lost", "missing")


class NotComparable(ValueError):  # noqa: N818 - what is wrong
    """The result is not of the history of the baseline, or a tolerance names no figure; the message says which."""


def gate(baseline: Evaluation, result: Evaluation, tolerances: Mapping[str, float] = TOLERANCES) -> tuple[Check, ...]:
    """Every check, rule by rule in the order of the baseline. Raises NotComparable."""
    _comparable(baseline, result)
    _known(tolerances)
    checks: list[Check] = []
    for name, rule in baseline.rules.items():
        found = result.rules.get(name)
        pair = None if found is None else _shared(rule, found, baseline, result)
        checks += [_of_rule(name, "missing")] if pair is None else _checks(name, *pair, tolerances)
    return (*checks, *(_of_rule(name, "new") for name in result.rules if name not in baseline.rules))


def figures_only(evaluation: Evaluation) -> Evaluation:
    """The evaluation as a baseline needs it: without alerts, documents, timelines and curves; with what was found."""
    rules = {
        name: replace(rule, by={}, episodes=(), curve=(), at_false_rates=(), at_alerts_a_week=())
        for name, rule in evaluation.rules.items()
    }
    events = tuple(replace(event, told=()) for event in evaluation.events)
    return replace(evaluation, rules=rules, events=events, timelines={})


def parse_tolerance(text: str) -> tuple[str, float]:
    """`recall=0.05` as a figure and how much of it may be lost. Raises NotComparable."""
    name, _, value = text.partition("=")
    _known({name: 0.0})
    try:
        allowed = float(value)
    except ValueError:
        allowed = -1.0
    if not 0 <= allowed < float("inf"):
        raise NotComparable(f"{text!r}: expected FIGURE=NUMBER with a number of 0 or more, e.g. recall=0.05")
    return name, allowed


def _comparable(baseline: Evaluation, result: Evaluation) -> None:
    ours, theirs = ({(e.subject, e.onset, e.kind) for e in side.events} for side in (baseline, result))
    if ours != theirs:
        raise NotComparable(
            f"the result knows {len(theirs)} events, the baseline {len(ours)}, and {len(ours ^ theirs)} are in one of "
            "them only: replay with the truth of the baseline, or make the baseline anew"
        )
    if (baseline.begin, baseline.end) != (result.begin, result.end):
        raise NotComparable(
            f"the result is of {result.begin:%Y-%m-%d %H:%M} to {result.end:%Y-%m-%d %H:%M}, the baseline of "
            f"{baseline.begin:%Y-%m-%d %H:%M} to {baseline.end:%Y-%m-%d %H:%M}: replay the same history, or make the "
            "baseline anew"
        )
    if not _same_claim(baseline.labelled_as, result.labelled_as):
        raise NotComparable(
            f"the result is judged for: {result.labelled} The baseline for: {baseline.labelled} Replay with the truth "
            "and the subjects of the baseline, or make the baseline anew"
        )
    if baseline.matching != result.matching:
        raise NotComparable("alerts and events were matched in another way: give the same matching, or make it anew")


def _same_claim(one: Note | None, other: Note | None) -> bool:
    """Whether the same alerts are judged. Where it is everybody's, a change may find other subjects in one history."""
    if one is None or other is None:  # written before results said it
        return True
    return one.code == other.code and (one.code == EVERYBODY or one.values == other.values)


def _known(tolerances: Mapping[str, float]) -> None:
    for name in tolerances:
        if name not in FIGURES:
            meant = suggest(name, FIGURES)
            hint = f"; did you mean {meant}?" if meant else ""
            raise NotComparable(f"there is no figure {name!r}; there are: {', '.join(FIGURES)}{hint}")


def _shared(
    before: RuleResult, after: RuleResult, baseline: Evaluation, result: Evaluation
) -> tuple[RuleResult, RuleResult]:
    """Both with the delays of the events that both found, where there are any."""
    sides = [
        {(e.subject, e.onset, e.kind): o for o in rule.outcomes if (e := whole.events[o.event]).kind == "negative"}
        for rule, whole in ((before, baseline), (after, result))
    ]
    both = [key for key in sides[0] if key in sides[1] and all(side[key].delay_s is not None for side in sides)]
    if not both:
        return before, after
    first, second = (_delayed(rule, [side[k] for k in both]) for rule, side in zip((before, after), sides, strict=True))
    return first, second


def _delayed(rule: RuleResult, found: Sequence[Outcome]) -> RuleResult:
    delays = [each.delay_s for each in found if each.delay_s is not None]
    public = [each.public_delay_s for each in found if each.public_delay_s is not None]
    return replace(
        rule,
        delay_median_s=percentile(delays, 50),
        delay_p90_s=percentile(delays, 90),
        public_delay_median_s=percentile(public, 50),
        public_delay_p90_s=percentile(public, 90),
    )


def _checks(name: str, before: RuleResult, after: RuleResult, tolerances: Mapping[str, float]) -> Iterator[Check]:
    for figure, tolerance in tolerances.items():
        was, is_ = getattr(before, figure), getattr(after, figure)
        state = _state(was, is_, tolerance, more=figure in MORE)
        yield Check(rule=name, figure=figure, before=was, after=is_, tolerance=tolerance, state=state)


def _state(before: float | None, after: float | None, tolerance: float, *, more: bool) -> State:
    if before is None:
        return "same" if after is None else "new"
    if after is None:
        return "lost"
    worse = before - after if more else after - before
    if abs(worse) <= ROUNDING:
        return "same"
    if worse < 0:
        return "better"
    return "lost" if worse > tolerance + ROUNDING else "worse"


def _of_rule(name: str, state: State) -> Check:
    return Check(rule=name, figure="", before=None, after=None, tolerance=0.0, state=state)
