"""One subject at run time: what it was mentioned in, what is derived from that, and what rules may ask about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from alerts.baseline import ALL, JUDGED, NEGATIVE, SETTLED, STEP, History, Profile, profile
from alerts.calendars import market_of
from alerts.court import Court
from alerts.judge import Judge
from alerts.ledgers import Ledger
from alerts.moments import HOUR
from alerts.prior import prior_of
from alerts.rules import FirstSeen, Rule
from alerts.shares import Rates
from alerts.sightings import Sightings
from alerts.snapshots import SubjectState
from alerts.stories import Entry, Stories
from alerts.windows import Window

MOST_ENTRIES: Final = 50_000  # mentions remembered per subject; beyond it the oldest are let go, and counted
WEEK: Final = 7 * 24 * HOUR
KEPT_PROFILES: Final = 24 + STEP  # hours for which one is kept: rules with windows up to a day share them


class Subject:
    """One subject: its plain state (what a snapshot keeps), and what is derived from it."""

    __slots__ = (
        "_court",
        "_items",
        "_ledgers",
        "_market",
        "_prior",
        "_profiles",
        "_seen",
        "_seers",
        "documents",
        "id",
        "judges",
        "negatives",
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
        self._court = Court((rule for rule in rules if rule.covers(name)), alike=not state.late)
        self.judges = self._court.judges
        windows = self._court.windows
        self.negatives = sum(map(self._negative, state.entries))  # remembered ones that a rule may take for negative
        self._seen = Sightings(state.runs, (window.rule for window in windows))
        state.runs = self._seen.runs
        self._seers = [window for window in windows if isinstance(window.rule, FirstSeen)]
        # Any window of a filter speaks for it.
        filters: dict[str, Window | None] = {"": None}
        filters |= {window.filter: window for window in windows if window.compares}
        state.histories = {name: past for name, past in state.histories.items() if name in filters}
        self._ledgers = {name: Ledger(name, window, state.histories) for name, window in filters.items()}
        self._items = {e.item: e for e in state.entries if e.item}
        self._market = market_of(name)
        self._prior = prior_of(name)
        self._profiles: dict[tuple[str, int], Profile] = {}
        for entry in state.entries:
            self._recall(entry)
        self._court.settle()
        for judge in self.judges:
            judge.amended = state.amended.get(judge.rule.name, "")

    def _recall(self, entry: Entry) -> None:
        """Count a mention that is remembered, as it was counted."""
        for ledger in self._ledgers.values():
            ledger.tell(entry)
        only = self.state.late.get(entry.document)
        if only is None:
            self._court.take(entry)
        else:
            self._court.take_for(entry, only)

    def _negative(self, entry: Entry) -> bool:
        return entry.negative >= self._court.negative_at

    def within_reach(self, judge: Judge) -> bool:
        """Whether enough is remembered for the rule to be possible at all; most rules most of the time fail here."""
        negatives, mentions = judge.needs
        return self.negatives >= negatives and len(self.state.entries) >= mentions

    @property
    def patient(self) -> bool:
        """Whether a rule asks about its silence."""
        return any(judge.patient for judge in self.judges)

    def judge(self, rule: str) -> Judge:
        """The judge of the rule with this name, which covers the subject."""
        return next(judge for judge in self.judges if judge.rule.name == rule)

    def settle(self) -> None:
        """The rules were evaluated."""
        self.state.amended.clear()
        self._court.settle()

    def take(self, entry: Entry) -> bool:
        """Remember a mention and count it; mentions come in order of time. It replaces an earlier one of its item.
        Whether a rule counts it."""
        replaced = self._items.get(entry.item) if entry.item else None
        if replaced is not None:
            self.slide(entry.at)
            self._withdraw(replaced)
        for ledger in self._ledgers.values():
            ledger.take(entry)
        self._remember(entry)
        self.state.entries.append(entry)
        counted = self._court.take(entry)
        for window in self._seers:
            window.counter.slide(entry.at - window.width)
            if window.entries and window.entries[-1] is entry:
                self._seen.see(window, entry)
        self._seen.follow(entry.at)
        if replaced is not None:
            self._unsee(replaced)
        return counted

    def has_item(self, item: str) -> bool:
        """Whether a revision of this item is remembered."""
        return item in self._items

    def take_late(self, entry: Entry, opened: Collection[str], now: int) -> bool:
        """Count a mention that came too late: for the rules with open alerts, and for those that counted an earlier
        revision of its item, as far as they reach back to it; whether there are any. Of older revisions nothing comes.
        """
        replaced = self._items.get(entry.item) if entry.item else None
        if replaced is not None and (replaced.at, replaced.document) > (entry.at, entry.document):
            return False
        names = set(opened)
        if replaced is not None:
            names.update(self.state.late.get(replaced.document) or (judge.rule.name for judge in self.judges))
        inside = [
            (judge, window)
            for judge in self.judges
            for window in judge.windows
            if judge.rule.name in names and entry.at > now - window.length and window.wants(entry)
        ]
        if replaced is None and not inside:
            return False
        self.slide(now)
        self._court.part()
        if replaced is not None:
            self._withdraw(replaced)
            for ledger in self._ledgers.values():
                ledger.record(entry)
            self._rewrite()
        for judge, window in inside:
            window.counter.insert(entry)
            self._amend(judge, "late_document")
        if replaced is not None:
            self._unsee(replaced)
        self.state.late[entry.document] = sorted(names)
        self._remember(entry)
        for ledger in self._ledgers.values():
            ledger.tell(entry)
        at = len(self.state.entries)
        while at and self.state.entries[at - 1].at > entry.at:
            at -= 1
        self.state.entries.insert(at, entry)
        return True

    def _unsee(self, replaced: Entry) -> None:
        for window in self._seers:
            self._seen.unsee(window, replaced)

    def slide(self, now: int) -> None:
        """Let go of what lies before the windows."""
        self._court.slide(now)

    def _amend(self, judge: Judge, why: str) -> None:
        """What a rule counted has changed; the first reason stays until it is asked again."""
        judge.amended = judge.amended or why
        self.state.amended[judge.rule.name] = judge.amended

    def _remember(self, entry: Entry) -> None:
        self.documents.add(entry.document)
        self.negatives += self._negative(entry)
        if entry.item:
            self._items[entry.item] = entry

    def _withdraw(self, entry: Entry) -> None:
        """Count a mention no longer: a newer revision of its item stands for it, and keeps it from coming back."""
        for judge in self._court.withdraw(entry):
            self._amend(judge, "corrected")
        for ledger in self._ledgers.values():
            ledger.untell(entry)
            if ledger.erase(entry):
                self._rewrite()
        self._court.doubt()
        self.documents.discard(entry.document)
        self.state.late.pop(entry.document, None)
        self.state.entries = [e for e in self.state.entries if e is not entry]
        self.negatives -= self._negative(entry)

    def _rewrite(self) -> None:
        """Hours that are over are not what they were: forget what was computed from them."""
        self._profiles.clear()
        for window in self._court.windows:
            window.summed = None

    def due(self, memory: int) -> int:
        """From when on it has something to let go of if nobody mentions it: all mentions after `memory`, a week's hours
        or the last ones, a sighting. Mentions let go of older ones themselves, see `forget`."""
        found = [min(past.due + WEEK, past.over) for past in self.state.histories.values() if past.hours]
        found += self._seen.due
        if self.state.entries:
            found.append(self.state.entries[-1].at + memory)
        return min(found, default=0)

    def forget(self, until: int) -> None:
        """Let go of mentions and stories no later than `until`."""
        entries = self.state.entries
        gone = 0
        while gone < len(entries) and entries[gone].at <= until:
            self._drop(entries[gone])
            gone += 1
        if gone:
            del entries[:gone]
        self.stories.forget(until)

    def shorten(self) -> int:
        """Let go of the oldest mentions beyond the limit; how many."""
        over = max(0, len(self.state.entries) - MOST_ENTRIES)
        if over:
            self.slide(self.state.entries[-1].at)  # so that no window begins with what is not remembered any more
            for entry in self.state.entries[:over]:
                self._drop(entry)
                self._court.drop(entry)
            self._court.doubt()
            del self.state.entries[:over]
        return over

    def _drop(self, entry: Entry) -> None:
        self.negatives -= self._negative(entry)
        self.documents.discard(entry.document)
        if self.state.late:
            self.state.late.pop(entry.document, None)
        if self._items.get(entry.item) is entry:
            del self._items[entry.item]
        for ledger in self._ledgers.values():
            ledger.untell(entry)

    def forget_history(self, now: int) -> None:
        """Let go of the hours that no baseline needs any more, and of what was not seen for as long as it counts."""
        for past in self.state.histories.values():
            past.forget(now)
        self._seen.forget(now)

    @property
    def idle(self) -> bool:
        """Whether nothing is remembered of it."""
        past = any(past.hours for past in self.state.histories.values())
        return not (self.state.entries or past or self.state.runs)

    @property
    def since(self) -> int | None:
        """When it was first mentioned, as far as it is remembered."""
        past = self.state.histories.get("")
        return past.began if past else None

    def profile(self, filter_: str, until: int) -> Profile:
        """The baseline up to the hour of `until`, or, once settled, up to the last step before it; the same for all
        moments of an hour, and computed once for all that ask."""
        past = self.state.histories.get(filter_)
        began = until if past is None else min(past.began, until)
        hour, settled = until // HOUR, -(-began // HOUR) + SETTLED
        if hour >= settled:
            hour = max(hour - hour % STEP, settled)
        found = self._profiles.get((filter_, hour))
        if found is None:
            self._profiles = {k: p for k, p in self._profiles.items() if k[1] > hour - KEPT_PROFILES}
            found = profile(past or History(began=until), began, hour * HOUR, self._market, self._prior)
            self._profiles[filter_, hour] = found
        return found

    def hourly(self, filter_: str, of: int, first: int, last: int, gone: Collection[str] = ()) -> list[int]:
        """New stories in each of the hours [first, last) since 1970, of what a scope's filter lets through; without
        the stories that are taken for gone."""
        past = self.state.histories.get(filter_)
        hours = past.hours if past else {}
        found = [hours[hour][of] if hour in hours else 0 for hour in range(first, last)]
        for entry in self._beginnings(filter_, gone):
            judged, negative = self._ledgers[filter_].tone(entry)
            if first <= entry.at // HOUR < last:
                counted = {NEGATIVE: negative, JUDGED: judged, ALL: True}[of]
                found[entry.at // HOUR - first] = max(0, found[entry.at // HOUR - first] - counted)
        return found

    def _beginnings(self, filter_: str, stories: Collection[str]) -> Iterator[Entry]:
        """The first remembered mention of each of these stories that a filter lets through."""
        left = set(stories)
        for entry in self.state.entries:
            if not left:
                return
            if entry.story in left and self._ledgers[filter_].lets(entry):
                left.discard(entry.story)
                yield entry

    def run(self, key: str) -> tuple[int, int] | None:
        """Since when, without a pause, the subject has had what the key names, and when last."""
        return self._seen.runs.get(key)

    def new(self, prefix: str, since: int) -> list[str]:
        """What keys with this prefix name and the subject has had only from later than `since` on, in order."""
        return self._seen.new(prefix, since)
