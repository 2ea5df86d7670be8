"""What an alert event says, built from fields only: nothing is written about an alert that no document shows.

`documents`, `stories`, `sources` and `authors` count what made the observed figure (negative documents; all of them for
a surge of volume); `support` counts the units judged in the window, of whatever tone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from alerts.decisions import Decision, Known
from alerts.highlights import highlights
from alerts.judge import Judge
from alerts.lifecycle import Alert, Step
from alerts.moments import SECOND, moment
from alerts.rules import Duration, Rule
from alerts.stories import MILLION, UNJUDGED, Entry
from alerts.templates import fill
from alerts.windows import Window
from streams.records import AlertEvent, Condition, Counterfactual, Evidence

SHOWN: Final = 5  # stories shown; the index has them all
DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Scene:
    """What an alert event is made from: who, by which rule, with which figures, at which moment."""

    judge: Judge
    window: Window  # that the figures are of
    decision: Decision
    name: str  # of the subject
    entries: Sequence[Entry]  # all that is remembered of the subject, in order of time
    known: Known
    now: int


def tell(step: Step, scene: Scene, before: AlertEvent | None) -> AlertEvent:
    """The alert event for one step of a life, with the evidence as of now. `before` is the last word, if any."""
    rule, decision = scene.judge.rule, scene.decision
    counted = scene.judge.behind(decision, scene.window)
    shown = show(counted, decision, scene.window, scene.name)
    labels = dict(rule.labels) | ({"baseline": decision.baseline} if decision.baseline else {})
    event = AlertEvent(
        id=f"{step.alert}.{step.sequence}",
        alert=step.alert,
        sequence=step.sequence,
        state=step.state,
        reason=step.reason,
        rule=rule.name,
        rule_hash=rule.hash,
        severity=step.level,
        subject=step.subject,
        name=scene.name,
        at=moment(scene.now),
        since=moment(step.since),
        window_seconds=scene.window.rule.window.seconds,
        observed=round(decision.observed, DIGITS),
        expected=_rounded(decision.expected),
        low=_rounded(decision.low),
        high=_rounded(decision.high),
        unit=decision.unit,
        p_value=None if decision.p is None else float(f"{decision.p:.4g}"),
        support=decision.support,
        documents=len(counted),
        stories=len({e.story for e in counted}),
        sources=len({e.source for e in counted}),
        authors=len({e.person for e in counted}),
        evidence=shown,
        models=tuple(sorted({e.model for e in counted if e.model})),
        labels=labels,
        demo=any(e.demo for e in counted) or (before is not None and before.demo),
        kind=rule.type,
        bound=_rounded(decision.bound),
        beyond=round(decision.beyond, DIGITS),
        ladder={str(level): float(at) for level, at in rule.ladder.items()},
        risks=dict(sorted(Counter(e.risk for e in counted if e.risk).items())),
        conditions=tuple(
            Condition(type=p.type, holds=p.holds, why=p.why, observed=round(p.observed, DIGITS), unit=p.unit,
                      window_seconds=p.window_seconds)
            for p in decision.parts
        ),
        # Of a silence less would only be more of it.
        counterfactual=counterfactual(scene, counted) if decision.holds and rule.type != "silence" else None,
        corrected=decision.corrected,
    )  # fmt: skip
    return replace(event, annotations=sentences(rule, event), **_left_out(scene))


def close(alert: Alert, now: int) -> AlertEvent | None:
    """The last word about an alert whose rule is gone: its numbers stand as they were last told."""
    if alert.event is None:
        return None
    return replace(
        alert.event,
        id=f"{alert.id}.{alert.sequence}",
        sequence=alert.sequence,
        state="resolved",
        reason="rule_removed",
        at=moment(now),
    )


def show(counted: Sequence[Entry], decision: Decision, window: Window, name: str) -> tuple[Evidence, ...]:
    """The stories with most documents, then the most negative, each by its most negative, then earliest document."""
    excess = max(decision.amount - (decision.expected or 0.0), 1.0)
    if "share" in decision.unit:  # `expected` is a share there, not a count
        excess = max(float(decision.amount), 1.0)
    return tuple(_evidence(told, window, excess, name) for told in _ranked(counted)[:SHOWN])


def counterfactual(scene: Scene, counted: Sequence[Entry]) -> Counterfactual:
    """The fewest of the stories shown, most told first, without which the rule would not hold now.

    A counterfactual in the sense of Wachter, Mittelstadt & Russell 2018: the smallest change of the input that changes
    the decision. Baselines and what was seen before stay as they are.
    """
    gone: list[str] = []
    documents: list[str] = []
    observed = scene.decision.observed
    for told in _ranked(counted)[:SHOWN]:
        gone.append(told[0].story)
        documents.append(_representative(told).document)
        without, _ = scene.judge.without(gone).decide(scene.now, scene.known)
        observed = without.observed
        if not without.holds:
            return Counterfactual(stops=True, documents=tuple(documents), observed=round(observed, DIGITS))
    return Counterfactual(stops=False, documents=tuple(documents), observed=round(observed, DIGITS))


def sentences(rule: Rule, event: AlertEvent) -> dict[str, str]:
    """The rule's sentences, filled with the event's fields."""
    if not rule.annotations:
        return {}
    names = (
        "name",
        "subject",
        "rule",
        "severity",
        "state",
        "unit",
        "support",
        "documents",
        "stories",
        "sources",
        "authors",
    )
    values = {name: str(getattr(event, name)) for name in names}
    for name in ("observed", "expected", "bound", "beyond"):
        value = getattr(event, name)
        values[name] = (
            "–" if value is None else f"{value:.0%}" if "share" in event.unit and name != "beyond" else f"{value:g}"
        )
    values |= {name: f"{getattr(event, name):%Y-%m-%dT%H:%MZ}" for name in ("since", "at")}
    values["window"] = str(Duration(event.window_seconds))
    return {key: fill(text, values) for key, text in rule.annotations.items()}


def _left_out(scene: Scene) -> dict[str, int]:
    """How many documents within the window were old, without a trustworthy date, or judged by no model."""
    start = scene.now - scene.window.rule.window.seconds * SECOND
    found = {"stale": 0, "unknown_dates": 0, "unjudged": 0}
    for entry in reversed(scene.entries):
        if entry.at <= start:
            break
        if scene.window.in_scope(entry):
            found["stale"] += entry.stale
            found["unknown_dates"] += not entry.dated
            found["unjudged"] += entry.negative == UNJUDGED
    return found


def _ranked(counted: Sequence[Entry]) -> list[list[Entry]]:
    stories: dict[str, list[Entry]] = defaultdict(list)
    for entry in counted:
        stories[entry.story].append(entry)
    return sorted(stories.values(), key=lambda told: (-len(told), -_negative(told), told[0].at, told[0].document))


def _representative(told: Sequence[Entry]) -> Entry:
    return min(told, key=lambda e: (-e.negative, e.at, e.document))


def _evidence(told: list[Entry], window: Window, excess: float, name: str) -> Evidence:
    best = _representative(told)
    units = len({window.key(entry) for entry in told})
    return Evidence(
        document=best.document,
        headline=best.headline,
        url=best.url,
        source=best.source,
        collected_at=moment(best.at),
        negative=max(best.negative, 0) / MILLION,
        copies=len(told),
        authors=len({e.person for e in told}),
        sources=len({e.source for e in told}),
        share=round(min(1.0, units / excess), DIGITS),
        first_seen=moment(min(e.at for e in told)),
        last_seen=moment(max(e.at for e in told)),
        risk=best.risk,
        highlights=highlights(best.headline, best.lang, (name,)),
    )


def _negative(told: list[Entry]) -> float:
    judged = [e.negative for e in told if e.negative != UNJUDGED]
    return sum(judged) / len(judged) if judged else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
