"""The judges of one subject, and the counters that its mentions are given to so that they can judge."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

from alerts.judge import Judge
from alerts.rules import Rule
from alerts.sieves import Sieve
from alerts.stories import MILLION, Entry
from alerts.sums import Counting, Sums
from alerts.windows import Window


class Court:
    """The rules that look at one subject. Those that count alike share their counters, as long as all count the same
    mentions: one that came late counts for some of them only."""

    __slots__ = ("_counters", "_readers", "judges", "negative_at", "windows")

    def __init__(self, rules: Iterable[Rule], *, alike: bool) -> None:
        """`alike`: whether all rules count the same mentions."""
        self.judges = [Judge(rule) for rule in rules]
        self.windows = [window for judge in self.judges for window in judge.windows]
        # How negative a mention must be for any rule to take it, alone, for negative; millionths.
        self.negative_at = min((window.negative_at for window in self.windows), default=MILLION)
        if alike:
            shared: dict[Hashable, Sums] = {}
            for window in self.windows:
                window.share(shared)
        self._arrange()

    def _arrange(self) -> None:
        self._counters = _counters(self.windows)
        # What counts, and who is to judge anew, when a sieve lets a mention through.
        self._readers: dict[Sieve, tuple[list[Counting], list[Judge]]] = {}
        for sieve in dict.fromkeys(window.sieve for window in self.windows):
            judges = [judge for judge in self.judges if any(window.sieve is sieve for window in judge.windows)]
            self._readers[sieve] = _counters(window for window in self.windows if window.sieve is sieve), judges

    def take(self, entry: Entry) -> bool:
        """Count a mention; they come in order of time. Whether a rule counts it."""
        counted = False
        for sieve, (counters, judges) in self._readers.items():
            if sieve.wants(entry):
                counted = True
                for counter in counters:
                    counter.count(entry)
                for judge in judges:
                    judge.fresh = True
        return counted

    def take_for(self, entry: Entry, names: Collection[str]) -> None:
        """Count a mention for these rules alone."""
        for judge in self.judges:
            if judge.rule.name in names:
                for window in judge.windows:
                    window.add(entry)

    def part(self) -> None:
        """Share nothing from now on: not all rules count what comes next."""
        if len(self._counters) < len(self.windows):
            for window in self.windows:
                window.part()
            self._arrange()

    def withdraw(self, entry: Entry) -> list[Judge]:
        """Count a mention no longer; the judges of the rules that counted it."""
        left = [counter for counter in self._counters if counter.withdraw(entry)]
        return [
            judge
            for judge in self.judges
            if any(window.counter is counter for window in judge.windows for counter in left)
        ]

    def slide(self, now: int) -> None:
        """Let go of what lies before the windows. More stands in them while their rules cannot hold, and after a
        restart."""
        for judge in self.judges:
            judge.slide(now)

    def drop(self, entry: Entry) -> None:
        """Let go of the oldest mention."""
        for counter in self._counters:
            counter.drop(entry)

    def doubt(self) -> None:
        """What is known of the subject has changed other than by counting: decide anew."""
        for judge in self.judges:
            judge.doubt()

    def settle(self) -> None:
        """The rules were evaluated."""
        for judge in self.judges:
            judge.fresh = False
            judge.amended = ""


def _counters(windows: Iterable[Window]) -> list[Counting]:
    """What counts for these windows, each once."""
    return list({id(window.counter): window.counter for window in windows}.values())
