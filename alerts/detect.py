"""What a rule says about a subject at one moment: a decision with its reason and its numbers.

A `Window` keeps the counted mentions of one subject for one rule and is moved forward; every sum in it is a whole
number, so a window rebuilt after a restart decides exactly as one that never stopped.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from alerts import baseline
from alerts.baseline import Profile, interval, tail
from alerts.rules import Rule, Share, Surge, Threshold
from alerts.stories import MILLION, UNJUDGED, Entry

Why = Literal[
    "beyond",  # the condition holds
    "no_data",  # nothing in the window
    "below",  # fewer than the bound
    "few_judged",  # less support than the rule wants
    "few_sources",
    "few_authors",
    "low_share",  # too few of the judged are negative
    "uncertain",  # the share is high, but from too few to be sure
    "no_baseline",  # too little history to call anything unusual
    "usual",  # as many as the baseline explains
]
CERTAIN_HISTORY = 2  # windows of history before a surge can be judged at all


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of one rule about one subject at one moment."""

    holds: bool
    why: Why
    amount: int  # units counted: negative ones, or all for a surge of volume
    observed: float
    unit: str
    support: int  # units judged in the window
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    beyond: float = 0.0  # observed over the bound; 1 = just reached
    baseline: Literal["", "warming", "seasonal"] = ""


class Unit:
    """A story, document or author in a window: how many documents, how many judged, and how negative."""

    __slots__ = ("documents", "judged", "negative")

    def __init__(self) -> None:
        self.documents = 0
        self.judged = 0
        self.negative = 0

    def is_negative(self, at: int) -> bool:
        """Whether the judged documents are, on average, at least `at` millionths negative."""
        return self.judged > 0 and self.negative >= at * self.judged


class Window:
    """The mentions one rule counts for one subject, in order of time, with its sums kept up to date."""

    __slots__ = ("_everything", "_negative_at", "entries", "fresh", "judged", "negative", "rule", "units")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.entries: deque[Entry] = deque()
        self.units: dict[str, Unit] = {}
        self.negative = 0  # units that are negative
        self.judged = 0  # units with a judged document
        self.fresh = False  # something was counted since the rule was last evaluated
        self._negative_at = round(rule.negative_at * MILLION)
        self._everything = isinstance(rule, Surge) and rule.of == "all"

    def wants(self, entry: Entry) -> bool:
        """Whether the rule's scope takes this mention of its subject."""
        scope = self.rule.scope
        return (
            not (entry.stale and self.rule.ignore_stale)
            and scope.kind in ("any", entry.kind)
            and (not scope.sources or entry.source in scope.sources)
            and (not scope.languages or entry.lang in scope.languages)
        )

    def add(self, entry: Entry) -> None:
        """Count a mention; entries come in order of time."""
        if self.wants(entry):
            self.entries.append(entry)
            self._change(entry, 1)
            self.fresh = True

    def slide(self, until: int) -> None:
        """Let go of what is not later than `until`."""
        entries = self.entries
        while entries and entries[0].at <= until:
            self._change(entries.popleft(), -1)

    def drop(self, entry: Entry) -> None:
        """Let go of this mention when it is the oldest (the subject's memory is full)."""
        if self.entries and self.entries[0] is entry:
            self._change(self.entries.popleft(), -1)

    def key(self, entry: Entry) -> str:
        """What this mention counts towards: its story, document or author."""
        if self.rule.count == "stories":
            return entry.story
        return entry.document if self.rule.count == "documents" else entry.person

    def counted(self) -> list[Entry]:
        """The mentions behind the observed count: those of negative units, or all for a surge of volume."""
        return [e for e in self.entries if self._counts(e)]

    def lacks(self, sources: int, authors: int) -> Literal["", "few_sources", "few_authors"]:
        """Which of so many distinct sources and authors the counted mentions lack; looks no further than needed."""
        seen_sources: set[str] = set()
        seen_authors: set[str] = set()
        for entry in reversed(self.entries):
            if self._counts(entry):
                seen_sources.add(entry.source)
                seen_authors.add(entry.person)
                if len(seen_sources) >= sources and len(seen_authors) >= authors:
                    return ""
        return "few_sources" if len(seen_sources) < sources else "few_authors"

    def _counts(self, entry: Entry) -> bool:
        return self._everything or self.units[self.key(entry)].is_negative(self._negative_at)

    def _change(self, entry: Entry, by: int) -> None:
        key = self.key(entry)
        unit = self.units.get(key)
        if unit is None:
            unit = self.units[key] = Unit()
        was_judged, was_negative = unit.judged > 0, unit.is_negative(self._negative_at)
        unit.documents += by
        if entry.negative != UNJUDGED:
            unit.judged += by
            unit.negative += by * entry.negative
        self.judged += (unit.judged > 0) - was_judged
        self.negative += unit.is_negative(self._negative_at) - was_negative
        if not unit.documents:
            del self.units[key]


def decide(window: Window, end: int, profile: Callable[[], Profile]) -> Decision:
    """What the window's rule says at `end`. `profile` is asked for only when the cheap conditions hold."""
    rule = window.rule
    if isinstance(rule, Threshold):
        return _threshold(rule, window)
    if isinstance(rule, Share):
        return _share(rule, window, profile)
    return _surge(rule, window, end, profile)


def _threshold(rule: Threshold, window: Window) -> Decision:
    amount = window.negative
    why = _short(rule, window, amount, rule.at_least)
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=f"negative {rule.count}",
        support=window.judged,
        expected=None,
        beyond=amount / rule.at_least,
    )


def _share(rule: Share, window: Window, profile: Callable[[], Profile]) -> Decision:
    judged, negative = window.judged, window.negative
    low, high = wilson(negative, judged, rule.confidence)
    why = _short(rule, window, negative, 1)
    usual: float | None = None
    state: Literal["", "warming", "seasonal"] = ""
    bound = rule.at_least or 0.0
    if why == "beyond" and rule.over_baseline is not None:
        found = profile()
        usual, state = found.share, "warming" if found.warming else "seasonal"
        bound = max(bound, min(found.share * rule.over_baseline, 0.95))  # a multiple above 1 could never be reached
    if why == "beyond" and low < bound:
        why = "uncertain" if negative >= bound * judged else "below"
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=negative,
        observed=negative / judged if judged else 0.0,
        unit=f"negative share of {rule.count}",
        support=judged,
        expected=usual,
        low=low if judged else None,
        high=high if judged else None,
        beyond=low / bound if bound else 0.0,
        baseline=state,
    )


def _surge(rule: Surge, window: Window, end: int, profile: Callable[[], Profile]) -> Decision:
    everything = rule.of == "all"
    amount = len(window.units) if everything else window.negative
    unit = "stories" if everything else "negative stories"
    why = _short(rule, window, amount, rule.min_count)
    if why != "beyond":
        return Decision(False, why, amount, float(amount), unit, window.judged)
    found = profile()
    of = baseline.ALL if everything else baseline.NEGATIVE
    mean = found.expected(of, end - rule.window.seconds * 1_000_000, end)
    size = found.size(of)
    p = tail(amount, mean, size)
    floor = max(rule.min_count * (2 if found.warming else 1), math.ceil(rule.min_ratio * mean))
    if found.hours * 3600 < CERTAIN_HISTORY * rule.window.seconds:
        why = "no_baseline"
    elif amount < floor or p > rule.p:
        why = "usual"
    low, high = interval(mean, size)
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=unit,
        support=window.judged,
        expected=mean,
        low=float(low),
        high=float(high),
        p=p,
        beyond=amount / _enough(floor, amount, mean, size, rule.p) if why == "beyond" else 0.0,
        baseline="warming" if found.warming else "seasonal",
    )


def _short(rule: Rule, window: Window, amount: int, bound: int) -> Why:
    """What is missing before the rule's own condition is looked at; "beyond" when nothing is."""
    if not window.entries:
        return "no_data"
    if amount < bound:
        return "below"
    if window.judged < rule.min_support:
        return "few_judged"
    if window.negative < rule.min_share * window.judged:
        return "low_share"
    return window.lacks(rule.min_sources, rule.min_authors) or "beyond"


def _enough(floor: int, amount: int, mean: float, size: float, p: float) -> int:
    """The smallest count, from `floor` on, that would have been a surge; `amount` is one."""
    low, high = floor, amount
    while low < high:
        middle = (low + high) // 2
        if tail(middle, mean, size) <= p:
            high = middle
        else:
            low = middle + 1
    return max(low, 1)


def wilson(hits: int, of: int, confidence: float) -> tuple[float, float]:
    """One-sided Wilson score bounds of a share, below and above, each with this confidence; (0, 1) without data.

    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference.
    """
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(confidence)
    share = hits / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
