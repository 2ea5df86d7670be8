"""What is open, who has it in hand, what is silent, and how often each rule was right: a fold of alerts and operations.

The records may come in any order and any number of times: the board is the same. Time is an argument of every
question, never of the fold. A board keeps every open alert, and of the rest what is newest; see `trim`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

from alerts.entries import Entry, Heard, History, urgency
from alerts.matchers import matches
from alerts.precision import UNMARKED, Precision, precision_of, votes
from streams.records import (
    Acknowledgement,
    AlertEvent,
    Escalation,
    Mark,
    MissedEvent,
    OfAlerts,
    Operation,
    RuleChange,
    Silence,
    SilenceEnd,
    Withdrawal,
    encode,
)

KEEP: Final = timedelta(days=90)  # a closed alert, a silence that is over
MOST: Final = 5000  # closed alerts: about 100 MB with four steps of five stories each
STEPS: Final = 1000  # of one alert, the newest; an alert takes a few dozen
LEAST_PREFIX: Final = 6
CHANGES: Final = 1000  # of rules, the newest
MISSED: Final = 5000  # events that people added, withdrawn ones too: about 5 MB
Named = Literal["alert", "silence", "event"]
T = TypeVar("T", Acknowledgement, Escalation, Mark, Silence, SilenceEnd, MissedEvent, Withdrawal, RuleChange)
Said = TypeVar("Said", MissedEvent, Withdrawal, RuleChange)


class NotOne(LookupError):  # noqa: N818 - what happened
    """No alert (silence, event: see `kind`), or several, begin with these digits. `reason` is unknown, ambiguous or
    short."""

    def __init__(self, reason: str, prefix: str, kind: Named = "alert") -> None:
        super().__init__(f"{reason}: {prefix}")
        self.reason = reason
        self.prefix = prefix
        self.kind = kind


class Board:
    """The fold."""

    def __init__(self, keep: timedelta = KEEP, most: int = MOST, most_missed: int = MISSED) -> None:
        self._keep = keep
        self._most = most
        self._most_missed = most_missed
        self._alerts: dict[str, Heard] = {}
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

    def _alert(self, alert: str) -> Heard:
        return self._alerts.setdefault(alert, Heard())

    def _take_event(self, event: AlertEvent, when: datetime) -> None:
        events = self._alert(event.alert).events
        known = events.get(event.sequence)
        events[event.sequence] = (when, event) if known is None else (min(known[0], when), known[1])
        if len(events) > STEPS:  # the first step stays: it says how it began
            del events[sorted(events)[1]]

    def trim(self, now: datetime) -> None:
        """Forget closed alerts and missed events beyond the limits, and silences long over. Marked alerts stay for
        their time: precision rests on them."""
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
        self._changes = {change.id: change for change in _newest(self._changes.values(), oldest, CHANGES)}
        self._trim_missed(oldest)

    def _trim_missed(self, oldest: datetime) -> None:
        """A withdrawal stays as long as its event; one whose event has not come, like an event of its age."""
        self._missed = {event.id: event for event in _newest(self._missed.values(), oldest, self._most_missed)}
        held = [end for end in self._withdrawn.values() if end.event in self._missed]
        others = [end for end in self._withdrawn.values() if end.event not in self._missed]
        self._withdrawn = {end.event: end for end in (*held, *_newest(others, oldest, self._most_missed))}

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
            found.append(each.entry(in_force, now))
        return sorted(found, key=urgency)

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
            each.entry(self.silences(now), now),
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
            found = votes(m for m in each.marks.values() if now - timedelta(days=days) <= m.at <= now)
            if found:
                verdicts[each.last.rule][2 * sum(found.values()) > len(found)] += 1
        return {rule: precision_of(each[True], each[False]) for rule, each in verdicts.items()}


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


def _newest(records: Iterable[Said], oldest: datetime, most: int) -> list[Said]:
    """Those that are not older, in order of time; the last ones, where there are more than so many."""
    found = sorted((record for record in records if record.at >= oldest), key=lambda each: (each.at, each.id))
    return found[-most:]
