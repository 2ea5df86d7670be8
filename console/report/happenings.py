"""What became of each alert: when it rang, how it ended, what people did, who was told. Pure.

Only what happened before the end of the period decides what a report counts, so a report of a day is the same whenever
it is made. What people did and channels answered afterwards is kept apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts.matchers import matches
from alerts.rules import LEVELS
from console.opinion.span import Span
from streams.records import AlertEvent, OfAlerts, Receipt, Silence, SilenceEnd

RINGING: Final = ("firing", "updated", "amended")


@dataclass(frozen=True, slots=True)
class Told:
    """What one receiver answered in the end."""

    receiver: str
    outcome: str  # delivered, retry, refused, disabled
    at: datetime
    attempts: int
    meaning: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """One alert. `event` is its worst step within the period, `last` its newest there."""

    alert: str
    event: AlertEvent
    last: AlertEvent
    fired: datetime
    ended: datetime | None  # within the period
    steps: tuple[AlertEvent, ...]
    operations: tuple[OfAlerts, ...]  # by the end of the period
    afterwards: tuple[OfAlerts, ...]
    told: tuple[Told, ...]  # by the end of the period
    told_afterwards: tuple[Told, ...]

    @property
    def silenced(self) -> bool:
        """Whether a silence covered it when it began to ring."""
        return any(isinstance(o, Silence) and o.at <= self.fired < o.until for o in self.operations)


@dataclass(slots=True)
class Log:
    """The records of the topics as they were read, by alert."""

    events: Mapping[str, Sequence[AlertEvent]]
    operations: Sequence[OfAlerts]
    receipts: Mapping[str, Sequence[Receipt]]


def happenings(log: Log, span: Span) -> list[Happening]:
    """The alerts that rang within the span, or before it and on into it; gravest first, of those the earliest."""
    found = [_happening(alert, events, log, span) for alert, events in sorted(log.events.items())]
    chosen = [each for each in found if each is not None]
    return sorted(chosen, key=lambda h: (-LEVELS.index(h.event.severity), h.fired, h.alert))


def fired_within(log: Log, span: Span) -> int:
    """How many alerts about opinions began to ring within a span."""
    first = (_fired(sorted(events, key=lambda e: e.sequence)) for events in log.events.values())
    return sum(e is not None and e.kind != "system" and not e.replay and span.begin <= e.at < span.end for e in first)


def _happening(alert: str, events: Sequence[AlertEvent], log: Log, span: Span) -> Happening | None:
    steps = sorted((e for e in events if e.at < span.end and not e.replay), key=lambda e: e.sequence)
    fired = _fired(steps)
    if fired is None:
        return None
    telling = [e for e in steps if e.state != "amended"]
    ended = telling[-1].at if telling[-1].state == "resolved" else None
    if ended is not None and ended < span.begin:
        return None
    about = [o for o in log.operations if _concerns(o, alert, steps[-1], fired.at, ended)]
    answers = log.receipts.get(alert, ())
    return Happening(
        alert=alert,
        event=max((e for e in steps if e.state in RINGING), key=lambda e: (LEVELS.index(e.severity), e.beyond, e.at)),
        last=steps[-1],
        fired=fired.at,
        ended=ended,
        steps=tuple(steps),
        operations=tuple(o for o in about if o.at < span.end),
        afterwards=tuple(o for o in about if o.at >= span.end),
        told=told(r for r in answers if r.at < span.end),
        told_afterwards=told(r for r in answers if r.at >= span.end),
    )


def _fired(steps: Sequence[AlertEvent]) -> AlertEvent | None:
    return next((e for e in steps if e.state in ("firing", "updated")), None)


def _concerns(operation: OfAlerts, alert: str, last: AlertEvent, fired: datetime, ended: datetime | None) -> bool:
    if isinstance(operation, SilenceEnd):
        return False  # what was silent until then is told by the silence
    if isinstance(operation, Silence):
        begun = ended is None or operation.at <= ended
        return begun and operation.until > fired and matches(operation.match, last)
    return operation.alert == alert


def told(receipts: Iterable[Receipt]) -> tuple[Told, ...]:
    """What became of the telling, receiver by receiver: delivered when anything was, else what was answered last."""
    by_receiver: defaultdict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_receiver[receipt.receiver].append(receipt)
    found = []
    for receiver, answers in sorted(by_receiver.items()):
        answers.sort(key=lambda r: (r.at, r.attempt))
        whole = [r for r in answers if r.outcome == "delivered" and r.part == r.parts]
        best = whole[0] if whole else answers[-1]
        told_so = ("", "") if whole else (best.meaning, best.fix)
        found.append(Told(receiver, best.outcome, best.at, len(answers), *told_so))
    return tuple(found)
