"""What people said of alerts and of what alerts missed, as truth for replays. Pure: a board in, events out.

An alert that most of its markers found right is a negative event from its beginning to its end, one found wrong a
control: of an even vote it is wrong, as in the rolling precision. Alerts of one subject that rang at the same time for
one thing are one event, and where something was right nothing about that subject at that time is a control. Invented
and replayed alerts do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alerts.board import Board
from alerts.entries import History
from alerts.evaluation.truth import Truth, TruthEvent
from streams.records import Mark, MissedEvent

MARKED: Final = "alert "  # begins the source of an event that was an alert
SHOWN: Final = 8  # characters of an id: enough to find it
SOURCE_LIMIT: Final = 256
NOTE_LIMIT: Final = 1000
DAY_ONLY: Final = timedelta(days=2)  # what is known to the day began, or was known, on that day or the next
OPEN: Final = timedelta(days=1)  # an event without an end is taken to last so long when events are brought together


def annotated(board: Board, now: datetime) -> Truth:
    """Everything that people have marked or added by `now`, in order of onset; `source` says who. Nothing is claimed to
    be complete: what nobody marked may have been right or wrong."""
    marked = list(_marked(board, now))
    added = [_added(event) for event in _latest(board.missed()) if event.at <= now]
    negative = _together([event for event in (*marked, *added) if event.kind == "negative"])
    controls = [event for event in marked if event.kind == "control" and not _overlaps(event, negative)]
    controls += [event for event in added if event.kind == "control"]
    events = sorted((*negative, *controls), key=lambda event: (event.onset, event.subject, event.kind, event.source))
    return Truth(events=tuple(events))


def _marked(board: Board, now: datetime) -> Iterator[TruthEvent]:
    for entry in board.entries(now, everything=True):
        if (entry.right or entry.wrong) and not entry.event.demo and not entry.event.replay:
            yield _of_alert(board.history(entry.event.alert, now), now)


def _of_alert(history: History, now: datetime) -> TruthEvent:
    entry, event = history.entry, history.entry.event
    marks = [mark for mark in history.operations if isinstance(mark, Mark) and mark.at <= now]
    people = ", ".join(sorted({mark.author for mark in marks}))
    reasons = " ".join(dict.fromkeys(mark.reason for mark in marks if mark.reason))
    ends = [step.at for step in history.events if step.state == "resolved"]
    told = {risk: count for risk, count in event.risks.items() if risk != "none"}
    return TruthEvent(
        subject=event.subject,
        name=event.name[:SOURCE_LIMIT],
        onset=event.since,
        end=None if entry.open or not ends else max(ends[-1], event.since),
        kind="negative" if entry.right > entry.wrong else "control",
        note=f"{event.rule}: {reasons}".rstrip(": ")[:NOTE_LIMIT],
        risk=min(told, key=lambda risk: (-told[risk], risk), default=""),
        source=f"{MARKED}{event.alert[:SHOWN]}, marked by {people}"[:SOURCE_LIMIT],
    )


def _added(event: MissedEvent) -> TruthEvent:
    return TruthEvent(
        subject=event.subject,
        name=event.name,
        onset=event.onset,
        end=event.end or (event.onset + DAY_ONLY if event.day_only else None),
        kind=event.kind,
        note=event.note,
        risk=event.risk,
        day_only=event.day_only,
        source=f"event {event.id[:SHOWN]}, added by {event.author}"[:SOURCE_LIMIT],
    )


def _latest(events: Iterable[MissedEvent]) -> list[MissedEvent]:
    """Of what one author said of one subject, kind and onset the latest word."""
    found: dict[tuple[object, ...], MissedEvent] = {}
    for event in sorted(events, key=lambda event: (event.at, event.id)):
        found[event.author, event.subject, event.kind, event.onset] = event
    return list(found.values())


def _together(events: Sequence[TruthEvent]) -> list[TruthEvent]:
    """Events of one subject that overlap as one: from the first onset to the last end, with the words of all."""
    found: list[TruthEvent] = []
    open_: dict[str, int] = {}  # subject -> place of its newest event
    for event in sorted(events, key=lambda event: (event.onset, event.source)):
        place = open_.get(event.subject)
        if place is not None and event.onset <= _end(found[place]):
            found[place] = _joined(found[place], event)
        else:
            open_[event.subject] = len(found)
            found.append(event)
    return found


def _joined(first: TruthEvent, second: TruthEvent) -> TruthEvent:
    return replace(
        first,
        end=max(_end(first), _end(second)),
        name=first.name or second.name,
        note="; ".join(dict.fromkeys(filter(None, (first.note, second.note))))[:NOTE_LIMIT],
        risk=first.risk or second.risk,
        source="; ".join((first.source, second.source))[:SOURCE_LIMIT],
    )


def _overlaps(event: TruthEvent, others: Iterable[TruthEvent]) -> bool:
    return any(
        event.subject == other.subject and event.onset <= _end(other) and other.onset <= _end(event) for other in others
    )


def _end(event: TruthEvent) -> datetime:
    return event.end or event.onset + OPEN
