"""What of a rule may be varied, and between which values; and the rule with other values. Pure.

A parameter is named by its place in the rule: `window`, `scope.min_relevance`, `conditions[0].p`. Its values are in
order, so that a search can look at the next one up and down; the value that the rule has is always among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from alerts.evaluation.knobs import steps, with_value
from alerts.rules import Duration, Leaf, Rule

Value = str | int | float

# Wide enough to hold what desks use, coarse enough that neighbours differ on a few dozen events: each step changes a
# bound by a third or more. Probabilities go by factors of about three.
RANGES: Final[dict[str, dict[str, tuple[Value, ...]]]] = {
    "threshold": {
        "window": ("30m", "1h", "2h", "3h", "6h", "12h", "1d", "2d"),
        "at_least": (2, 3, 4, 6, 8, 12, 16, 24),
        "min_share": (0.0, 0.15, 0.3, 0.45, 0.6),
        "min_authors": (1, 2, 3, 4, 6),
    },
    "surge": {
        "window": ("1h", "2h", "3h", "6h", "12h", "1d", "2d"),
        "p": (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
        "min_count": (2, 3, 4, 5, 6, 8, 12),
        "min_ratio": (1.0, 1.5, 2.0, 3.0, 4.0),
        "allowance": (0.0, 0.25, 0.5, 1.0, 2.0),
        "min_share": (0.0, 0.15, 0.3, 0.45, 0.6),
        "min_authors": (1, 2, 3, 4, 6),
    },
    "share": {
        "window": ("2h", "3h", "6h", "12h", "1d", "2d"),
        "at_least": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
        "over_baseline": (1.2, 1.5, 2.0, 3.0),
        "confidence": (0.8, 0.9, 0.95, 0.99),
        "min_support": (4, 6, 8, 12, 20, 30),
        "min_authors": (1, 2, 4, 6),
    },
    "shift": {
        "window": ("1d", "2d", "3d", "5d", "7d"),
        "ratio": (1.5, 2.0, 3.0, 4.0),
        "at_least": (3.0, 5.0, 7.0, 9.0, 12.0, 16.0),
        "min_count": (4, 6, 8, 10, 15),
        "min_share": (0.0, 0.15, 0.3, 0.45),
    },
    "silence": {
        "window": ("3h", "6h", "12h", "1d", "2d"),
        "at_most": (0, 1, 2),
        "p": (0.0001, 0.0003, 0.001, 0.003, 0.01),
        "min_expected": (2.0, 5.0, 10.0, 20.0),
    },
    "first_seen": {
        "window": ("6h", "12h", "1d", "2d"),
        "at_least": (1, 2, 3, 4),
        "min_sources": (1, 2, 3),
        "min_share": (0.0, 0.15, 0.3, 0.45),
    },
    "coordination": {
        "window": ("30m", "1h", "2h", "6h"),
        "at_least": (10, 20, 30, 50, 80),
        "max_author_share": (0.1, 0.2, 0.3, 0.5),
    },
    "spike": {
        "window": ("1h", "2h", "6h", "12h", "1d"),
        "ratio": (1.5, 2.0, 3.0, 4.0, 6.0, 10.0),
        "min_count": (2, 3, 4, 6, 8, 12),
        "min_reference": (0, 1, 2, 4),
        "min_share": (0.0, 0.15, 0.3, 0.45),
    },
    "deviation": {
        "window": ("6h", "12h", "1d"),
        "k": (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0),
        "min_count": (2, 3, 4, 6, 8, 12),
        "min_share": (0.0, 0.15, 0.3, 0.45),
    },
}
INSTEAD: Final = {"p": ("false_per_week", (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0))}  # where a rule says it so
MOST: Final = 100  # values of one parameter


class Parameter(Struct, frozen=True, kw_only=True):
    """A place in a rule and the values it may have."""

    path: str
    values: tuple[Value, ...]


class NotVaried(ValueError):  # noqa: N818 - what is wrong
    """What should be varied is no parameter of the rule; the message says what to write."""


def space_of(rule: Rule) -> tuple[Parameter, ...]:
    """What is varied of a rule unless somebody says otherwise: the bounds of its kind, of every condition of it."""
    found: list[Parameter] = []
    conditions: Sequence[Leaf] | None = getattr(rule, "conditions", None)
    for index, leaf in enumerate(conditions or (cast("Leaf", rule),)):
        place = f"conditions[{index}]." if conditions else ""
        for name, values in RANGES[leaf.type].items():
            other, others = INSTEAD.get(name, (name, values))
            if getattr(leaf, other, None) is None:
                other, others = name, values
            if getattr(leaf, other, None) is not None:  # an optional bound that the rule does without stays away
                found.append(_with_own(rule, f"{place}{other}", others))
    return tuple(found)


def vary(rule: Rule, text: str) -> Parameter:
    """`window=2h,6h,12h` as a parameter of the rule. Raises NotVaried."""
    path, equals, said = text.partition("=")
    values = tuple(_value(word.strip()) for word in said.split(",") if word.strip())
    if not equals or not values or len(values) > MOST:
        raise NotVaried(f"{text!r}: expected FIELD=VALUE,VALUE…, for example window=2h,6h,12h")
    found = _with_own(rule, path.strip(), values)
    for value in values:
        try:
            with_value(rule, found.path, value)
        except ValueError as error:
            raise NotVaried(str(error)) from None
    return found


def with_values(rule: Rule, values: Mapping[str, Value]) -> Rule:
    """The rule with these values in place of its own. ValueError for a place it does not have, and for values that no
    rule may have together."""
    for path, value in values.items():
        rule = with_value(rule, path, value)
    return rule


def as_written(rule: Rule) -> dict[str, Any]:
    """Every field of a rule as a rule file says it."""
    said: dict[str, Any] = msgspec.to_builtins(rule, enc_hook=str)
    return said


def value_at(said: Any, path: str) -> Any:
    """The value at a place of a rule. Raises NotVaried where there is none."""
    for step in steps(path):
        try:
            said = said[step]
        except (KeyError, IndexError, TypeError):
            raise NotVaried(f"the rule has no field {path!r}; a condition's is written conditions[0].window") from None
    return said


def _with_own(rule: Rule, path: str, values: Sequence[Value]) -> Parameter:
    own = value_at(as_written(rule), path)
    if isinstance(own, dict | list | bool):
        raise NotVaried(f"{path!r} is no single value that could be varied")
    if own is None:
        raise NotVaried(f"the rule does without {path!r}: give it a value first")
    known = {_order(value): value for value in (*values, own)}  # the rule's own way of writing wins: 60m, not 1h
    return Parameter(path=path, values=tuple(known[order] for order in sorted(known)))


def _order(value: Value) -> tuple[int, float, str]:
    """Numbers by size, durations by length, words by the alphabet."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    try:
        return 1, float(Duration.parse(value).seconds), ""
    except ValueError:
        return 2, 0.0, value


def _value(word: str) -> Value:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
