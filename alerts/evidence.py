"""What an alert event says, built from fields only: nothing is written about an alert that no document shows.

`documents`, `stories`, `sources` and `authors` count what made the observed figure (negative documents; all of them for
a surge of volume); `support` counts the units judged in the window, of whatever tone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from alerts.detect import Decision, Window
from alerts.lifecycle import Alert, Step
from alerts.moments import moment
from alerts.stories import MILLION, UNJUDGED, Entry
from streams.records import AlertEvent, Evidence

SHOWN: Final = 5  # stories shown; the index has them all
DIGITS: Final = 6


def tell(step: Step, window: Window, name: str, decision: Decision, before: AlertEvent | None, now: int) -> AlertEvent:
    """The alert event for one step of a life, with the evidence as of `now`. `before` is the last word, if any."""
    rule = window.rule
    counted = window.counted()
    labels = dict(rule.labels) | ({"baseline": decision.baseline} if decision.baseline else {})
    return AlertEvent(
        id=f"{step.alert}.{step.sequence}",
        alert=step.alert,
        sequence=step.sequence,
        state=step.state,
        reason=step.reason,
        rule=rule.name,
        rule_hash=rule.hash,
        severity=step.level,
        subject=step.subject,
        name=name,
        at=moment(now),
        since=moment(step.since),
        window_seconds=rule.window.seconds,
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
        evidence=show(counted),
        models=tuple(sorted({e.model for e in counted if e.model})),
        labels=labels,
        demo=any(e.demo for e in counted) or (before is not None and before.demo),
    )


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


def show(counted: Sequence[Entry]) -> tuple[Evidence, ...]:
    """The stories with most documents, then the most negative, each by its most negative, then earliest document."""
    stories: dict[str, list[Entry]] = defaultdict(list)
    for entry in counted:
        stories[entry.story].append(entry)
    ranked = sorted(stories.values(), key=lambda told: (-len(told), -_negative(told), told[0].at, told[0].document))
    return tuple(_evidence(told) for told in ranked[:SHOWN])


def _evidence(told: list[Entry]) -> Evidence:
    best = min(told, key=lambda e: (-e.negative, e.at, e.document))
    return Evidence(
        document=best.document,
        headline=best.headline,
        url=best.url,
        source=best.source,
        collected_at=moment(best.at),
        negative=max(best.negative, 0) / MILLION,
        copies=len(told),
        authors=len({e.person for e in told}),
    )


def _negative(told: list[Entry]) -> float:
    judged = [e.negative for e in told if e.negative != UNJUDGED]
    return sum(judged) / len(judged) if judged else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
