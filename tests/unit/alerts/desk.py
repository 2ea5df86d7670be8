"""A policy on a virtual clock, with its rows as the outbox keeps them; it may die after every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.delivery.channel import Message
from alerts.delivery.outbox import Notification, Outbox
from alerts.delivery.policy import Policy
from alerts.delivery.routing import Inhibition, Route, Routing, Schedule
from alerts.delivery.standing import Row
from alerts.delivery.telling import Dispatch
from alerts.rules import Duration
from streams.records import Acknowledgement, AlertEvent, Escalation, Operation, Silence, SilenceEnd, digest
from tests.ringing import START, event


@dataclass(frozen=True, slots=True)
class Party:
    """What the policy knows of a channel."""

    name: str
    grouped: bool = True
    demo: bool = False
    address: str = ""

    @property
    def id(self) -> str:
        return f"id-{self.name}{self.address}"


def seconds(text: str) -> float:
    """`90s`, `5m`, `4h30m` as seconds."""
    return Duration.parse(text).seconds


def _decode(kind: type, value: Any) -> Any:
    return Duration.parse(value) if kind is Duration else value


def routing(*routes: dict[str, Any], **more: Any) -> Routing:
    """Routes and the rest as the file says them."""
    return Routing(
        routes=tuple(msgspec.convert(route, Route, dec_hook=_decode) for route in routes),
        schedules={name: msgspec.convert(s, Schedule) for name, s in more.pop("schedules", {}).items()},
        inhibit=tuple(msgspec.convert(i, Inhibition) for i in more.pop("inhibit", [])),
        **more,
    )


@dataclass(slots=True)
class Desk:
    """Inputs at moments after the start; what was told, in order."""

    routing: Routing
    parties: tuple[Party, ...] = (Party("desk"),)
    dies: bool = False  # after every step: what was not stored is lost
    outbox: Outbox | None = None  # where rows are kept instead, when one is given
    now: datetime = START
    rows: dict[tuple[str, str], bytes] = field(default_factory=dict)
    told: list[tuple[float, str, Message]] = field(default_factory=list)
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        self.policy = Policy(self.routing, self.parties)
        self.store([])

    def reload(self) -> None:
        """The process is killed, and another one goes on with what was stored."""
        rows = [Row(kind, key, value) for (kind, key), value in sorted(self.rows.items())]
        if self.outbox is not None:
            assert self.outbox.remembered() == rows
            rows = self.outbox.remembered()
        self.policy = Policy(self.routing, self.parties, rows)
        self.store([])

    def store(self, dispatches: Iterable[Dispatch]) -> None:
        """One transaction: rows and messages together."""
        changes, dispatches = self.policy.changes(), list(dispatches)
        if self.outbox is not None:
            sent = [_row(dispatch) for dispatch in dispatches]
            assert self.outbox.store(sent, changes, self.now.timestamp()) == len(sent), "an id was used twice"
        for row in changes:
            if row.value is None:
                self.rows.pop((row.kind, row.key), None)
            else:
                self.rows[row.kind, row.key] = row.value
        names = {party.id: party.name for party in self.parties}
        self.told += [((self.now - START).total_seconds(), names[d.receiver], d.message) for d in dispatches]

    def take(self, *records: AlertEvent | Operation, told_to: tuple[str, ...] = (), old: bool = False) -> None:
        """Records that arrive now, and what is due."""
        for record in records:
            messages = self.policy.take(record, self.now, told_to, old=old)
            self.store(messages + self.policy.tick(self.now))
            if self.dies:
                self.reload()

    def at(self, text: str) -> Desk:
        """Go to so long after the start; what falls due on the way is told in its time."""
        end = START + timedelta(seconds=seconds(text))
        assert end >= self.now
        for _ in range(10_000):
            due = self.policy.next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.store(self.policy.tick(self.now))
            if self.dies:
                self.reload()
        else:
            raise AssertionError("the policy is never done")
        self.now = end
        return self

    @property
    def said(self) -> list[tuple[float, str, str, str]]:
        """Seconds, receiver, why, and the steps told, as `a.0 b.1+3`: +3 were held back before."""
        return [
            (
                at,
                name,
                m.why,
                " ".join(sorted(short(e) for e in m.events)) + (f" +{m.suppressed}" if m.suppressed else ""),
            )
            for at, name, m in self.told
        ]


def _row(dispatch: Dispatch) -> Notification:
    message = dispatch.message
    events = tuple(told.id for told in message.events)
    return Notification(id=message.id, receiver=dispatch.receiver, events=events, parts=(b"",), why=message.why)


NAMES = {digest(name): name for name in "abcdefgh"}


def short(told: AlertEvent) -> str:
    """Alert and step, as `a.0`."""
    return f"{NAMES.get(told.alert, told.alert)}.{told.sequence}"


def step(name: str, sequence: int = 0, state: str = "firing", **changes: Any) -> AlertEvent:
    """A step of the alert with this name; on a subject of its own, a warning unless said otherwise."""
    updated = state == "updated"
    severity, reason = ("critical", "severity") if updated else ("warning", "ended" if state == "resolved" else "held")
    fields = {"severity": severity, "subject": f"entity:{name.upper()}", "reason": reason} | changes
    return event(sequence, state, alert=digest(name), **fields)


def ack(name: str, at: datetime, until: datetime | None = None) -> Acknowledgement:
    """Somebody takes it in hand."""
    return Acknowledgement(id=digest("ack", name, str(at)), alert=digest(name), author="duty", at=at, until=until)


def escalation(name: str, at: datetime, reason: str = "the press calls") -> Escalation:
    """Somebody wants further people to know."""
    return Escalation(id=digest("call", name, str(at), reason), alert=digest(name), author="li", at=at, reason=reason)


def silence(at: datetime, lasting: str, id_: str = "s", **match: str) -> Silence:
    """Nothing is told of what matches."""
    until = at + timedelta(seconds=seconds(lasting))
    wanted = {name: (value,) for name, value in match.items()}
    return Silence(id=id_, match=wanted, author="duty", at=at, until=until, reason="maintenance")


def unsilence(at: datetime, id_: str = "s") -> SilenceEnd:
    """The silence is over before its time."""
    return SilenceEnd(id=f"end-{id_}", silence=id_, author="duty", at=at)
