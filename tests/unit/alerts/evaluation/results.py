"""Results made of alerts and events by hand, for the tests of what compares them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from alerts.evaluation.measures import measure
from alerts.evaluation.result import Episode, Evaluation, Measure, Point, RuleResult
from alerts.evaluation.truth import TruthEvent
from tests.unit.alerts.evaluation.cases import MATCHING, alert, event, hour, judged

HASH = "0123456789abcdef"


def rule(alerts: Iterable[Episode], events: Sequence[TruthEvent], rounds: int = 0, **fields: Any) -> RuleResult:
    """What one rule made of the events."""
    found = judged(alerts, events)
    known: dict[str, Any] = {
        **msgspec.structs.asdict(measure(found, rounds)), "hash": HASH, "type": "surge",
        "episodes": found.episodes, "outcomes": found.outcomes,
    }  # fmt: skip
    return RuleResult(**(known | fields))


def result(events: Sequence[TruthEvent], rules: dict[str, Iterable[Episode] | RuleResult], **fields: Any) -> Evaluation:
    """A result in which each rule rang these alerts."""
    found = {
        name: alerts if isinstance(alerts, RuleResult) else rule([replace(a, rule=name) for a in alerts], events)
        for name, alerts in rules.items()
    }
    ground = judged((), events).ground
    known: dict[str, Any] = {
        "code": "0.1.0+abc", "made_at": hour(2000), "sources": ("/somewhere/archive.jsonl",), "models": {"m@1": 10},
        "begin": ground.begin, "end": ground.end, "mentions": 100, "subjects": 2, "subject_days": 140.0,
        "labelled": "everything", "matching": MATCHING, "events": ground.events, "rules": found,
    }  # fmt: skip
    return Evaluation(**(known | fields))


def many(count: int, **fields: Any) -> list[TruthEvent]:
    """Events two days apart from the third day on."""
    return [event(72 + 48 * number, **fields) for number in range(count)]


def at_events(count: int, after: float = 1.0, skip: Iterable[int] = ()) -> list[Episode]:
    """An alert so many hours after the onset of each of these events."""
    return [alert(72 + 48 * number + after) for number in range(count) if number not in set(skip)]


def point(value: float, recall: float | None, false: float | None, delay: float | None = 60.0) -> Point:
    """One setting of a knob."""
    return Point(
        value=value, precision=None, recall=recall, false_per_subject_day=false, delay_median_s=delay,
        controls_fired=0, alerts=0, found=0,
    )  # fmt: skip


def figures(recall: float | None, false: float | None, **fields: Any) -> Measure:
    """Figures of which only some matter."""
    known: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(Measure)}
    counts = dict.fromkeys(
        ("alerts", "true", "repeats", "false", "excluded", "events", "found", "controls", "controls_fired"), 0
    )
    return Measure(
        **(known | counts | {"subject_days": 1.0, "recall": recall, "false_per_subject_day": false} | fields)
    )
