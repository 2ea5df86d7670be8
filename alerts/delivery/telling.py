"""What is news to a receiver, and how news become one message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from alerts.delivery.channel import Message, Why
from alerts.delivery.message import notification_id
from alerts.delivery.standing import Group, Standing, Told, holds
from alerts.rules import LEVELS
from streams.records import AlertEvent, Escalation, Severity, digest

Told3 = tuple[AlertEvent, Told, Why]  # the step as it is told, what the receiver knew before, and why it is told
Perhaps = Why | Literal[""]
GRAVEST_FIRST: Final[tuple[Why, ...]] = (
    *("escalated", "digest", "resumed", "worse", "first", "more", "amended", "resolved", "repeat"),
)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message for the receiver with this id."""

    receiver: str
    message: Message


def rank(severity: Severity | Literal[""]) -> int:
    """Severities in order; none is below all."""
    return LEVELS.index(severity) if severity else -1


def news(standing: Standing, told: Told) -> Perhaps:
    """Why the newest step of an alert is news to a receiver; empty when it is not."""
    event = standing.event
    if not standing.firing:
        return "resolved" if told.state == "firing" else ""
    if told.state != "firing":
        return "first"
    if event.sequence <= told.sequence:
        return ""
    if rank(event.severity) > rank(told.severity) or event.state != "amended":
        return "worse"
    return "amended" if event.severity != told.severity or holds(event) != told.holding else ""


def afterwards(why: Perhaps, standing: Standing, told: Told, *, grouped: bool, in_hand: bool) -> Perhaps:
    """Why it is told when nothing holds it back any more; `told.held` says what did."""
    if not told.held:
        return why
    if standing.firing and why:
        return "digest" if told.held == "quiet" else "resumed"
    if standing.firing:  # it was told before the silence: a word that it still fires
        return "resumed" if told.held == "silence" and grouped and not in_hand else ""
    if told.held == "quiet" and grouped:  # it came and went, or ended, in quiet hours
        return "digest"
    return why


def learn(told: Told, standing: Standing, at: datetime | None) -> None:
    """The receiver knows the newest step now. Without a time it has known it for long."""
    event = standing.event
    told.sequence, told.severity, told.holding = event.sequence, event.severity, holds(event)
    told.state = "firing" if standing.firing else "resolved"
    told.at, told.steps, told.since, told.held = at, 0, None, ""


def compose(
    group: Group, grouped: bool, telling: Sequence[Told3], now: datetime, asked: Escalation | None = None
) -> Message:
    """One message of all these steps. What the group has held back is told with it, and counted from zero again.

    The id of news depends on receiver, group and steps alone; that of a reminder also on its moment, and that of what
    somebody asked for on the call.
    """
    for _, told, _ in telling:
        told.steps = max(told.steps - 1, 0)  # the newest step is told; those it has overtaken are counted
        if not told.steps:
            told.since = None
        group.count(told)
    whys = {why for _, _, why in telling}
    why = next(known for known in GRAVEST_FIRST if known in whys)
    if why == "first" and group.severity:
        why = "more"
    events = [event for event, _, _ in telling]
    ids = sorted(event.id for event in events)
    fresh = all(event.sequence > told.sequence for event, told, _ in telling)
    said = digest(group.id, *ids) if fresh else digest(group.id, *ids, why, now.isoformat())
    message = Message(
        id=notification_id(asked.id if asked else said if grouped else events[0].id, group.receiver),
        at=now,
        why=why,
        events=tuple(sorted(events, key=_order)),
        group=dict(group.labels),
        suppressed=group.held,
        suppressed_since=group.since,
        asked_by=asked.author if asked else "",
        asked_why=asked.reason if asked else "",
    )
    group.held, group.since, group.last, group.peak = 0, None, now, message.severity
    return message


def _order(event: AlertEvent) -> tuple[bool, int, datetime, str]:
    return event.state == "resolved", -rank(event.severity), event.since, event.id
