"""What must be there before a rule's own condition is looked at."""

from __future__ import annotations

from alerts.decisions import Why
from alerts.windows import Window


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
