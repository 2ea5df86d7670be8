"""One subject at run time: what it was mentioned in, what is derived from that, and what rules may ask about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from alerts.baseline import Profile, profile
from alerts.calendars import market_of
from alerts.detect import followed, seen
from alerts.judge import Judge
from alerts.moments import HOUR, SECOND
from alerts.prior import prior_of
from alerts.rules import FirstSeen, Rule
from alerts.shares import Rates
from alerts.snapshots import SubjectState
from alerts.stories import Entry, Stories
from alerts.windows import Window

MOST_ENTRIES: Final = 50_000  # mentions remembered per subject; beyond it the oldest are let go, and counted
KEPT_PROFILES: Final = 24  # hours for which a computed baseline is kept: rules with windows up to a day share them


class Subject:
    """One subject: its plain state (what a snapshot keeps), and what is derived from it."""

    __slots__ = ("_items", "_market", "_prior", "_profiles", "documents", "id", "judges", "rates", "state", "stories")

    def __init__(self, name: str, state: SubjectState, rules: Iterable[Rule], rates: Mapping[str, Rates]) -> None:
        self.id = name
        self.state = state
        self.rates = rates
        self.stories = Stories(state.stories)
        self.state.stories = self.stories.found
        self.documents = {e.document for e in state.entries}
        self.judges = [Judge(rule) for rule in rules if rule.covers(name)]
        self._items = {e.item: e for e in state.entries if e.item}
        self._market = market_of(name)
        self._prior = prior_of(name)
        self._profiles: dict[int, Profile] = {}
        for entry in state.entries:
            for judge in self.judges:
                for window in judge.windows:
                    window.add(entry)
        for judge in self.judges:
            judge.settle()
            judge.amended = state.amended.get(judge.rule.name, "")
        known = {followed(leaf) for judge in self.judges for leaf in judge.rule.leaves}
        self.state.runs = {key: run for key, run in state.runs.items() if key.partition("/")[0] + "/" in known}

    @property
    def fresh(self) -> bool:
        """Whether something was counted since the rules were last evaluated."""
        return any(judge.fresh for judge in self.judges)

    @property
    def patient(self) -> bool:
        """Whether a rule asks about its silence."""
        return any(judge.patient for judge in self.judges)

    def settle(self) -> None:
        """The rules were evaluated."""
        self.state.amended.clear()
        for judge in self.judges:
            judge.settle()

    def take(self, entry: Entry) -> None:
        """Remember a mention and count it; mentions come in order of time. It replaces an earlier one of its item."""
        if self.state.began is None:
            self.state.began = entry.at
        replaced = self._items.pop(entry.item, None) if entry.item else None
        if replaced is not None:
            self._withdraw(replaced)
        self._remember(entry)
        self.state.entries.append(entry)
        for judge in self.judges:
            for window in judge.windows:
                if window.add(entry):
                    self._run(window, entry)

    def take_late(self, entry: Entry, judges: Iterable[Judge], now: int) -> bool:
        """Count a mention that came too late for these rules; whether one of them reaches back to it."""
        used = False
        for judge in judges:
            for window in judge.windows:
                if entry.at > now - window.rule.window.seconds * SECOND and window.insert(entry):
                    self.state.amended[judge.rule.name] = judge.amended = "late_document"
                    used = True
        if used:
            self._remember(entry)
            at = len(self.state.entries)
            while at and self.state.entries[at - 1].at > entry.at:
                at -= 1
            self.state.entries.insert(at, entry)
        return used

    def _remember(self, entry: Entry) -> None:
        self.documents.add(entry.document)
        if entry.item:
            self._items[entry.item] = entry

    def _withdraw(self, entry: Entry) -> None:
        """Count a mention no longer; its document stays known, so that it does not come back."""
        for judge in self.judges:
            for window in judge.windows:
                if window.withdraw(entry):
                    judge.amended = "corrected"
        self.state.entries = [e for e in self.state.entries if e is not entry]

    def _run(self, window: Window, entry: Entry) -> None:
        """Keep account of what a first_seen rule has seen."""
        rule = window.rule
        if not isinstance(rule, FirstSeen):
            return
        runs = self.state.runs
        begun = runs.get(followed(rule), (entry.at, entry.at))
        runs[followed(rule)] = (begun[0], entry.at)
        value = window.value(entry)
        if value and window.counts(entry):
            key = seen(rule, value)
            run = runs.get(key)
            pause = run is None or entry.at - run[1] > rule.memory.seconds * SECOND
            runs[key] = (entry.at if run is None or pause else run[0], entry.at)

    def forget(self, until: int) -> None:
        """Let go of mentions and stories no later than `until`."""
        entries = self.state.entries
        gone = 0
        while gone < len(entries) and entries[gone].at <= until:
            self._drop(entries[gone])
            gone += 1
        del entries[:gone]
        self.stories.forget(until)

    def shorten(self) -> int:
        """Let go of the oldest mentions beyond the limit; how many."""
        over = len(self.state.entries) - MOST_ENTRIES
        for entry in self.state.entries[: max(0, over)]:
            self._drop(entry)
        del self.state.entries[: max(0, over)]
        return max(0, over)

    def _drop(self, entry: Entry) -> None:
        self.documents.discard(entry.document)
        if self._items.get(entry.item) is entry:
            del self._items[entry.item]
        for judge in self.judges:
            for window in judge.windows:
                window.drop(entry)

    def profile(self, until: int) -> Profile:
        """The baseline up to the hour of `until`; computed once an hour for each length of window."""
        hour = until // HOUR
        if hour not in self._profiles:
            self._profiles = {h: p for h, p in self._profiles.items() if h > hour - KEPT_PROFILES}
            began = until if self.state.began is None else self.state.began
            self._profiles[hour] = profile(self.state.history, began, until, self._market, self._prior)
        return self._profiles[hour]

    def hourly(self, of: int, first: int, last: int) -> list[int]:
        """New stories in each of the hours [first, last) since 1970."""
        hours = self.state.history.hours
        return [hours[hour][of] if hour in hours else 0 for hour in range(first, last)]

    def run(self, key: str) -> tuple[int, int] | None:
        """Since when, without a pause, the subject has had what the key names, and when last."""
        return self.state.runs.get(key)
