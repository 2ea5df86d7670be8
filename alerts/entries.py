"""One alert as it stands at a moment, made of everything that was heard of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from alerts.matchers import matches
from alerts.precision import votes
from alerts.rules import LEVELS
from streams.records import Acknowledgement, AlertEvent, Escalation, Mark, OfAlerts, Severity, Silence


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
class Heard:
    """Everything that was heard of one alert, in any order. `entry` tells how it stands at a moment."""

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

    def entry(self, in_force: Iterable[Silence], now: datetime) -> Entry:
        """How it stands, with those of the silences in force that cover it."""
        last = self.last
        found = votes(mark for mark in self.marks.values() if mark.at <= now)
        right = sum(found.values())
        silences = tuple(silence for silence in in_force if matches(silence.match, last))
        worst = max((event for _, event in self.events.values()), key=lambda event: (event.beyond, event.sequence))
        held, wrong = self._in_hand(now), len(found) - right
        return Entry(last, len(self.events), self.open, held, silences, right, wrong, worst)

    def _in_hand(self, now: datetime) -> Acknowledgement | None:
        """The newest acknowledgement that is in force: not run out, and the alert no more severe than it was then."""
        held = [
            (when, each)
            for when, each in self.acknowledgements.values()
            if each.at <= now and (not each.until or now < each.until)
        ]
        severity = LEVELS.index(self.last.severity)
        for when, each in sorted(held, key=lambda pair: (pair[0], pair[1].id), reverse=True):
            seen = [LEVELS.index(event.severity) for arrived, event in self.events.values() if arrived <= when]
            if severity <= max(seen, default=-1):
                return each
        return None


def urgency(entry: Entry) -> tuple[int, bool, float, str]:
    """What lists are ordered by: severity, those nobody has in hand, the newest."""
    level: Severity = entry.event.severity
    return -LEVELS.index(level), entry.acknowledged is not None, -entry.event.since.timestamp(), entry.event.alert
