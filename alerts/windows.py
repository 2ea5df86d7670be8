"""The mentions that one rule counts for one subject, with its sums kept up to date as time moves on.

Every sum is a whole number, so a window rebuilt after a restart decides exactly as one that never stopped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterable
from typing import Literal

from alerts.keywords import pattern
from alerts.moments import SECOND
from alerts.rules import FirstSeen, Leaf, Share, Shift, Silence, Surge
from alerts.stories import MILLION, UNJUDGED, Entry
from streams.records import digest


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
    """The mentions one rule (or one condition of a composed one) counts for one subject, in order of time."""

    __slots__ = ("_confidence", "_everything", "_keywords", "_negative_at", "_relevance", "compares", "entries",
                 "filter", "fresh", "gone", "judged", "length", "models", "negative", "rule", "summed",
                 "units")  # fmt: skip

    def __init__(self, rule: Leaf) -> None:
        self.rule = rule
        self.filter = _filter(rule)  # names the history that its counts are compared with …
        self.compares = isinstance(rule, Surge | Shift | Silence) or _over_baseline(rule)  # … if they are at all
        self.length = rule.window.seconds * SECOND
        self.gone: frozenset[str] = frozenset()  # stories taken out, to see what would be without them
        self.entries: deque[Entry] = deque()
        self.units: dict[str, Unit] = {}
        self.models: Counter[str] = Counter()  # judged mentions by model
        self.negative = 0  # units that are negative
        self.judged = 0  # units with a judged document
        # Of a shift rule: once an hour, see alerts.detect.
        self.summed: tuple[int, int, float, int, int, float] | None = None
        self.fresh = False  # something was counted since the rule was last evaluated
        self._negative_at = round(rule.negative_at * MILLION)
        self._confidence = round(rule.scope.min_confidence * MILLION)
        self._relevance = round(rule.scope.min_relevance * MILLION)
        self._keywords = pattern(rule.scope.keywords) if rule.scope.keywords else None
        self._everything = isinstance(rule, Silence) or getattr(rule, "of", "negative") == "all"

    @property
    def amount(self) -> int:
        """Units that the rule counts: negative ones, or all."""
        return len(self.units) if self._everything else self.negative

    def in_scope(self, entry: Entry) -> bool:
        """Whether the rule's scope takes this mention of its subject, were it not old."""
        scope = self.rule.scope
        return (
            scope.kind in ("any", entry.kind)
            and (not scope.sources or entry.source in scope.sources)
            and (not scope.languages or entry.lang in scope.languages)
            and (not scope.topics or (entry.topic in scope.topics and entry.topic_sure >= self._confidence))
            and (not scope.risks or (entry.risk in scope.risks and entry.risk_sure >= self._confidence))
            and entry.relevance >= self._relevance
            and (self._keywords is None or self._keywords.search(entry.headline) is not None)
        )

    def wants(self, entry: Entry) -> bool:
        """Whether the rule counts this mention of its subject."""
        return not (entry.stale and self.rule.ignore_stale) and self.in_scope(entry)

    def add(self, entry: Entry) -> bool:
        """Count a mention; entries come in order of time. Whether it is counted."""
        if not self.wants(entry):
            return False
        self.entries.append(entry)
        self._change(entry, 1)
        self.fresh = True
        return True

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
        return entry.negative >= self._negative_at

    def key(self, entry: Entry) -> str:
        """What this mention counts towards: its story, document, author or source."""
        match self.rule.count:
            case "stories":
                return entry.story
            case "documents":
                return entry.document
            case "authors":
                return entry.person
            case "sources":
                return entry.source

    def value(self, entry: Entry) -> str:
        """What a first_seen rule looks for in a mention; empty where the model is not sure of it or there is none."""
        rule = self.rule
        if not isinstance(rule, FirstSeen) or rule.what == "source":
            return entry.source
        name, sure = (entry.risk, entry.risk_sure) if rule.what == "risk" else (entry.topic, entry.topic_sure)
        return name if name != "none" and sure >= self._confidence else ""

    def counts(self, entry: Entry) -> bool:
        """Whether a mention of the window is behind its amount."""
        return self._everything or self.units[self.key(entry)].is_negative(self._negative_at)

    def counted(self) -> list[Entry]:
        """The mentions behind the amount: those of negative units, or all."""
        return [e for e in self.entries if self.counts(e)]

    def lacks(self, sources: int, authors: int) -> Literal["", "few_sources", "few_authors"]:
        """Which of so many distinct sources and authors the counted mentions lack; looks no further than needed."""
        return lacking((e for e in reversed(self.entries) if self.counts(e)), sources, authors)

    def _change(self, entry: Entry, by: int) -> None:
        key = self.key(entry)
        unit = self.units.get(key)
        if unit is None:
            unit = self.units[key] = Unit()
        was_judged, was_negative = unit.judged > 0, unit.is_negative(self._negative_at)
        unit.documents += by
        if entry.negative != UNJUDGED:
            self.models[entry.model] += by
            unit.judged += by
            unit.negative += by * entry.negative
        self.judged += (unit.judged > 0) - was_judged
        self.negative += unit.is_negative(self._negative_at) - was_negative
        if not unit.documents:
            del self.units[key]


def _filter(rule: Leaf) -> str:
    """Names what is counted in the history of a rule; empty for all mentions that are not old, negative at one half."""
    plain = rule.ignore_stale and rule.negative_at == 0.5
    narrow = rule.scope.filter()
    return narrow if plain else digest(narrow, str(rule.ignore_stale), str(rule.negative_at))[:16]


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
