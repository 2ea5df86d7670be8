"""The one parameter of a rule that says how strict it is, and the rule at other settings of it. Pure.

A curve of precision over recall is a rule replayed at every setting of its knob; all of them run side by side in one
engine, since a subject's alerts depend on no other rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from alerts.rule_checks import contradictions
from alerts.rules import Duration, Leaf, Rule, Share, Surge
from streams.records import digest

NAME_KEPT: Final = 48  # characters of a rule's name in those of its variants

# From lenient to strict, wide enough that a busy stream rings hardly ever at one end and nearly always at the other.
PROBABILITIES: Final = (0.5, 0.2, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
COUNTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 40, 60, 100)
GRIDS: Final[dict[str, tuple[str, tuple[float, ...]]]] = {
    "threshold": ("at_least", COUNTS),
    "surge": ("p", PROBABILITIES),
    "shift": ("at_least", (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 50)),
    "silence": ("p", PROBABILITIES),
    "first_seen": ("at_least", COUNTS),
    "coordination": ("at_least", (2, 3, 5, 8, 12, 20, 30, 50, 100, 200, 500)),
    "spike": ("ratio", (1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 10, 13, 16, 20, 25, 30, 40, 60, 100)),
    "deviation": ("k", (0, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 6, 10, 20)),
}
SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MULTIPLES: Final = (1.05, 1.2, 1.35, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10)
BUDGETS: Final = (1000, 300, 100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter by its place in the rule, such as `p` or `conditions[0].at_least`."""

    name: str
    values: tuple[float, ...]  # from lenient to strict; the current one is among them
    current: float


def knob_of(rule: Rule) -> Knob | None:
    """The knob of a rule; of a composed one that of its first condition. None: no kind without one exists today."""
    for index, leaf in enumerate(rule.leaves):
        found = _of_leaf(leaf)
        if found is not None:
            name, values = found
            current = float(getattr(leaf, name))
            lenient_first = sorted({*map(float, values), current}, reverse=values[0] > values[-1])
            place = name if rule.leaves == (rule,) else f"conditions[{index}].{name}"
            return Knob(place, tuple(lenient_first), current)
    return None


def with_value(rule: Rule, name: str, value: float | str) -> Rule:
    """The rule, equal but for one number or duration: by its place, such as `min_share`, `window`,
    `scope.min_relevance` or `conditions[1].p`. A duration is seconds, or written as in a rule file.

    ValueError when the rule has no such parameter, or when no rule may have that value; it says why.
    """
    said: Any = msgspec.to_builtins(rule, enc_hook=str)
    for condition in said.get("conditions", ()):
        del condition["name"]  # has none, and an empty one could not be read
    held, now = said, cast(Any, rule)
    *outer, last = steps(name) or [""]
    for step in outer:
        held, now = _into(held, step), _into(now, step)
    now = _into(now, last)
    if not isinstance(held, dict) or isinstance(now, bool) or not isinstance(now, int | float | Duration):
        raise ValueError(f"rule {rule.name} has no number or duration {name!r}")
    try:
        held[last] = _written(value, now)
        changed: Rule = msgspec.convert(said, Rule, dec_hook=lambda _, text: Duration.parse(text))
    except ValueError as error:  # msgspec.ValidationError is one
        raise ValueError(f"rule {rule.name}, {name}: {error}") from None
    for field, fault, _ in contradictions(changed):
        raise ValueError(f"rule {rule.name}, {name}: {field}: {fault}")
    changed.__dict__["placed"] = rule.place
    return changed


def variants(rule: Rule) -> list[tuple[float, Rule]]:
    """The rule at every setting of its knob that it may have, with the setting, from lenient to strict.

    Each has a name of its own, so that all of them, and those of other rules, can be in force in one engine.
    """
    knob = knob_of(rule)
    if knob is None:
        return []
    found: list[tuple[float, Rule]] = []
    for index, value in enumerate(knob.values):
        try:
            made = with_value(rule, knob.name, value)
        except ValueError:  # a share of 0.95 may contradict another field of the rule
            continue
        name = f"{rule.name[:NAME_KEPT]}-{digest(rule.name)[:8]}-{index:02d}"
        found.append((value, replace(made, name=name)))
    return found


def _of_leaf(leaf: Leaf) -> tuple[str, tuple[float, ...]] | None:
    match leaf:
        case Share(at_least=float()):
            return "at_least", SHARES
        case Share():
            return "over_baseline", MULTIPLES
        case Surge(false_per_week=float()):
            return "false_per_week", BUDGETS
    return GRIDS.get(leaf.type)


def steps(name: str) -> list[str | int]:
    """`conditions[0].scope.min_relevance` as its steps."""
    return [int(step) if step.isdecimal() else step for step in re.split(r"[.\[\]]+", name) if step]


def _into(held: Any, step: str | int) -> Any:
    """One step into a rule, or into what is written of one; None where there is none."""
    if isinstance(held, dict):
        return held.get(step)
    if isinstance(step, int):
        return held[step] if isinstance(held, list | tuple) and step < len(held) else None
    return getattr(held, "for_" if step == "for" else step, None)


def _written(value: float | str, now: float | Duration) -> float | str:
    """The value as a rule file writes one of the kind that stands there now."""
    if isinstance(now, Duration):
        return value if isinstance(value, str) else str(Duration(round(value)))
    number = float(value)
    return int(number) if isinstance(now, int) and number.is_integer() else number
