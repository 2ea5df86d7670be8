"""How much of the past a rule wants follows from what it looks back to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.replay.history import remembered, wanted
from tests.unit.alerts.signals import rule


@pytest.mark.parametrize(
    ("body", "days"),
    [
        ("type: threshold, at_least: 3, window: 1d", 1),
        ("type: share, at_least: 0.4, window: 1d", 1),
        ("type: share, over_baseline: 2, window: 1d", 29),
        ("type: surge, window: 1h, also: [2d]", 30),
        ("type: silence, window: 12h", 28.5),
        ("type: first_seen, window: 1d", 91),
        ("type: deviation, window: 1d, reference: 7d", 7),
        ("type: spike, window: 1h, reference: 2h, learn: 3d", 3),
        ("type: all, conditions: [{type: threshold, window: 2d, at_least: 1}, {type: surge, window: 1d}]", 29),
    ],
)
def test_a_rule_wants_what_it_looks_back_to(body: str, days: float) -> None:
    """Windows, references, the four weeks of a baseline, and what was seen before."""
    assert wanted(rule(body)) == timedelta(days=days)


def test_copies_are_remembered_as_long_as_the_longest_rule_looks_back() -> None:
    """At least as long as the engine does anyway."""
    short, long = rule("type: threshold, at_least: 3, window: 10m"), rule("type: threshold, at_least: 3, window: 3d")
    assert remembered([short]) == timedelta(hours=2)
    assert remembered([short, long]) == timedelta(days=3)
