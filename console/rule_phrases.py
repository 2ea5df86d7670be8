"""The small parts of sentences about rules: numbers, amounts and names as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from alerts.delivery.phrases import catalogue
from alerts.rules import Level, Rule
from console.messages import language, say
from streams.plain import plain

DIGITS: Final = 9  # a product of two decimals is rounded here before it is rounded up: 3 * 1.1 asks for 4, not for 5


def word(key: str, **values: Any) -> str:
    """One phrase of an explanation."""
    return say(f"rules.words.{key}", **values)


def amount(tone: str, unit: str, count: int) -> str:
    """A count with its unit: a phrase with a bar has a form for one and a form for many."""
    one, _, many = word(f"amount.{tone}.{unit}", count=f"{count:,}").partition("|")
    return one if count == 1 or not many else many


def least(value: float) -> int:
    """The smallest count that reaches a value."""
    return math.ceil(round(value, DIGITS))


def most(value: float) -> int:
    """The largest count within a value."""
    return math.floor(round(value, DIGITS))


def number(value: float) -> str:
    """A number of a rule, as short as it is true for reading."""
    return f"{value:.4g}" if value < 1000 else f"{value:,.0f}"


def odds(p: float) -> str:
    """A probability, to two digits."""
    return f"{p:.2g}"


def percent(share: float) -> str:
    """A share of a rule."""
    return f"{100 * share:.4g}%"


def label(kind: str, name: str) -> str:
    """A kind of risk event or a topic by its name in the user's language."""
    return catalogue(language()).get(f"{kind}.{name}", name)


def language_name(code: str) -> str:
    """A language by its name in the user's."""
    return word(f"language.{code}") if code in ("en", "zh") else word("language.other", code=plain(code))


def names(found: Sequence[str]) -> str:
    """What a user chose, in a row."""
    return joined([plain(name) for name in found])


def joined(parts: Sequence[str]) -> str:
    """Phrases in a row."""
    return word("comma").join(parts)


def steps(rule: Rule) -> list[tuple[Level, float]]:
    """The severities, the lowest first, with the multiple of the bound from which each is reached."""
    return sorted(rule.ladder.items(), key=lambda step: step[1])
