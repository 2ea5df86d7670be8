"""The settings of every rule's knob, replayed side by side for the curve of precision over recall.

Only what can be measured is played: what is said of subjects whose alerts count, to the rules that look at one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from alerts.evaluation.knobs import knob_of, variants
from alerts.rules import Rule
from streams.records import AlertEvent


@dataclass(frozen=True, slots=True)
class Variants:
    """Rules that stand for the settings of others. `settings`: rule and value by the name of the variant."""

    rules: tuple[Rule, ...] = ()
    settings: dict[str, tuple[str, float]] = field(default_factory=dict)
    knobs: dict[str, str] = field(default_factory=dict)  # by rule
    subjects: Collection[str] | None = None  # about which they are asked; None: all

    def heard(self, events: Iterable[AlertEvent]) -> dict[str, list[tuple[float, list[AlertEvent]]]]:
        """What each setting of each rule rang, the settings that stayed silent too."""
        rang: dict[str, list[AlertEvent]] = defaultdict(list)
        for event in events:
            rang[event.rule].append(event)
        found: dict[str, list[tuple[float, list[AlertEvent]]]] = defaultdict(list)
        for name, (rule, value) in self.settings.items():
            found[rule].append((value, rang[name]))
        return dict(found)


def vary(rules: Sequence[Rule], subjects: Collection[str] | None) -> Variants:
    """All settings of all rules that have a knob and look at one of the subjects whose alerts count (None: all)."""
    made: list[Rule] = []
    settings: dict[str, tuple[str, float]] = {}
    knobs: dict[str, str] = {}
    for rule in rules:
        knob = knob_of(rule)
        if knob is None or not (subjects is None or any(map(rule.covers, subjects))):
            continue
        knobs[rule.name] = knob.name
        for value, variant in variants(rule):
            made.append(variant)
            settings[variant.name] = rule.name, value
    return Variants(tuple(made), settings, knobs, subjects)
