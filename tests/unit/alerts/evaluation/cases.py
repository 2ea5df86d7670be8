"""Truth, alerts and stretches of time for the tests of the evaluation, in hours since a Monday."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.evaluation.matching import Ground, Judged, judge
from alerts.evaluation.measures import measure
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Episode, Matching, Measure
from alerts.evaluation.truth import Truth, TruthEvent
from streams.records import AlertEvent, Mention, digest
from tests.unit.alerts.signals import START
from tests.unit.alerts.signals import mention as by_minute

ACME, BOLT = "entity:acme", "entity:bolt"
MATCHING = Matching(before_s=7200, after_s=86_400)


def hour(hours: float) -> datetime:
    """So many hours after the start."""
    return START + timedelta(hours=hours)


def event(onset: float, end: float | None = None, subject: str = ACME, **fields: Any) -> TruthEvent:
    """A negative event, unless said otherwise."""
    return TruthEvent(subject=subject, onset=hour(onset), end=None if end is None else hour(end), **fields)


def alert(at: float, subject: str = ACME, **fields: Any) -> Episode:
    """An episode that fired."""
    known: dict[str, Any] = {
        "alert": digest(subject, str(at)), "rule": "r", "name": subject, "until": None, "severity": "warning",
        "beyond": 1.0, "observed": 5.0, "expected": 1.0, "judged": "false",
    }  # fmt: skip
    return Episode(subject=subject, at=hour(at), **(known | fields))


def mention(hours: float, document: str, negative: float | None = 0.9, **fields: Any) -> Mention:
    """A judged news item by hour."""
    return by_minute(hours * 60, document, negative, **fields)


def observed(
    events: Sequence[TruthEvent], mentions: Iterable[Mention] = (), matching: Matching = MATCHING, **truth: Any
) -> Observed:
    """A stream of ten weeks that speaks of Acme at both ends, and says what else is given."""
    found = Observed(Truth(events=tuple(events), **truth), matching)
    for each in (mention(0, "first"), *mentions, mention(1680, "last")):
        found.see(each)
    return found


def everyone(subject: str) -> bool:
    """Covers every company."""
    return subject.startswith("entity:")


def judged(
    alerts: Iterable[Episode],
    events: Sequence[TruthEvent],
    matching: Matching = MATCHING,
    covers: Callable[[str], bool] = everyone,
    **truth: Any,
) -> Judged:
    """Alerts against events."""
    return judge(alerts, ground(events, matching, **truth), covers)


def ground(events: Sequence[TruthEvent], matching: Matching = MATCHING, **truth: Any) -> Ground:
    """What alerts are judged against, in that stream."""
    return observed(events, (), matching, **truth).ground()


def measured(alerts: Iterable[Episode], events: Sequence[TruthEvent], rounds: int = 0, **how: Any) -> Measure:
    """The figures of alerts against events."""
    return measure(judged(alerts, events, **how), rounds)


def step(alert: str, sequence: int, state: str, hours: float, **fields: Any) -> AlertEvent:
    """One event in the life of an alert."""
    known: dict[str, Any] = {
        "id": f"{alert}.{sequence}", "reason": "", "rule": "r", "rule_hash": "h", "severity": "warning",
        "subject": ACME, "name": "Acme", "since": hour(hours), "window_seconds": 7200, "observed": 5.0,
        "expected": 1.0, "low": None, "high": None, "unit": "stories", "p_value": None, "support": 5, "documents": 5,
        "stories": 5, "sources": 1, "authors": 5, "evidence": (), "models": (), "labels": {},
    }  # fmt: skip
    return AlertEvent(alert=digest(alert), sequence=sequence, state=state, at=hour(hours), **(known | fields))
