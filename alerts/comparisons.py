"""What a rule says that compares a window with the subject's own recent counts: no model of chance, no season."""

from __future__ import annotations

import math
from typing import Literal

from alerts.compared import Adjacent, Hourly
from alerts.decisions import Decision, Known
from alerts.gates import short
from alerts.moments import HOUR, SECOND
from alerts.rules import Deviation, Spike
from alerts.windows import Window


def spike(window: Window, now: int, known: Known) -> Decision:
    """Whether the window has `ratio` times its reference, taken for the same length of time (ElastAlert's `spike`)."""
    rule = window.rule
    assert isinstance(window, Adjacent)  # noqa: S101 - chosen by its type
    assert isinstance(rule, Spike)  # noqa: S101
    before = window.reference.amount
    expected = before * rule.window.seconds / rule.before
    missing = _learning(rule, now, known) or ("" if before >= rule.min_reference else "no_baseline")
    return _decide(window, rule, expected, rule.ratio * expected, missing)


def deviation(window: Window, now: int, known: Known) -> Decision:
    """Whether the mean of the window's hours is above the reference's mean by more than `k` standard deviations of the
    reference's hourly counts (population), as in Socialmetrix' variation alert. Hours are those of the clock; where the
    reference ends now, the one that has begun is its last."""
    rule = window.rule
    assert isinstance(window, Hourly)  # noqa: S101
    assert isinstance(rule, Deviation)  # noqa: S101
    hours = rule.window.seconds * SECOND / HOUR
    last = (now - rule.window.seconds * SECOND) // HOUR if rule.apart else now // HOUR + 1
    mean, spread = window.moments(last - rule.reference.seconds * SECOND // HOUR, last)
    missing = _learning(rule, now, known)
    return _decide(window, rule, mean * hours, (mean + rule.k * spread) * hours, missing, above=True)


def _learning(rule: Spike | Deviation, now: int, known: Known) -> Literal["", "learning"]:
    """Whether the subject is followed for too short a time: its past is not empty but unknown."""
    since = now if known.since is None else known.since
    return "learning" if now - since < rule.learn.seconds * SECOND else ""


def _decide(
    window: Window,
    rule: Spike | Deviation,
    expected: float,
    bound: float,
    missing: Literal["", "learning", "no_baseline"],
    *,
    above: bool = False,
) -> Decision:
    """`missing`: what there is to compare with. `above`: the bound must be exceeded, not just reached."""
    amount = window.amount
    why = short(window, math.ceil(rule.min_count * rule.clear_at))
    if why == "beyond" and missing:
        why = missing
    elif why == "beyond" and (amount < max(bound, rule.min_count) or (above and amount <= bound)):
        why = "usual"
    compared = why in ("beyond", "usual")
    least = max(bound, float(rule.min_count))
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=f"{'negative ' if rule.of == 'negative' else ''}{rule.count}",
        support=window.judged,
        expected=expected if compared else None,
        bound=least if compared else None,
        beyond=amount / least if compared else 0.0,
    )
