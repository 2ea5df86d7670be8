"""A replay measured against truth, rule by rule: alert events in, `result.Evaluation` out. Pure and deterministic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from alerts.evaluation import notes
from alerts.evaluation.curve import at_alerts_a_week, at_false_rates, point
from alerts.evaluation.matching import Ground, Judged, episodes, judge
from alerts.evaluation.measures import FALSE, groups, measure
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Episode, Evaluation, Matching, RuleResult
from alerts.evaluation.truth import Truth
from alerts.rules import Rule
from streams.records import AlertEvent

Variants = Mapping[str, Sequence[tuple[float, Sequence[AlertEvent]]]]
NO_VARIANTS: Final[Variants] = MappingProxyType({})
NO_KNOBS: Final[Mapping[str, str]] = MappingProxyType({})


def evaluate(
    events: Iterable[AlertEvent],
    rules: Sequence[Rule],
    truth: Truth,
    observed: Observed,
    *,
    matching: Matching,
    variants: Variants = NO_VARIANTS,
    knobs: Mapping[str, str] = NO_KNOBS,
    sources: Sequence[str],
    code: str,
    made_at: datetime,
    bootstrap: int = 1000,
    seed: int = 7,
    labelled_subjects: Collection[str] | None = None,
) -> Evaluation:
    """Everything measured. The order of `events` does not matter; the same input gives the same result.

    `variants`: by rule, what each setting of its knob rang in the same replay, whatever the variant was called; `knobs`
    names the knob. `bootstrap`: draws for the intervals, 0 for none. `labelled_subjects`: for whom the truth is
    complete, instead of what it says itself. A rule is measured on events of the subjects that it covers. ValueError
    when `observed` was made for another truth or matching, or has seen nothing.
    """
    if observed.truth != truth or observed.matching != matching:
        raise ValueError("the observed stream was followed for another truth or another matching")
    ground = observed.ground(labelled_subjects)
    rang: dict[str, list[AlertEvent]] = defaultdict(list)
    for event in events:
        rang[event.rule].append(event)
    judged = {rule.name: _judged(rang[rule.name], rule, ground, observed) for rule in rules}
    results = {
        rule.name: _result(judged[rule.name], rule, variants.get(rule.name, ()), knobs, bootstrap, seed)
        for rule in rules
    }
    followed = frozenset().union(*(each.subjects for each in judged.values()))
    settings = max((len(result.curve) for result in results.values()), default=0)
    labelled = notes.labelled_as(ground, observed, labelled_subjects is not None)
    told = notes.caveats(ground, observed, lambda subject: any(rule.covers(subject) for rule in rules), settings)
    return Evaluation(
        code=code,
        made_at=made_at,
        sources=tuple(sources),
        models=dict(sorted(observed.models.items())),
        begin=ground.begin,
        end=ground.end,
        mentions=observed.mentions,
        subjects=len(followed),
        subject_days=len(followed) * ground.days,
        labelled=notes.sentence(labelled),
        matching=matching,
        events=ground.events,
        rules=results,
        timelines={subject: observed.timeline(subject) for subject in _of_interest(ground, judged.values())},
        caveats=tuple(map(notes.sentence, told)),
        notes=told,
        labelled_as=labelled,
    )


def _judged(events: Iterable[AlertEvent], rule: Rule, ground: Ground, observed: Observed) -> Judged:
    return judge(map(observed.describe, episodes(events)), ground, rule.covers)


def _result(
    judged: Judged,
    rule: Rule,
    variants: Sequence[tuple[float, Sequence[AlertEvent]]],
    knobs: Mapping[str, str],
    rounds: int,
    seed: int,
) -> RuleResult:
    curve = sorted(
        (point(value, judge(episodes(events), judged.ground, rule.covers)) for value, events in variants),
        key=lambda each: each.value,
    )
    return RuleResult(
        **msgspec.structs.asdict(measure(judged, rounds, seed)),
        hash=rule.hash,
        type=rule.type,
        by=groups(judged, rounds, seed),
        episodes=judged.episodes,
        outcomes=judged.outcomes,
        knob=knobs.get(rule.name, ""),
        curve=tuple(curve),
        at_false_rates=at_false_rates(curve),
        at_alerts_a_week=at_alerts_a_week(curve, judged.ground.days),
    )


def _of_interest(ground: Ground, judged: Iterable[Judged]) -> list[str]:
    """Subjects with an event or a false alarm."""
    wrong: Iterable[Episode] = (each for one in judged for each in one.episodes if each.judged in FALSE)
    return sorted({event.subject for event in ground.events} | {each.subject for each in wrong})
