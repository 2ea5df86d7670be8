"""Whom, when and how often: a fold over alert events, operations and time that says what each receiver is told.

Pure: time is an argument, and the same inputs give the same messages. What it remembers are small rows; the shell
stores the messages of a step and the rows it changed in one transaction, so that after a crash a step was either taken
with all it led to, or will be taken again. A step is known by alert and sequence, an operation by its id: what is
delivered twice changes nothing. Every step that rings is told to each receiver concerned once, or counted: `suppressed`
of the group's next message says how many were held back, and since when.

Telling goes by what a receiver knows, not by a queue of events: a group that waits tells the newest step of each alert.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec.structs import replace

from alerts.delivery import calls
from alerts.delivery.book import Book, Party, length
from alerts.delivery.channel import Why
from alerts.delivery.concerned import concerned
from alerts.delivery.routing import Route, Routing, broken_channel, may_hear
from alerts.delivery.standing import Group, Row, Standing, Told
from alerts.delivery.telling import Dispatch, afterwards, compose, learn, news, rank
from alerts.delivery.written import place
from streams.records import Acknowledgement, AlertEvent, Escalation, Operation

FLAPPING: Final = "flapping"  # label of what is told once and then held back
SILENT: Final = frozenset({("updated", "doubled"), ("resolved", "lapsed")})  # state and reason: nobody's news
AHEAD: Final = timedelta(minutes=1)  # more than that in the future has not happened: the clock was wrong
AGAIN: Final = timedelta(minutes=5)  # after a fault of ours in a group
Telling = tuple[Standing, Told, Why]

log = structlog.get_logger(__name__)


class Policy:
    """`take` each input, then `tick`; store the messages of both together with `changes`."""

    def __init__(self, routing: Routing, parties: Sequence[Party], rows: Iterable[Row] = ()) -> None:
        self._book = Book(routing, parties, rows)

    @property
    def moved(self) -> dict[str, str]:
        """Receivers whose address has changed since the rows were stored: old id -> new id."""
        return self._book.moved

    def changes(self) -> list[Row]:
        """The rows changed since the last call."""
        return self._book.changes()

    def next_due(self) -> datetime | None:
        """When `tick` has something to do; None: not before the next input."""
        return self._book.next_due()

    def about_channels(self) -> list[AlertEvent]:
        """The alerts about channels that fire."""
        events = [standing.event for _, standing in self._book.alerts.items() if standing.firing]
        return [event for event in events if broken_channel(event)]

    def prune(self, now: datetime) -> None:
        """Forget what can matter no more."""
        self._book.prune(now)

    # Inputs

    def take(
        self, record: AlertEvent | Operation, now: datetime, told_to: Collection[str] = (), *, old: bool = False
    ) -> list[Dispatch]:
        """Take an input in; returns what is told at once. `told_to`: receivers known to have been told of this event
        already; `old`: it is too old to be told to anybody, though its end may be news."""
        if isinstance(record, AlertEvent):
            return self._step(record, now, told_to, old)
        if isinstance(record, Escalation):
            return [] if old else self._called(record, now, told_to)
        standing = self._book.alerts.get(record.alert) if isinstance(record, Acknowledgement) else None
        self._book.holds.operate(record, standing.event.severity if standing else None)
        return []

    def _step(self, event: AlertEvent, now: datetime, told_to: Collection[str], old: bool) -> list[Dispatch]:
        seen = self._book.seen.get(event.alert)
        if seen is not None and event.sequence <= seen:
            return []
        self._book.seen.put(event.alert, event.sequence)
        if event.state == "pending" or (event.state, event.reason) in SILENT or not may_hear(event, demo=True):
            return []
        standing = self._book.alerts.get(event.alert)
        if standing is None:
            if event.state in ("resolved", "amended"):
                return []  # the end of an alert that never rang
            standing = self._book.alerts.put(event.alert, Standing(event=event, touched=now))
        standing.event, standing.firing, standing.touched = event, event.state != "resolved", now
        self._book.alerts.touch(event.alert)
        if self._book.holds.see(event):
            self._book.look_again(now)
        messages: list[Dispatch] = []
        for party, route in concerned(self._book, event, standing, now, told_to):
            messages += self._ring(standing, party, route, now, known=old or party.id in told_to)
        for asked in calls.waiting(self._book, event.alert) if standing.firing else ():
            messages += self._called(asked, now)
        self._book.close(standing)
        return messages

    def _called(self, asked: Escalation, now: datetime, told_to: Collection[str] = ()) -> list[Dispatch]:
        """Tell further people, or all again, at once and once; a call that is read before its alert waits for it."""
        standing = self._book.alerts.get(asked.alert)
        if standing is None or not standing.firing:
            self._book.calls.put(asked.id, asked)
            return []
        parties = [(party, route) for party, route in calls.whom(self._book, standing, now) if party.id not in told_to]
        messages: list[Dispatch] = []
        self._book.alerts.touch(asked.alert)
        for party, route in parties if calls.note(standing, asked) else ():
            group = self._book.join(standing, party, route, now)
            messages += self._say(group, [(standing, standing.receivers[party.id], "escalated")], now, asked)
        return messages

    def _ring(
        self, standing: Standing, party: Party, route: Route | None, now: datetime, *, known: bool
    ) -> list[Dispatch]:
        group = self._book.join(standing, party, route, now)
        told = standing.receivers[party.id]
        if known:
            learn(told, standing, None)
            self._book.settle(group, party)
            return []
        told.steps += 1
        told.since = told.since or now
        if not party.grouped:
            return self._flush(group, now)
        route = self._book.route(group)
        due = now + length(route.group_wait)
        graver = rank(standing.event.severity) > max(rank(group.severity), rank(group.peak))
        if group.last is not None and not graver:  # what is graver than all that was told does not wait for its turn
            due = max(due, group.last + length(route.group_interval))
        group.flush_at = min(group.flush_at or due, due)
        return []

    # Time

    def tick(self, now: datetime) -> list[Dispatch]:
        """What is due by now: groups that waited, the ends of silences and quiet hours, repeats, escalations."""
        for silence in self._book.holds.begun(now):
            self._book.mark(silence.match, silence.until)
        if self._book.holds.ended(now):
            self._book.look_again(now)
        messages: list[Dispatch] = []
        for id_, group in self._book.groups.items():
            try:
                messages += self._due(group, now)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next group must be told
                log.error("notify.group_failed", group=id_, again_in=AGAIN.total_seconds(), **place(error))
                self._book.put_off(group, now + AGAIN)
        return messages

    def _due(self, group: Group, now: datetime) -> list[Dispatch]:
        messages: list[Dispatch] = []
        if max(group.touched, group.last or group.touched) > now + AHEAD:
            self._book.set_back(group, now)
        if group.flush_at is not None and group.flush_at <= now:
            messages += self._flush(group, now)
        if group.escalate_at is not None and group.escalate_at <= now:
            messages += self._escalate(group, now)
        if group.repeat_at is not None and group.repeat_at <= now:
            messages += self._repeat(group, now)
        return messages

    def _flush(self, group: Group, now: datetime) -> list[Dispatch]:
        """Tell what is news to the group's receiver; what is held back is counted, and looked at again in time."""
        party, route = self._book.parties[group.receiver], self._book.route(group)
        group.flush_at, group.blocked = None, False
        telling: list[Telling] = []
        for standing, told in self._book.members(group):
            why = news(standing, told)
            if why or told.held or told.steps:
                self._book.alerts.touch(standing.event.alert)
            worth = why or (told.held and (standing.firing or told.held == "quiet"))
            hold = self._book.holds.hold(standing.event, route, party.id, now) if worth else None
            if hold is not None:
                told.held = told.held or hold.reason
                group.blocked = True
                if hold.until is not None:
                    group.flush_at = min(group.flush_at or hold.until, hold.until)
                group.count(told)
                continue
            why = afterwards(why, standing, told, grouped=party.grouped, in_hand=self._in_hand(standing, now))
            told.held = ""
            if why:
                telling.append((standing, told, why))
            else:
                group.count(told)
        messages = self._say(group, telling, now)
        self._book.settle(group, party)
        return messages

    def _escalate(self, group: Group, now: datetime) -> list[Dispatch]:
        """Tell the further receivers of what nobody has acknowledged in time."""
        route = self._book.route(group)
        group.escalate_at = None
        due: list[Standing] = []
        for standing, told in self._book.members(group):
            at = standing.escalate.get(group.id)
            if at is not None and at <= now:
                del standing.escalate[group.id]
                self._book.alerts.touch(standing.event.alert)
                grave = route.escalate is not None and rank(standing.event.severity) >= rank(route.escalate.at_least)
                if not grave or not standing.firing or told.state != "firing":
                    continue
                at = self._put_off(standing, group, route, now)
                if at is not None:
                    standing.escalate[group.id] = at
                elif not self._in_hand(standing, now):
                    standing.escalated.append(group.id)
                    due.append(standing)
            if at is not None:
                group.escalate_at = min(group.escalate_at or at, at)
        self._book.groups.touch(group.id)
        further = route.escalate.to if route.escalate is not None and due else ()
        parties = [self._book.named[name] for name in further if name in self._book.named]
        return [message for party in parties for message in self._call(party, due, route, now)]

    def _put_off(self, standing: Standing, group: Group, route: Route, now: datetime) -> datetime | None:
        """When to look again whether somebody else must be told; None: not by itself, or now."""
        hold = self._book.holds.hold(standing.event, route, group.receiver, now)
        if hold is not None and hold.reason != "flapping" and route.escalate is not None:
            return (hold.until or now) + length(route.escalate.after)  # the time begins when nothing holds it any more
        return self._book.holds.in_hand_until(standing.event, now)

    def _call(self, party: Party, due: Sequence[Standing], route: Route, now: datetime) -> list[Dispatch]:
        telling: dict[str, tuple[Group, list[Telling]]] = {}
        for standing in due:
            event = standing.event
            if broken_channel(event) == party.name or not may_hear(event, demo=party.demo):
                continue
            group = self._book.join(standing, party, route, now)
            told = standing.receivers[party.id]
            if party.grouped or event.sequence > told.sequence:
                telling.setdefault(group.id, (group, []))[1].append((standing, told, "escalated"))
        return [message for group, batch in telling.values() for message in self._say(group, batch, now)]

    def _repeat(self, group: Group, now: datetime) -> list[Dispatch]:
        """Remind of what still fires and nobody has in hand."""
        party, route = self._book.parties[group.receiver], self._book.route(group)
        every, slack = length(route.repeat_interval), length(route.group_interval)
        group.repeat_at = None
        telling: list[Telling] = []
        for standing, told in self._book.members(group):
            if not standing.firing or told.state != "firing" or told.at is None:
                continue
            mature = told.at + every <= now + slack
            again = now + every if mature else told.at + every
            in_hand_until = self._book.holds.in_hand_until(standing.event, now)
            if in_hand_until is not None and mature:
                again = min(again, in_hand_until)
            group.repeat_at = min(group.repeat_at or again, again)
            free = self._book.holds.hold(standing.event, route, party.id, now) is None
            if mature and free and not self._in_hand(standing, now):
                telling.append((standing, told, news(standing, told) or "repeat"))
        self._book.groups.touch(group.id)
        return self._say(group, telling, now)

    def _say(
        self, group: Group, telling: Sequence[Telling], now: datetime, asked: Escalation | None = None
    ) -> list[Dispatch]:
        """The messages that tell this, and what follows from their being told; `asked`: because somebody did."""
        self._book.groups.touch(group.id)
        party, route = self._book.parties[group.receiver], self._book.route(group)
        told3 = [(self._as_told(standing, party, now), told, why) for standing, told, why in telling]
        batches = ([told3] if told3 else []) if party.grouped else [[one] for one in told3]
        messages = [Dispatch(party.id, compose(group, party.grouped, batch, now, asked)) for batch in batches]
        for standing, told, _ in telling:
            learn(told, standing, now)
            self._book.alerts.touch(standing.event.alert)
            if standing.firing:
                group.severity = max(group.severity, told.severity, key=rank)
                self._book.arm(standing, group, party, route, now)
        return messages

    def _in_hand(self, standing: Standing, now: datetime) -> bool:
        return self._book.holds.acknowledged(standing.event, now)

    def _as_told(self, standing: Standing, party: Party, now: datetime) -> AlertEvent:
        event = standing.event
        if not self._book.holds.notice(event, party.id, now):
            return event
        return replace(event, labels=event.labels | {FLAPPING: "yes"})
