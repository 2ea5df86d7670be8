"""The mentions that one rule counts for one subject, with their sums (`alerts.sums`).

A window moves on with time only when it is told to, before it is read: until then it holds more than it is long.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from alerts.moments import SECOND
from alerts.rules import (
    Coordination,
    Deviation,
    FirstSeen,
    Leaf,
    Scope,
    Share,
    Shift,
    Silence,
    Spike,
    Surge,
    Threshold,
)
from alerts.sieves import sieve_of
from alerts.stories import MILLION, Entry
from alerts.sums import Counting, Sums, Unit
from streams.records import digest


class Window:
    """The mentions one rule (or one condition of a composed one) counts for one subject, in order of time."""

    __slots__ = ("_confidence", "_copies", "_everything", "_least", "compares", "counter", "filter", "gone", "key",
                 "length", "negative_at", "rule", "sieve", "summed", "sums", "width")  # fmt: skip

    def __init__(self, rule: Leaf) -> None:
        self.rule = rule
        self.sieve = sieve_of(rule)
        # Names the history that its counts are compared with, if they are at all.
        self.filter = _filter(rule.scope, rule.ignore_stale, rule.negative_at)
        self.compares = isinstance(rule, Surge | Shift | Silence) or _over_baseline(rule)
        self.width = self.length = rule.window.seconds * SECOND
        self.sums = Sums(rule)
        self.counter: Counting = self.sums  # what mentions are given to: one counter may serve several windows
        self.key = self.sums.key  # what a mention counts towards
        self.negative_at = self.sums.negative_at
        self.gone: frozenset[str] = frozenset()  # stories taken out, to see what would be without them
        # Of a shift rule: once an hour, see alerts.detect.
        self.summed: tuple[int, int, float, int, int, float] | None = None
        self._least = _least(rule)
        self._copies = rule.at_least if isinstance(rule, Coordination) else 0  # of one story: as many mentions at least
        self._confidence = round(rule.scope.min_confidence * MILLION)
        self._everything = isinstance(rule, Silence) or getattr(rule, "of", "negative") == "all"

    def share(self, shared: dict[Hashable, Sums]) -> None:
        """Take the sums of another window that counts alike, if there is one. Nothing was counted yet."""
        alike = self.sieve, self.rule.count, self.negative_at, self.width
        self.sums = self.counter = shared.setdefault(alike, self.sums)
        self.sums.serve(self.rule)

    def part(self) -> None:
        """Share no sums from now on."""
        own = Sums(self.rule)
        for entry in self.sums.entries:
            own.count(entry)
        self.sums = self.counter = own

    @property
    def entries(self) -> Sequence[Entry]:
        """The mentions."""
        return self.sums.entries

    @property
    def units(self) -> Mapping[str, Unit]:
        """What is counted, by story, document, author or source."""
        return self.sums.units

    @property
    def judged(self) -> int:
        """Units with a judged document."""
        return self.sums.judged

    @property
    def negative(self) -> int:
        """Units that are negative."""
        return self.sums.negative

    @property
    def models(self) -> Mapping[str, int]:
        """Judged mentions by model, where a share is corrected by it."""
        return self.sums.models or {}

    @property
    def amount(self) -> int:
        """Units that the rule counts: negative ones, or all."""
        return len(self.sums.units) if self._everything else self.sums.negative

    @property
    def possible(self) -> bool:
        """Whether the rule can hold at all, by what is counted here: false says that `alerts.detect` decides so.

        Most windows fail here, long before anything is asked about the subject's past.
        """
        least, sums, rule = self._least, self.sums, self.rule
        return least is None or (
            self.amount >= least
            and sums.judged >= rule.min_support
            and sums.negative >= rule.min_share * sums.judged
            and (rule.min_sources < 2 or len(sums.sources or ()) >= rule.min_sources)
            and len(sums.entries) >= self._copies
        )

    @property
    def needs(self) -> tuple[int, int]:
        """The fewest mentions, negative ones and all, of the subject without which `possible` is false: a unit is
        negative only where a mention is."""
        least = self._least
        if least is None:
            return 0, 0
        every = max(least, self.rule.min_support, self._copies)
        return 0 if self._everything else least, every

    def in_scope(self, entry: Entry) -> bool:
        """Whether the rule's scope takes this mention of its subject, were it not old."""
        return self.sieve.in_scope(entry)

    def wants(self, entry: Entry) -> bool:
        """Whether the rule counts this mention of its subject."""
        return self.sieve.wants(entry)

    def add(self, entry: Entry) -> bool:
        """Count a mention if the rule wants it; entries come in order of time. Whether it is counted."""
        wanted = self.wants(entry)
        if wanted:
            self.counter.count(entry)
        return wanted

    def without(self, stories: Collection[str]) -> Window:
        """The same window had these stories never been told."""
        other = Window(self.rule)
        other.gone = frozenset(stories)
        for entry in self.entries:
            if entry.story not in stories:
                other.add(entry)
        return other

    def takes_for_negative(self, entry: Entry) -> bool:
        """Whether this mention alone is negative to the rule; one that no model judged never is."""
        return entry.negative >= self.negative_at

    def value(self, entry: Entry) -> str:
        """What a first_seen rule looks for in a mention; empty where the model is not sure of it or there is none."""
        rule = self.rule
        if not isinstance(rule, FirstSeen) or rule.what == "source":
            return entry.source
        name, sure = (entry.risk, entry.risk_sure) if rule.what == "risk" else (entry.topic, entry.topic_sure)
        return name if name != "none" and sure >= self._confidence else ""

    def counts(self, entry: Entry) -> bool:
        """Whether a mention of the window is behind its amount."""
        return self._everything or self.units[self.key(entry)].is_negative(self.negative_at)

    def counted(self) -> list[Entry]:
        """The mentions behind the amount: those of negative units, or all."""
        return [e for e in self.entries if self.counts(e)]

    def lacks(self, sources: int, authors: int) -> Literal["", "few_sources", "few_authors"]:
        """Which of so many distinct sources and authors the counted mentions lack; looks no further than needed."""
        return lacking((e for e in reversed(self.entries) if self.counts(e)), sources, authors)


def _least(rule: Leaf) -> int | None:
    """The fewest units without which a rule cannot hold; None: it may hold with none, and asks for no support."""
    match rule:
        case Threshold() | FirstSeen():
            return rule.at_least
        case Surge() | Shift() | Spike() | Deviation():
            return math.ceil(rule.min_count * rule.clear_at)
        case Share() | Coordination():
            return 1
        case _:
            return None


@lru_cache(maxsize=1024)  # for every rule and every subject the same
def _filter(scope: Scope, ignore_stale: bool, negative_at: float) -> str:
    """Names what is counted in the history of a rule; empty for all mentions that are not old, negative at one half."""
    narrow = scope.filter()
    return narrow if ignore_stale and negative_at == 0.5 else digest(narrow, str(ignore_stale), str(negative_at))[:16]


def _over_baseline(rule: Leaf) -> bool:
    return isinstance(rule, Share) and rule.over_baseline is not None


def lacking(entries: Iterable[Entry], sources: int, authors: int) -> Literal["", "few_sources", "few_authors"]:
    """Which of so many distinct sources and authors the mentions lack; ends as soon as they lack nothing."""
    seen_sources: set[str] = set()
    seen_authors: set[str] = set()
    for entry in entries:
        seen_sources.add(entry.source)
        seen_authors.add(entry.person)
        if len(seen_sources) >= sources and len(seen_authors) >= authors:
            return ""
    return "few_sources" if len(seen_sources) < sources else "few_authors"
