"""How much of the past a rule must have seen before what it rings means what it would have meant live. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from alerts.baseline import MEMORY_HOURS
from alerts.compared import window_of
from alerts.engine import LEAST_MEMORY
from alerts.moments import SECOND
from alerts.rules import FirstSeen, Leaf, Rule, Spike

BASELINE: Final = timedelta(hours=MEMORY_HOURS)


def wanted(rule: Rule) -> timedelta:
    """The history before the first alert: what its windows, references and baselines look back to, and what it must
    have followed to call something new."""
    return max(_wanted(look) for look in rule.looks)


def remembered(rules: Iterable[Rule]) -> timedelta:
    """How long these rules together recognise copies of a text."""
    longest = max((timedelta(seconds=rule.reach) for rule in rules), default=timedelta())
    return max(timedelta(seconds=LEAST_MEMORY / SECOND), longest)


def _wanted(leaf: Leaf) -> timedelta:
    own = timedelta(seconds=leaf.span)
    if isinstance(leaf, FirstSeen):
        return own + timedelta(seconds=max(leaf.memory.seconds, leaf.learn.seconds))
    if isinstance(leaf, Spike):
        own = max(own, timedelta(seconds=leaf.learn.seconds))
    return own + BASELINE if window_of(leaf).compares else own
