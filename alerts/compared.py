"""Windows that are compared with the subject's own recent counts: what lies behind the window is counted, too.

Everything a window has (amount, support, sources, evidence) is of the window alone. What leaves it goes into `past`
until no rule can look so far back. All sums are whole numbers over what lies there, so neither a restart nor the order
of arrival changes a decision.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Hashable

from alerts.moments import HOUR, SECOND
from alerts.rules import Deviation, Leaf, Spike
from alerts.stories import Entry
from alerts.sums import Sums, Units, take_out
from alerts.windows import Window


class Tally(Units):
    """Units of some mentions, counted as their window counts."""

    __slots__ = ("_everything",)

    def __init__(self, rule: Leaf) -> None:
        super().__init__(rule)
        self._everything = getattr(rule, "of", "negative") == "all"

    @property
    def amount(self) -> int:
        """Units that the rule counts: negative ones, or all."""
        return len(self.units) if self._everything else self.negative


class Compared(Window):
    """A window with what lies behind it, in order of time."""

    __slots__ = ("past",)

    def __init__(self, rule: Leaf) -> None:
        super().__init__(rule)
        self.length = rule.span * SECOND
        self.past: deque[Entry] = deque()
        self.counter = self

    def share(self, shared: dict[Hashable, Sums]) -> None:
        """What lies behind the window is its own."""

    def part(self) -> None:
        """It shares nothing."""

    def came(self, entry: Entry, by: int) -> None:
        """A mention was counted, or is let go of for good."""

    def passed(self, entry: Entry, by: int) -> None:
        """A mention has left the window, or is let go of after that."""

    def count(self, entry: Entry) -> None:
        """Count a mention that the rule wants; entries come in order of time."""
        self.sums.count(entry)
        self.came(entry, 1)

    def insert(self, entry: Entry) -> None:
        """Count a mention that comes too late, at its place in time; sliding takes it on from there."""
        self.sums.insert(entry)
        self.came(entry, 1)

    def withdraw(self, entry: Entry) -> bool:
        """Let go of a mention wherever it stands; whether it was there."""
        if self.sums.withdraw(entry):
            self.came(entry, -1)
            return True
        found = take_out(self.past, entry)
        if found:
            self._forget(entry)
        return found

    def slide(self, until: int) -> None:
        """Let what is not later than `until` leave the window, and let go of what lies before all that is compared."""
        while self.entries and (entry := self.entries[0]).at <= until:
            self.sums.drop(entry)
            self._keep(entry)
        oldest = until + self.rule.window.seconds * SECOND - self.length
        while self.past and self.past[0].at <= oldest:
            self._forget(self.past.popleft())

    def drop(self, entry: Entry) -> None:
        """Let go of this mention when it is the oldest (the subject's memory is full)."""
        if self.past:
            if self.past[0] is entry:
                self._forget(self.past.popleft())
        elif self.entries and self.entries[0] is entry:
            self.sums.drop(entry)
            self.came(entry, -1)

    def without(self, stories: Collection[str]) -> Window:
        """The same window had these stories never been told, neither now nor before."""
        other = type(self)(self.rule)
        other.gone = frozenset(stories)
        for entry in self.past:
            if entry.story not in stories:
                other.came(entry, 1)
                other._keep(entry)
        for entry in self.entries:
            if entry.story not in stories:
                other.add(entry)
        return other

    def _keep(self, entry: Entry) -> None:
        if not self.past or self.past[-1].at <= entry.at:  # nearly always
            self.past.append(entry)
        else:
            self.past.insert(bisect_right(self.past, entry.at, key=lambda e: e.at), entry)
        self.passed(entry, 1)

    def _forget(self, entry: Entry) -> None:
        self.passed(entry, -1)
        self.came(entry, -1)


class Adjacent(Compared):
    """A spike's window and, right before it, its reference."""

    __slots__ = ("reference",)

    def __init__(self, rule: Leaf) -> None:
        super().__init__(rule)
        self.reference = Tally(self.rule)

    def passed(self, entry: Entry, by: int) -> None:
        """What has left the window is in the reference."""
        self.reference.change(entry, by)


class Hourly(Compared):
    """A deviation's window and the counts of the hours of its reference."""

    __slots__ = ("_first", "_hours", "_last", "_squares", "_total")

    def __init__(self, rule: Leaf) -> None:
        super().__init__(rule)
        self._hours: dict[int, Tally] = {}
        self._first = self._last = 0  # the hours [first, last) that are summed up
        self._total = self._squares = 0

    def came(self, entry: Entry, by: int) -> None:
        """Every mention counts in its hour, within the window as before it."""
        hour = entry.at // HOUR
        tally = self._hours.get(hour) or self._hours.setdefault(hour, Tally(self.rule))
        before = tally.amount
        tally.change(entry, by)
        if self._first <= hour < self._last:
            self._total += tally.amount - before
            self._squares += tally.amount**2 - before**2
        if not tally.units:
            del self._hours[hour]

    def moments(self, first: int, last: int) -> tuple[float, float]:
        """Mean and population standard deviation of the counts of the hours [first, last) since 1970."""
        if (self._first, self._last) != (first, last):
            counts = [tally.amount for hour, tally in self._hours.items() if first <= hour < last]
            self._first, self._last = first, last
            self._total, self._squares = sum(counts), sum(count * count for count in counts)
        hours = last - first
        return self._total / hours, (hours * self._squares - self._total**2) ** 0.5 / hours


def window_of(rule: Leaf) -> Window:
    """The window of a rule, of the kind that its type needs."""
    return {Spike: Adjacent, Deviation: Hourly}.get(type(rule), Window)(rule)
