"""What must be there before a rule's own condition is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from alerts.decisions import Why
from alerts.rules import Coordination, Deviation, FirstSeen, Leaf, Share, Shift, Spike, Surge, Threshold
from alerts.windows import Window


def least_count(rule: Surge | Shift | Spike | Deviation) -> int:
    """The fewest units at which a rule against what is usual still holds once it rings."""
    return math.ceil(rule.min_count * rule.clear_at)


# The fewest units without which a rule of a kind cannot hold; a kind that is not here may hold with none.
LEAST: Final[Mapping[type[Leaf], Callable[[Any], int]]] = {
    Threshold: lambda rule: rule.at_least,
    Share: lambda rule: 1,
    Surge: least_count,
    Shift: least_count,
    FirstSeen: lambda rule: rule.at_least,
    Coordination: lambda rule: 1,
    Spike: least_count,
    Deviation: least_count,
}


def short(window: Window, bound: int) -> Why:
    """What is missing before the rule's own condition is looked at; "beyond" when nothing is."""
    rule = window.rule
    if not window.entries:
        return "no_data"
    if window.amount < bound:
        return "below"
    if window.judged < rule.min_support:
        return "few_judged"
    if window.negative < rule.min_share * window.judged:
        return "low_share"
    return window.lacks(rule.min_sources, rule.min_authors) or "beyond"


def possible(window: Window) -> bool:
    """Whether the window's rule can hold at all, by its counts alone; what is known beyond it is not asked for.

    Most windows fail here: false says that `decide` does not hold; true says nothing.
    """
    rule = window.rule
    least = LEAST.get(type(rule))
    return least is None or (
        window.amount >= least(rule)
        and window.judged >= rule.min_support
        and window.negative >= rule.min_share * window.judged
        and (not isinstance(rule, Coordination) or len(window.entries) >= rule.at_least)
    )
