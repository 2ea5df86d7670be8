"""Mentions with their sums, kept up to date as they come and go: units of what a rule counts, negative ones, sources.

Every sum is a whole number, so what is counted anew after a restart is what was counted all along.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final, Protocol

from msgspec import Struct

from alerts.rules import Leaf, Share
from alerts.stories import MILLION, UNJUDGED, Entry

# What a mention counts towards: its story, document, author or source.
KEYS: Final[Mapping[str, Callable[[Entry], str]]] = {
    "stories": attrgetter("story"),
    "documents": attrgetter("document"),
    "authors": attrgetter("person"),
    "sources": attrgetter("source"),
}


class Unit(Struct, gc=False):
    """A story, document or author: how many documents, how many judged, and how negative."""

    documents: int = 0
    judged: int = 0
    negative: int = 0

    def is_negative(self, at: int) -> bool:
        """Whether the judged documents are, on average, at least `at` millionths negative."""
        return self.judged > 0 and self.negative >= at * self.judged


class Units:
    """Units of some mentions, as a rule counts them."""

    __slots__ = ("judged", "key", "negative", "negative_at", "units")

    def __init__(self, rule: Leaf) -> None:
        self.key: Callable[[Entry], str] = KEYS[rule.count]  # what a mention counts towards
        self.negative_at = round(rule.negative_at * MILLION)
        self.units: dict[str, Unit] = {}
        self.negative = 0  # units that are negative
        self.judged = 0  # units with a judged document

    def change(self, entry: Entry, by: int) -> None:
        """Count a mention (1), or count it no longer (-1)."""
        key, toned = self.key(entry), entry.negative
        unit = self.units.get(key)
        if unit is None or (by < 0 and unit.documents == 1):  # most stories are told once: they come and go whole
            self._whole(key, toned, by)
        else:
            unit.documents += by
            if toned != UNJUDGED:
                self._mix(unit, toned, by)

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


class Counting(Protocol):
    """What mentions are given to that are counted."""

    def count(self, entry: Entry) -> None:
        """Count a mention; they come in order of time."""

    def insert(self, entry: Entry) -> None:
        """Count a mention that comes too late, at its place in time."""

    def withdraw(self, entry: Entry) -> bool:
        """Let go of a mention wherever it stands; whether it was there."""

    def slide(self, until: int) -> None:
        """Let go of what is not later than `until`."""

    def drop(self, entry: Entry) -> None:
        """Let go of this mention when it is the oldest (the subject's memory is full)."""


class Sums(Units):
    """Mentions in order of time, with their sums. All rules that count alike, over as long a time, share them."""

    __slots__ = ("_wider", "entries", "models", "sources")

    def __init__(self, rule: Leaf) -> None:
        super().__init__(rule)
        self.entries: deque[Entry] = deque()
        # Mentions by source, where several are asked for: of one alone no rule need look at every mention again.
        self.sources: dict[str, int] | None = None
        self.models: dict[str, int] | None = None  # judged mentions by model, where a share is corrected by it
        self.serve(rule)

    def serve(self, rule: Leaf) -> None:
        """Count what this rule needs, too; before anything is counted."""
        if rule.min_sources > 1 and self.sources is None:
            self.sources = {}
        if isinstance(rule, Share) and self.models is None:
            self.models = {}
        self._wider = self.sources is not None or self.models is not None

    def count(self, entry: Entry) -> None:
        """Count a mention; they come in order of time."""
        self.entries.append(entry)
        self.change(entry, 1)
        if self._wider:
            self._also(entry, 1)

    def insert(self, entry: Entry) -> None:
        """Count a mention that comes too late, at its place in time."""
        self.entries.insert(bisect_right(self.entries, entry.at, key=lambda e: e.at), entry)
        self.change(entry, 1)
        if self._wider:
            self._also(entry, 1)

    def withdraw(self, entry: Entry) -> bool:
        """Let go of a mention wherever it stands; whether it was there."""
        found = take_out(self.entries, entry)
        if found:
            self._leave(entry)
        return found

    def slide(self, until: int) -> None:
        """Let go of what is not later than `until`."""
        entries = self.entries
        while entries and entries[0].at <= until:
            self._leave(entries.popleft())

    def drop(self, entry: Entry) -> None:
        """Let go of this mention when it is the oldest (the subject's memory is full)."""
        if self.entries and self.entries[0] is entry:
            self._leave(self.entries.popleft())

    def _leave(self, entry: Entry) -> None:
        self.change(entry, -1)
        if self._wider:
            self._also(entry, -1)

    def _also(self, entry: Entry, by: int) -> None:
        if self.sources is not None:
            left = self.sources[entry.source] = self.sources.get(entry.source, 0) + by
            if not left:
                del self.sources[entry.source]
        if self.models is not None and entry.negative != UNJUDGED:
            self.models[entry.model] = self.models.get(entry.model, 0) + by


def take_out(entries: deque[Entry], entry: Entry) -> bool:
    """Take this very mention out of those in memory; whether it was there."""
    for place, each in enumerate(entries):
        if each is entry:
            del entries[place]
            return True
    return False
