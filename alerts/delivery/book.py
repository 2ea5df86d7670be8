"""The rows of the policy and what keeps them in order: which alert stands in which group of which receiver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from msgspec.structs import replace

from alerts.delivery.holds import Holds
from alerts.delivery.routing import Route, Routing, group_of
from alerts.delivery.standing import Group, Row, Shelf, Standing, Told
from alerts.delivery.telling import rank
from alerts.matchers import matches
from alerts.rules import Duration
from streams.records import Escalation, Severity, digest

LONGEST_ALERT: Final = timedelta(days=90)  # without a word about it: its end was lost
EMPTY_GROUP_KEPT: Final = timedelta(days=1)
CALL_WAITS: Final = timedelta(days=1)  # for its alert, which may be read after it although it was written before


class Party(Protocol):
    """What the policy knows of a channel (`alerts.delivery.channel.Channel`)."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def grouped(self) -> bool: ...
    @property
    def demo(self) -> bool: ...


class Book:
    """Alerts, groups and the sequences seen, for the receivers there are now."""

    def __init__(self, routing: Routing, parties: Sequence[Party], rows: Iterable[Row]) -> None:
        self.routing = routing
        self.parties = {party.id: party for party in parties}
        self.named = {party.name: party for party in parties}
        self.holds = Holds(routing)
        self.alerts: Shelf[Standing] = Shelf("alert", Standing)
        self.groups: Shelf[Group] = Shelf("group", Group)
        self.seen: Shelf[int] = Shelf("seen", int)  # alert -> newest sequence, for ever
        self.calls: Shelf[Escalation] = Shelf("call", Escalation)  # that wait for their alert, by id
        self._names: Shelf[str] = Shelf("name", str)  # name -> id of the receiver that had it last
        self._shelves = {shelf.kind: shelf for shelf in (self.alerts, self.groups, self.seen, self.calls, self._names)}
        self.moved: dict[str, str] = {}  # receivers that have another address now: old id -> new id
        self._load(rows)

    def _load(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if not self.holds.load(row):
                self._shelves[row.kind].load(row)
        self._move()
        for id_, group in self.groups.items():
            if group.receiver not in self.parties:
                self.groups.drop(id_)
        for alert, standing in self.alerts.items():
            gone = [receiver for receiver in standing.receivers if receiver not in self.parties]
            for receiver in gone:
                del standing.receivers[receiver]
                self.alerts.touch(alert)
            if standing.firing:
                self.holds.index(standing.event)
            self.close(standing)
        for id_, group in self.groups.items():
            if group.blocked and group.flush_at is None and self._free(group):
                group.flush_at = group.touched
                self.groups.touch(id_)

    def _move(self) -> None:
        """Whoever has a name now knows what the one knew that had it before: a new address is the same receiver."""
        for name, party in self.named.items():
            before = self._names.get(name)
            if before != party.id:
                self._names.put(name, party.id)
                if before is not None and before not in self.parties:
                    self.moved[before] = party.id
        for id_, group in self.groups.items() if self.moved else ():
            if group.receiver in self.moved:
                group.receiver = self.moved[group.receiver]
                self.groups.touch(id_)
        for alert, standing in self.alerts.items() if self.moved else ():
            if not self.moved.keys().isdisjoint(standing.receivers):
                known = standing.receivers
                old = {self.moved[id_]: told for id_, told in known.items() if id_ in self.moved}
                standing.receivers = old | {id_: told for id_, told in known.items() if id_ not in self.moved}
                self.alerts.touch(alert)

    def _free(self, group: Group) -> bool:
        """Whether something waits for the end of an inhibition that the file knows no more."""
        return any(told.held and not self.holds.inhibited(standing.event) for standing, told in self.members(group))

    def changes(self) -> list[Row]:
        """The rows changed since the last call."""
        shelves = (*self._shelves.values(), *self.holds.shelves)
        return [row for shelf in shelves for row in shelf.drain()]

    def next_due(self) -> datetime | None:
        """When a group, a silence or an escalation is due."""
        moments = [m for _, g in self.groups.items() for m in (g.flush_at, g.repeat_at, g.escalate_at) if m is not None]
        silence = self.holds.next_due()
        return min([*moments, *([silence] if silence else [])], default=None)

    def join(self, standing: Standing, party: Party, route: Route | None, now: datetime) -> Group:
        """The group in which this receiver is told of the alert. Without a route it stays where it is."""
        event = standing.event
        told = standing.receivers.get(party.id)
        if route is None and told is not None:
            return self.touched(told.group, now)
        route = route or self.fallback(party.name)
        labels = group_of(event, route.group_by) if party.grouped else {}
        alone = () if party.grouped else (event.alert,)
        id_ = digest("group", party.id, route.hash, *(f"{k}={v}" for k, v in sorted(labels.items())), *alone)
        if self.groups.get(id_) is None:
            self.groups.put(id_, Group(id=id_, receiver=party.id, route=route.hash, labels=labels, touched=now))
        group = self.touched(id_, now)
        if told is None:
            standing.receivers[party.id] = Told(group=id_)
        elif told.group != id_:
            before = self.groups.get(told.group)
            told.group = id_
            if before is not None:
                self._leave(before, group, event.alert, party)
        group.members[event.alert] = None
        return group

    def _leave(self, before: Group, group: Group, alert: str, party: Party) -> None:
        """The alert is told with another group from now on. The last one to go takes what was counted along."""
        before.members.pop(alert, None)
        if not before.members:
            group.held += before.held
            group.since = min(filter(None, (group.since, before.since)), default=None)
            before.held, before.since = 0, None
            self.settle(before, party)
        self.groups.touch(before.id)

    def touched(self, id_: str, now: datetime) -> Group:
        """The group, in which something happens now."""
        group = self.groups.get(id_)
        assert group is not None, "a receiver's group outlives its membership"  # noqa: S101 - an invariant of this file
        group.touched = now
        self.groups.touch(id_)
        return group

    def route(self, group: Group) -> Route:
        """The group's route; when the file says something else by now, the receiver's first one."""
        return self.routing.by_hash.get(group.route) or self.fallback(self.parties[group.receiver].name)

    def fallback(self, name: str) -> Route:
        """The first route that names this receiver."""
        return next((r for r in self.routing.by_hash.values() if name in r.receivers), Route(receivers=(name,)))

    def arm(self, standing: Standing, group: Group, party: Party, route: Route, now: datetime) -> None:
        """Set the times of the next reminder and of the escalation."""
        if party.grouped and route.repeat_interval.seconds:
            again = now + length(route.repeat_interval)
            group.repeat_at = min(group.repeat_at or again, again)
        further = route.escalate
        if further is None or party.name in further.to or group.id in standing.escalated:
            return
        at = standing.escalate.setdefault(group.id, now + length(further.after))
        group.escalate_at = min(group.escalate_at or at, at)

    def members(self, group: Group) -> list[tuple[Standing, Told]]:
        """Its alerts, and what its receiver knows of each."""
        found = [self.alerts.get(alert) for alert in group.members]
        return [(standing, standing.receivers[group.receiver]) for standing in found if standing is not None]

    def settle(self, group: Group, party: Party) -> None:
        """Let go of what is over for this receiver."""
        highest: Severity | Literal[""] = ""
        for standing, told in self.members(group):
            if standing.firing and told.state == "firing":
                highest = max(highest, told.severity, key=rank)
            if not standing.firing and told.state != "firing" and not told.held:
                del group.members[standing.event.alert]
                del standing.receivers[party.id]
                self.alerts.touch(standing.event.alert)
                self.close(standing)
        group.severity = highest
        if not highest:
            group.repeat_at = group.escalate_at = None
        self.groups.touch(group.id)
        if not party.grouped and not group.members:
            self.groups.drop(group.id)

    def close(self, standing: Standing) -> None:
        """Forget an alert that is over for everybody."""
        if not standing.firing and not standing.receivers:
            self.alerts.drop(standing.event.alert)
            self.holds.closed(standing.event.alert)

    def look_again(self, now: datetime) -> None:
        """Something that held alerts back is over: judge them anew."""
        for id_, group in self.groups.items():
            if group.blocked:
                group.flush_at = now
                self.groups.touch(id_)

    def mark(self, match: dict[str, tuple[str, ...]], until: datetime) -> None:
        """A silence begins: whoever was told is told again when it ends and the alert still fires."""
        for alert, standing in self.alerts.items():
            if not standing.firing or not matches(match, standing.event):
                continue
            for told in standing.receivers.values():
                group = self.groups.get(told.group)
                if group is not None and told.state == "firing" and not told.held:
                    told.held, group.blocked = "silence", True
                    group.flush_at = min(group.flush_at or until, until)
                    self.groups.touch(group.id)
                    self.alerts.touch(alert)

    def put_off(self, group: Group, at: datetime) -> None:
        """Do nothing with this group before then, and look at all of it."""
        group.flush_at = at
        group.escalate_at = max(group.escalate_at, at) if group.escalate_at else None
        group.repeat_at = max(group.repeat_at, at) if group.repeat_at else None
        self.groups.touch(group.id)

    def set_back(self, group: Group, now: datetime) -> None:
        """The clock was wrong and was set back: nothing waits for what it said before."""
        group.touched, group.last = now, min(group.last or now, now)
        group.flush_at = now if group.flush_at else None
        route = self.route(group)
        for standing, told in self.members(group):
            told.at = min(told.at, now) if told.at else None
            standing.touched = min(standing.touched, now)
            if route.escalate is not None and group.id in standing.escalate:
                latest = now + length(route.escalate.after)
                standing.escalate[group.id] = min(standing.escalate[group.id], latest)
            self.alerts.touch(standing.event.alert)
        group.escalate_at = now if group.escalate_at else None
        group.repeat_at = now if group.repeat_at else None
        self.groups.touch(group.id)

    def prune(self, now: datetime) -> None:
        """Forget alerts whose end was lost, and groups in which nothing happens."""
        for _, standing in self.alerts.items():
            if standing.touched < now - LONGEST_ALERT:
                for told in standing.receivers.values():
                    group = self.groups.get(told.group)
                    if group is not None:
                        group.members.pop(standing.event.alert, None)
                        self.groups.touch(group.id)
                standing.firing, standing.receivers = False, {}
                self.close(standing)
                if self.holds.index(replace(standing.event, state="resolved")):
                    self.look_again(now)
        for id_, group in self.groups.items():
            kept = LONGEST_ALERT if group.held else EMPTY_GROUP_KEPT
            if not group.members and group.flush_at is None and group.touched < now - kept:
                self.groups.drop(id_)
        for id_, call in self.calls.items():
            if call.at < now - CALL_WAITS:
                self.calls.drop(id_)
        self.holds.prune(now)


def length(duration: Duration) -> timedelta:
    """A duration to add to a time."""
    return timedelta(seconds=duration.seconds)
