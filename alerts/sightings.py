"""What first_seen rules saw a subject have: of each value since when without a pause, and when last.

A pause is as long as the rule remembers. What was last seen before that is let go of, and is new when it comes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from alerts.detect import followed, seen
from alerts.moments import HOUR, SECOND
from alerts.rules import FirstSeen, Leaf
from alerts.stories import Entry
from alerts.windows import Window

FOLLOWED: Final = 400 * 24 * HOUR  # how long a first_seen rule follows a subject that nobody mentions


class Sightings:
    """The runs of one subject. `runs` is plain data, by key: what a snapshot keeps."""

    __slots__ = ("_memories", "runs")

    def __init__(self, runs: Mapping[str, tuple[int, int]], rules: Iterable[Leaf]) -> None:
        """Of the runs those that one of the rules asks about."""
        leaves = [leaf for leaf in rules if isinstance(leaf, FirstSeen)]
        self._memories = {followed(leaf): leaf.memory.seconds * SECOND for leaf in leaves}
        self.runs = {key: run for key, run in runs.items() if _sight(key) in self._memories}

    def follow(self, at: int) -> None:
        """The subject was mentioned: a rule follows it from the first mention on, in its scope or not."""
        for key in self._memories:
            self._extend(key, at, FOLLOWED)

    def see(self, window: Window, entry: Entry) -> None:
        """A mention was counted."""
        rule = window.rule
        if isinstance(rule, FirstSeen) and (value := window.value(entry)) and window.counts(entry):
            self._extend(seen(rule, value), entry.at, rule.memory.seconds * SECOND)

    def unsee(self, window: Window, replaced: Entry) -> None:
        """A mention was replaced: what was seen in it only, and is not in what replaces it, was not there."""
        if not isinstance(window.rule, FirstSeen) or not (value := window.value(replaced)):
            return
        key = seen(window.rule, value)
        again = any(e.at == replaced.at and window.value(e) == value for e in window.entries)
        if self.runs.get(key) == (replaced.at, replaced.at) and not again:
            del self.runs[key]

    def new(self, prefix: str, since: int) -> list[str]:
        """What keys with this prefix name and the subject has had only from later than `since` on, in order."""
        runs = self.runs.items()
        return sorted(key.removeprefix(prefix) for key, run in runs if key.startswith(prefix) and run[0] > since)

    def forget(self, now: int) -> None:
        """Let go of what was not seen for as long as it counts."""
        for key in [key for key, run in self.runs.items() if now - run[1] > self._memory(key)]:
            del self.runs[key]

    @property
    def due(self) -> Iterator[int]:
        """From when on each run is let go of."""
        return (run[1] + self._memory(key) + 1 for key, run in self.runs.items())

    def _memory(self, key: str) -> int:
        return FOLLOWED if key.endswith("/") else self._memories[_sight(key)]

    def _extend(self, key: str, at: int, memory: int) -> None:
        run = self.runs.get(key)
        self.runs[key] = (at if run is None or at - run[1] > memory else run[0], at)


def _sight(key: str) -> str:
    """The part of a run's key that names the rules which see it."""
    return key.partition("/")[0] + "/"
