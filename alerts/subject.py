"""One subject at run time: what it was mentioned in, what is derived from that, and what rules may ask about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from alerts.baseline import History, Profile, profile
from alerts.calendars import market_of
from alerts.detect import followed, seen
from alerts.judge import Judge
from alerts.moments import HOUR, SECOND
from alerts.prior import prior_of
from alerts.rules import FirstSeen, Rule
from alerts.shares import Rates
from alerts.snapshots import SubjectState
from alerts.stories import MILLION, UNJUDGED, Entry, Stories
from alerts.windows import Window

MOST_ENTRIES: Final = 50_000  # mentions remembered per subject; beyond it the oldest are let go, and counted
KEPT_PROFILES: Final = 24  # hours for which a computed baseline is kept: rules with windows up to a day share them


class Subject:
    """One subject: its plain state (what a snapshot keeps), and what is derived from it."""

    __slots__ = (
        "_filters",
        "_items",
        "_market",
        "_prior",
        "_profiles",
        "_told",
        "documents",
        "id",
        "judges",
        "rates",
        "state",
        "stories",
    )

    def __init__(self, name: str, state: SubjectState, rules: Iterable[Rule], rates: Mapping[str, Rates]) -> None:
        self.id = name
        self.state = state
        self.rates = rates
        self.stories = Stories(state.stories)
        self.state.stories = self.stories.found
        self.documents = {e.document for e in state.entries}
        self.judges = [Judge(rule) for rule in rules if rule.covers(name)]
        self._filters = {
            w.filter: w for judge in self.judges for w in judge.windows
        }  # any window of a filter speaks for it
        self._told: dict[str, Counter[str]] = {name: Counter() for name in ("", *self._filters)}
        self._items = {e.item: e for e in state.entries if e.item}
        self._market = market_of(name)
        self._prior = prior_of(name)
        self._profiles: dict[tuple[str, int], Profile] = {}
        state.histories = {name: past for name, past in state.histories.items() if name in self._told}
        for entry in state.entries:
            self._tell(entry, 1)
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
        replaced = self._items.pop(entry.item, None) if entry.item else None
        if replaced is not None:
            self._withdraw(replaced)
        self._record(entry)
        self._remember(entry)
        self._tell(entry, 1)
        self.state.entries.append(entry)
        for judge in self.judges:
            for window in judge.windows:
                self._follow(window, entry)
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
            self._tell(entry, 1)
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
        self._tell(entry, -1)
        self.state.entries = [e for e in self.state.entries if e is not entry]

    def _lets(self, filter_: str, entry: Entry) -> bool:
        return not entry.stale and (not filter_ or self._filters[filter_].in_scope(entry))

    def _record(self, entry: Entry) -> None:
        """Count a new story in the history of each filter that lets it through."""
        judged, negative = entry.negative != UNJUDGED, 2 * entry.negative >= MILLION
        for filter_, told in self._told.items():
            past = self.state.histories.get(filter_)
            if past is None:
                past = self.state.histories[filter_] = History(began=entry.at)
            if self._lets(filter_, entry) and not told[entry.story]:
                past.record(entry.at, judged, negative)

    def _tell(self, entry: Entry, by: int) -> None:
        """Keep account of which stories are told within each filter."""
        for filter_, told in self._told.items():
            if self._lets(filter_, entry):
                told[entry.story] += by
                if not told[entry.story]:
                    del told[entry.story]

    def _follow(self, window: Window, entry: Entry) -> None:
        """A first_seen rule follows its subject from the first mention on, in its scope or not."""
        if isinstance(window.rule, FirstSeen):
            key = followed(window.rule)
            self.state.runs[key] = (self.state.runs.get(key, (entry.at, entry.at))[0], entry.at)

    def _run(self, window: Window, entry: Entry) -> None:
        """Keep account of what a first_seen rule has seen."""
        rule = window.rule
        if not isinstance(rule, FirstSeen):
            return
        runs = self.state.runs
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
        self._tell(entry, -1)
        if self._items.get(entry.item) is entry:
            del self._items[entry.item]
        for judge in self.judges:
            for window in judge.windows:
                window.drop(entry)

    def forget_history(self, now: int) -> None:
        """Let go of the hours that no baseline needs any more."""
        for past in self.state.histories.values():
            past.forget(now)

    @property
    def idle(self) -> bool:
        """Whether nothing is remembered of it."""
        return not self.state.entries and not any(past.hours for past in self.state.histories.values())

    def profile(self, filter_: str, until: int) -> Profile:
        """The baseline up to the hour of `until`; computed once an hour for each length of window and filter."""
        key = filter_, until // HOUR
        if key not in self._profiles:
            self._profiles = {k: p for k, p in self._profiles.items() if k[1] > key[1] - KEPT_PROFILES}
            past = self.state.histories.get(filter_) or History(began=until)
            self._profiles[key] = profile(past, min(past.began, until), until, self._market, self._prior)
        return self._profiles[key]

    def hourly(self, filter_: str, of: int, first: int, last: int) -> list[int]:
        """New stories in each of the hours [first, last) since 1970, of what a scope's filter lets through."""
        past = self.state.histories.get(filter_)
        hours = past.hours if past else {}
        return [hours[hour][of] if hour in hours else 0 for hour in range(first, last)]

    def run(self, key: str) -> tuple[int, int] | None:
        """Since when, without a pause, the subject has had what the key names, and when last."""
        return self.state.runs.get(key)

    def new(self, prefix: str, since: int) -> list[str]:
        """What keys with this prefix name and the subject has had only from later than `since` on, in order."""
        runs = self.state.runs.items()
        return sorted(key.removeprefix(prefix) for key, run in runs if key.startswith(prefix) and run[0] > since)
