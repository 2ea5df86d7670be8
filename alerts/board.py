"""What is open, who has it in hand, what is silent, and how often each rule was right: a fold of alerts and operations.

The records may come in any order and any number of times: the board is the same. Time is an argument of every
question, never of the fold. A board keeps every open alert, and of the closed ones the newest; see `trim`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

from alerts.operations import matches
from alerts.rules import LEVELS
from alerts.shares import wilson
from streams.records import (
    Acknowledgement,
    AlertEvent,
    Escalation,
    Mark,
    MissedEvent,
    OfAlerts,
    Operation,
    RuleChange,
    Severity,
    Silence,
    SilenceEnd,
    Withdrawal,
    encode,
)

KEEP: Final = timedelta(days=90)  # a closed alert, a silence that is over
MOST: Final = 5000  # closed alerts: about 100 MB with four steps of five stories each
STEPS: Final = 1000  # of one alert, the newest; an alert takes a few dozen
LEAST_PREFIX: Final = 6
CONFIDENCE: Final = 0.975  # of each bound: together an interval of 95 %
CHANGES: Final = 1000  # of rules, the newest
Named = Literal["alert", "silence", "event"]
T = TypeVar("T", Acknowledgement, Escalation, Mark, Silence, SilenceEnd, MissedEvent, Withdrawal, RuleChange)


class NotOne(LookupError):  # noqa: N818 - what happened
    """No alert (silence, event: see `kind`), or several, begin with these digits. `reason` is unknown, ambiguous or
    short."""

    def __init__(self, reason: str, prefix: str, kind: Named = "alert") -> None:
        super().__init__(f"{reason}: {prefix}")
        self.reason = reason
        self.prefix = prefix
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the alerts of a rule that people marked: how many were worth ringing, and the 95 % interval of that share."""

    right: int
    wrong: int
    share: float | None  # None: nobody marked any
    low: float
    high: float


def precision_of(right: int, wrong: int) -> Precision:
    """The share of those that were right, with its interval."""
    low, high = wilson(right, right + wrong, CONFIDENCE)
    return Precision(right, wrong, right / (right + wrong) if right + wrong else None, low, high)


UNMARKED: Final = precision_of(0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert as it stands at a moment."""

    event: AlertEvent  # its newest step
    steps: int
    open: bool
    acknowledged: Acknowledgement | None  # in force
    silences: tuple[Silence, ...]  # in force and matching
    right: int  # authors whose latest mark says so
    wrong: int
    worst: AlertEvent | None = None  # the step furthest beyond its bound: what was burning, once it is over

    @property
    def rings(self) -> bool:
        """Whether people are told of it: one that only waits to fire, is over or is replayed concerns nobody now."""
        return self.open and self.event.state != "pending" and not self.event.replay


@dataclass(frozen=True, slots=True)
class History:
    """One alert from its beginning, and everything people did about it, each in order of time."""

    entry: Entry
    events: tuple[AlertEvent, ...]
    operations: tuple[OfAlerts, ...]  # silences are those that cover it, in force or not, and their ends


@dataclass(slots=True)
class _Alert:
    events: dict[int, tuple[datetime, AlertEvent]] = field(default_factory=dict)  # sequence -> (arrived, event)
    acknowledgements: dict[str, tuple[datetime, Acknowledgement]] = field(default_factory=dict)
    escalations: dict[str, Escalation] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)

    @property
    def last(self) -> AlertEvent:
        return self.events[max(self.events)][1]

    @property
    def open(self) -> bool:
        """Whether it still goes on: an amendment corrects what was said and neither opens nor closes anything."""
        states = [self.events[n][1].state for n in sorted(self.events)]
        telling = [state for state in states if state != "amended"]
        return bool(states) and (not telling or telling[-1] != "resolved")

    @property
    def touched(self) -> datetime:
        """When it was last heard of, by the arrival of its records."""
        times = [arrived for arrived, _ in self.events.values()]
        times += [arrived for arrived, _ in self.acknowledgements.values()]
        times += [m.at for m in self.marks.values()] + [e.at for e in self.escalations.values()]
        return max(times)


class Board:
    """The fold."""

    def __init__(self, keep: timedelta = KEEP, most: int = MOST) -> None:
        self._keep = keep
        self._most = most
        self._alerts: dict[str, _Alert] = {}
        self._silences: dict[str, Silence] = {}
        self._ends: dict[str, SilenceEnd] = {}  # silence -> its end
        self._missed: dict[str, MissedEvent] = {}
        self._withdrawn: dict[str, Withdrawal] = {}  # missed event -> its withdrawal
        self._changes: dict[str, RuleChange] = {}

    def take(self, record: AlertEvent | Operation, arrived: datetime | None = None) -> None:
        """Fold one record. `arrived` (default: its own time) is when the log took it: event time may lie years back."""
        when = record.at if arrived is None else arrived
        match record:
            case AlertEvent():
                self._take_event(record, when)
            case Silence():
                self._silences[record.id] = _first(self._silences.get(record.id), record)
            case SilenceEnd():
                self._ends[record.silence] = _first(self._ends.get(record.silence), record)
            case Acknowledgement():
                held = self._alert(record.alert).acknowledgements
                known = held.get(record.id)
                held[record.id] = (when, record) if known is None else (min(known[0], when), _first(known[1], record))
            case Escalation():
                escalations = self._alert(record.alert).escalations
                escalations[record.id] = _first(escalations.get(record.id), record)
            case Mark():
                marks = self._alert(record.alert).marks
                marks[record.id] = _first(marks.get(record.id), record)
            case MissedEvent():
                self._missed[record.id] = _first(self._missed.get(record.id), record)
            case Withdrawal():
                self._withdrawn[record.event] = _first(self._withdrawn.get(record.event), record)
            case RuleChange():
                self._changes[record.id] = _first(self._changes.get(record.id), record)

    def _alert(self, alert: str) -> _Alert:
        return self._alerts.setdefault(alert, _Alert())

    def _take_event(self, event: AlertEvent, when: datetime) -> None:
        events = self._alert(event.alert).events
        known = events.get(event.sequence)
        events[event.sequence] = (when, event) if known is None else (min(known[0], when), known[1])
        if len(events) > STEPS:  # the first step stays: it says how it began
            del events[sorted(events)[1]]

    def trim(self, now: datetime) -> None:
        """Forget closed alerts beyond the limits, and silences long over. Marked alerts stay for their time: precision
        rests on them."""
        oldest = now - self._keep
        closed = {name: each for name, each in self._alerts.items() if not each.open}
        for name, each in closed.items():
            if each.touched < oldest:
                del self._alerts[name]
        unmarked = [name for name, each in closed.items() if name in self._alerts and not each.marks]
        unmarked.sort(key=lambda name: (self._alerts[name].touched, name))
        for name in unmarked[: max(0, len(unmarked) - self._most)]:
            del self._alerts[name]
        self._silences = {n: s for n, s in self._silences.items() if s.until >= oldest}
        self._ends = {n: e for n, e in self._ends.items() if n in self._silences or e.at >= oldest}
        changes = sorted(self._changes.values(), key=lambda change: (change.at, change.id))
        self._changes = {change.id: change for change in changes[-CHANGES:] if change.at >= oldest}

    def find(self, prefix: str) -> str:
        """The id of the one alert that begins so. Raises NotOne."""
        return _named(prefix, [name for name, each in self._alerts.items() if each.events])

    def find_silence(self, prefix: str) -> str:
        """The id of the one silence that begins so. Raises NotOne."""
        return _named(prefix, self._silences, "silence")

    def find_missed(self, prefix: str) -> str:
        """The id of the one missed event, withdrawn or not, that begins so. Raises NotOne."""
        return _named(prefix, self._missed, "event")

    def missed(self) -> list[MissedEvent]:
        """What people added and did not withdraw, in order of onset."""
        found = [event for name, event in self._missed.items() if name not in self._withdrawn]
        return sorted(found, key=lambda event: (event.onset, event.id))

    def entries(self, now: datetime, *, everything: bool = False, rule: str = "", severity: str = "") -> list[Entry]:
        """Open alerts, or all: most severe first, of those nobody has in hand first, of those the newest first."""
        in_force = self.silences(now)
        found = []
        for each in self._alerts.values():
            if not each.events or not (everything or each.open):
                continue
            if (rule and each.last.rule != rule) or (severity and each.last.severity != severity):
                continue
            found.append(_entry(each, in_force, now))
        return sorted(found, key=_urgency)

    def history(self, alert: str, now: datetime) -> History:
        """Everything about the alert with this whole id. Raises NotOne."""
        each = self._alerts.get(alert)
        if each is None or not each.events:
            raise NotOne("unknown", alert)
        operations: list[OfAlerts] = [a for _, a in each.acknowledgements.values()]
        operations += [*each.escalations.values(), *each.marks.values()]
        first, last = min(when for when, _ in each.events.values()), None if each.open else each.touched
        for silence in self._covering(each.last, first, last):
            operations.append(silence)
            operations += [self._ends[silence.id]] if silence.id in self._ends else []
        return History(
            _entry(each, self.silences(now), now),
            tuple(each.events[n][1] for n in sorted(each.events)),
            tuple(sorted(operations, key=lambda o: (o.at, o.id))),
        )

    def newest(self, alert: str) -> AlertEvent | None:
        """The newest step of the alert with this whole id; None of one that is not, or no longer, known."""
        each = self._alerts.get(alert)
        return each.last if each is not None and each.events else None

    def _covering(self, event: AlertEvent, first: datetime, last: datetime | None) -> Iterator[Silence]:
        for silence in self._silences.values():
            begun = last is None or silence.at <= last
            if begun and silence.until > first and matches(silence.match, event):
                yield silence

    def silences(self, now: datetime) -> list[Silence]:
        """Silences in force, the first to end first."""
        found = [s for s in self._silences.values() if s.at <= now < s.until and not self._ended(s, now)]
        return sorted(found, key=lambda s: (s.until, s.id))

    def _ended(self, silence: Silence, now: datetime) -> bool:
        end = self._ends.get(silence.id)
        return end is not None and end.at <= now

    def operation(self, id_: str) -> Operation | None:
        """The operation with this id, if it was ever taken."""
        if id_ in self._silences:
            return self._silences[id_]
        if id_ in self._missed or id_ in self._changes:
            return self._missed.get(id_) or self._changes[id_]
        ends: list[Operation] = [*self._ends.values(), *self._withdrawn.values()]
        for end in ends:
            if end.id == id_:
                return end
        for each in self._alerts.values():
            if id_ in each.acknowledgements:
                return each.acknowledgements[id_][1]
            if id_ in each.escalations:
                return each.escalations[id_]
            if id_ in each.marks:
                return each.marks[id_]
        return None

    def rules(self) -> list[str]:
        """Names of the rules whose alerts are on the board."""
        return sorted({each.last.rule for each in self._alerts.values() if each.events})

    def precision(self, rule: str, now: datetime, days: int = 90) -> Precision:
        """Of the rule's alerts marked within `days`: the share that most of their markers found right.

        An even vote counts as wrong. Invented and replayed alerts do not count. Interval: Wilson, E. B. (1927).
        """
        return self.precisions(now, days).get(rule, UNMARKED)

    def precisions(self, now: datetime, days: int = 90) -> dict[str, Precision]:
        """The same of every rule whose alerts are on the board."""
        verdicts: dict[str, Counter[bool]] = {rule: Counter() for rule in self.rules()}
        for each in self._alerts.values():
            if not each.events or not each.marks or each.last.demo or each.last.replay:
                continue
            votes = _votes(m for m in each.marks.values() if now - timedelta(days=days) <= m.at <= now)
            if votes:
                verdicts[each.last.rule][2 * sum(votes.values()) > len(votes)] += 1
        return {rule: precision_of(found[True], found[False]) for rule, found in verdicts.items()}


def _first(known: T | None, record: T) -> T:
    """Of two records with one id the earlier: an operation that was repeated happened when it happened first."""
    return record if known is None else min(known, record, key=lambda o: (o.at, encode(o)))


def _named(prefix: str, names: Collection[str], kind: Named = "alert") -> str:
    """The one of the names that begins so."""
    wanted = prefix.strip().lower()
    if wanted in names:
        return wanted
    if len(wanted) < LEAST_PREFIX:
        raise NotOne("short", wanted, kind)
    found = [name for name in names if name.startswith(wanted)]
    if len(found) != 1:
        raise NotOne("ambiguous" if found else "unknown", wanted, kind)
    return found[0]


def _entry(alert: _Alert, in_force: Iterable[Silence], now: datetime) -> Entry:
    last = alert.last
    votes = _votes(m for m in alert.marks.values() if m.at <= now)
    right = sum(votes.values())
    silences = tuple(s for s in in_force if matches(s.match, last))
    worst = max((event for _, event in alert.events.values()), key=lambda event: (event.beyond, event.sequence))
    wrong = len(votes) - right
    return Entry(last, len(alert.events), alert.open, _in_hand(alert, now), silences, right, wrong, worst)


def _in_hand(alert: _Alert, now: datetime) -> Acknowledgement | None:
    """The newest acknowledgement that is in force: not run out, and the alert no more severe than it was then."""
    held = [(when, a) for when, a in alert.acknowledgements.values() if a.at <= now and (not a.until or now < a.until)]
    severity = LEVELS.index(alert.last.severity)
    for when, each in sorted(held, key=lambda pair: (pair[0], pair[1].id), reverse=True):
        seen = [LEVELS.index(event.severity) for arrived, event in alert.events.values() if arrived <= when]
        if severity <= max(seen, default=-1):
            return each
    return None


def _votes(marks: Iterable[Mark]) -> dict[str, bool]:
    """The latest mark of each author."""
    latest: dict[str, Mark] = {}
    for mark in marks:
        known = latest.get(mark.author)
        if known is None or (known.at, known.id) < (mark.at, mark.id):
            latest[mark.author] = mark
    return {author: mark.right for author, mark in latest.items()}


def _urgency(entry: Entry) -> tuple[int, bool, float, str]:
    level: Severity = entry.event.severity
    return -LEVELS.index(level), entry.acknowledged is not None, -entry.event.since.timestamp(), entry.event.alert
