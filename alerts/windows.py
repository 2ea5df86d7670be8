"""The mentions that one rule counts for one subject, with its sums kept up to date as time moves on.

Every sum is a whole number, so a window rebuilt after a restart decides exactly as one that never stopped.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal

from msgspec import Struct

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
from alerts.stories import MILLION, UNJUDGED, Entry
from streams.records import digest

# What a mention counts towards: its story, document, author or source.
KEYS: Final[Mapping[str, Callable[[Entry], str]]] = {
    "stories": attrgetter("story"),
    "documents": attrgetter("document"),
    "authors": attrgetter("person"),
    "sources": attrgetter("source"),
}


class Unit(Struct, gc=False):
    """A story, document or author in a window: how many documents, how many judged, and how negative."""

    documents: int = 0
    judged: int = 0
    negative: int = 0

    def is_negative(self, at: int) -> bool:
        """Whether the judged documents are, on average, at least `at` millionths negative."""
        return self.judged > 0 and self.negative >= at * self.judged


class Window:
    """The mentions one rule (or one condition of a composed one) counts for one subject, in order of time."""

    __slots__ = ("_confidence", "_everything", "_least", "_sources", "_weighs", "compares", "entries", "filter",
                 "gone", "judged", "key", "length", "models", "negative", "negative_at", "rule", "sieve", "summed",
                 "units", "width")  # fmt: skip

    def __init__(self, rule: Leaf) -> None:
        self.rule = rule
        self.sieve = sieve_of(rule)
        # Names the history that its counts are compared with, if they are at all.
        self.filter = _filter(rule.scope, rule.ignore_stale, rule.negative_at)
        self.compares = isinstance(rule, Surge | Shift | Silence) or _over_baseline(rule)
        self.width = self.length = rule.window.seconds * SECOND
        self.key: Callable[[Entry], str] = KEYS[rule.count]  # what a mention counts towards
        self.gone: frozenset[str] = frozenset()  # stories taken out, to see what would be without them
        self.entries: deque[Entry] = deque()
        self.units: dict[str, Unit] = {}
        self.models: dict[str, int] = {}  # judged mentions by model, where a share is corrected by it
        self.negative = 0  # units that are negative
        self.judged = 0  # units with a judged document
        # Of a shift rule: once an hour, see alerts.detect.
        self.summed: tuple[int, int, float, int, int, float] | None = None
        self._least = _least(rule)
        # Mentions by source, where several are asked for: of one alone no rule need look at every mention again.
        self._sources: dict[str, int] | None = {} if rule.min_sources > 1 else None
        self._weighs = isinstance(rule, Share)
        self.negative_at = round(rule.negative_at * MILLION)
        self._confidence = round(rule.scope.min_confidence * MILLION)
        self._everything = isinstance(rule, Silence) or getattr(rule, "of", "negative") == "all"

    @property
    def amount(self) -> int:
        """Units that the rule counts: negative ones, or all."""
        return len(self.units) if self._everything else self.negative

    @property
    def possible(self) -> bool:
        """Whether the rule can hold at all, by what is counted here: false says that `alerts.detect` decides so.

        Most windows fail here, long before anything is asked about the subject's past.
        """
        least = self._least
        return least is None or (
            self.amount >= least
            and self.judged >= self.rule.min_support
            and self.negative >= self.rule.min_share * self.judged
            and (self._sources is None or len(self._sources) >= self.rule.min_sources)
            and (not isinstance(self.rule, Coordination) or len(self.entries) >= self.rule.at_least)
        )

    @property
    def needs(self) -> tuple[int, int]:
        """The fewest mentions, negative ones and all, of the subject without which `possible` is false: a unit is
        negative only where a mention is."""
        least = self._least
        if least is None:
            return 0, 0
        repeated = self.rule.at_least if isinstance(self.rule, Coordination) else 0
        every = max(least, self.rule.min_support, repeated)
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
            self.count(entry)
        return wanted

    def count(self, entry: Entry) -> None:
        """Count a mention that the rule wants; entries come in order of time."""
        self.entries.append(entry)
        self._change(entry, 1)

    def insert(self, entry: Entry) -> bool:
        """Count a mention that comes too late, at its place in time."""
        if not self.wants(entry):
            return False
        self.entries.insert(bisect_right(self.entries, entry.at, key=lambda e: e.at), entry)
        self._change(entry, 1)
        return True

    def withdraw(self, entry: Entry) -> bool:
        """Let go of a mention wherever it stands; whether it was there."""
        if not any(e is entry for e in self.entries):
            return False
        self.entries = deque(e for e in self.entries if e is not entry)
        self._change(entry, -1)
        return True

    def slide(self, until: int) -> None:
        """Let go of what is not later than `until`."""
        entries = self.entries
        while entries and entries[0].at <= until:
            self._change(entries.popleft(), -1)

    def drop(self, entry: Entry) -> None:
        """Let go of this mention when it is the oldest (the subject's memory is full)."""
        if self.entries and self.entries[0] is entry:
            self._change(self.entries.popleft(), -1)

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

    def _change(self, entry: Entry, by: int) -> None:
        """Count a mention (1), or count it no longer (-1)."""
        key, toned = self.key(entry), entry.negative
        unit = self.units.get(key)
        if unit is None or (by < 0 and unit.documents == 1):  # most stories are told once: they come and go whole
            self._whole(key, toned, by)
        else:
            unit.documents += by
            if toned != UNJUDGED:
                self._mix(unit, toned, by)
        if self._weighs and toned != UNJUDGED:
            self.models[entry.model] = self.models.get(entry.model, 0) + by
        if self._sources is not None:
            left = self._sources[entry.source] = self._sources.get(entry.source, 0) + by
            if not left:
                del self._sources[entry.source]

    def _whole(self, key: str, toned: int, by: int) -> None:
        """The only mention of a unit has come, or goes."""
        judged = toned != UNJUDGED
        if judged:
            self.judged += by
            if toned >= self.negative_at:
                self.negative += by
        if by < 0:
            del self.units[key]
        else:
            self.units[key] = Unit(1, 1, toned) if judged else Unit(1)

    def _mix(self, unit: Unit, toned: int, by: int) -> None:
        """One of several mentions of a unit is counted, or no longer."""
        bound, judged, negative = self.negative_at, unit.judged, unit.negative
        if judged:
            self.judged -= 1
            if negative >= bound * judged:
                self.negative -= 1
        unit.judged = judged = judged + by
        unit.negative = negative = negative + by * toned
        if judged:
            self.judged += 1
            if negative >= bound * judged:
                self.negative += 1


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
