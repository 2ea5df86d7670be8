"""Where alerts stand with their receivers: the rows that the policy remembers, and which of them changed.

Each row is small and stored by itself, so that one transaction writes what one step changed and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from streams.records import AlertEvent, Severity

T = TypeVar("T")
Held = Literal["", "silence", "inhibition", "quiet", "flapping"]


class Told(Struct, kw_only=True):
    """What one receiver knows of one alert."""

    group: str
    sequence: int = -1  # of the newest step told
    severity: Severity = "info"
    state: Literal["", "firing", "resolved"] = ""  # as told; empty: nothing was
    holding: bool = True  # whether the condition held in what was told
    at: datetime | None = None  # of the last telling; None: long ago, and no reason to repeat it
    steps: int = 0  # that would have rung, neither told nor counted yet
    since: datetime | None = None  # of the first of them
    held: Held = ""  # why something about it was not told


class Standing(Struct, kw_only=True):
    """One alert: its newest step that may ring, and what each receiver knows of it."""

    event: AlertEvent
    firing: bool = True
    touched: datetime
    receivers: dict[str, Told] = {}
    escalate: dict[str, datetime] = {}  # group -> when its further receivers are told
    escalated: list[str] = []  # groups whose further receivers were told
    asked: list[str] = []  # calls of people that were taken in


class Group(Struct, kw_only=True):
    """Alerts that one receiver is told of together."""

    id: str
    receiver: str
    route: str  # hash of the route
    labels: dict[str, str]
    touched: datetime
    members: dict[str, None] = {}  # alerts, in order of arrival
    flush_at: datetime | None = None
    repeat_at: datetime | None = None
    escalate_at: datetime | None = None
    last: datetime | None = None  # message
    severity: Severity | Literal[""] = ""  # the highest that was told and still fires
    peak: Severity | Literal[""] = ""  # of the last message
    held: int = 0  # steps held back since the last message …
    since: datetime | None = None  # … and when the first was
    blocked: bool = False  # something waits for the end of a silence, an inhibition, quiet hours or flapping

    def count(self, told: Told) -> None:
        """The receiver's outstanding steps of an alert will not be told by themselves."""
        if told.steps:
            self.held += told.steps
            self.since = min(self.since or told.since, told.since) if told.since else self.since
            told.steps, told.since = 0, None


class Quieting(Struct, kw_only=True):
    """A silence: what it matches, from when to when. Kept until it would have ended, so that it cannot begin anew."""

    match: dict[str, tuple[str, ...]]
    at: datetime
    until: datetime
    forget: datetime  # when it would have ended
    begun: bool = False
    over: bool = False


class InHand(Struct, kw_only=True):
    """Somebody has acknowledged an alert. `severity` is the alert's at that moment; None: it was not known yet."""

    ids: tuple[str, ...]
    severity: Severity | None
    at: datetime
    until: datetime | None


class Flap(Struct, kw_only=True):
    """The last changes of one rule on one subject, in event time."""

    steps: list[tuple[datetime, bool]] = []  # when, and whether it fired or ended
    on: bool = False
    until: datetime | None = None  # quiet for an hour by then: it flaps no more
    notices: dict[str, Severity] = {}  # receivers that were told that it flaps, and how severe it was


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is stored; without a value it is gone."""

    kind: str
    key: str
    value: bytes | None


class Shelf(Generic[T]):
    """Rows of one kind, by key. Whoever changes a value in place says so with `touch`."""

    def __init__(self, kind: str, type_: type[T]) -> None:
        self.kind = kind
        self._rows: dict[str, T] = {}
        self._changed: dict[str, None] = {}
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(type_)

    def get(self, key: str) -> T | None:
        """The value, or None."""
        return self._rows.get(key)

    def put(self, key: str, value: T) -> T:
        """Keep a value under this key."""
        self._rows[key] = value
        self._changed[key] = None
        return value

    def touch(self, key: str) -> None:
        """The value of this key was changed."""
        self._changed[key] = None

    def drop(self, key: str) -> None:
        """Forget a value."""
        if self._rows.pop(key, None) is not None:
            self._changed[key] = None

    def items(self) -> list[tuple[str, T]]:
        """Keys and values as they are now."""
        return list(self._rows.items())

    def load(self, row: Row) -> None:
        """A row as it was stored."""
        self._rows[row.key] = self._decoder.decode(row.value or b"")

    def drain(self) -> Iterator[Row]:
        """The rows changed since the last call."""
        changed, self._changed = self._changed, {}
        for key in changed:
            value = self._rows.get(key)
            yield Row(self.kind, key, None if value is None else msgspec.msgpack.encode(value))


def holds(event: AlertEvent) -> bool:
    """Whether the condition of the alert held at this step."""
    return event.bound is None or event.beyond >= 1.0
