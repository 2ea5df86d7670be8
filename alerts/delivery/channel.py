"""The contract between the outbox and the outside: what a channel is given, and what it gives back.

A `Message` is what one receiver is told at once. A channel renders it into parts, each one request within the
platform's limits; the outbox keeps the parts, so every attempt sends the same bytes. `send` hands over one part, once,
and says what the platform answered: a 200 with an error code in its body is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from alerts.delivery.schedule import Reply
from alerts.evaluation.badge import Badge
from streams.records import AlertEvent, Bulletin, Severity

Language = Literal["en", "zh", "both"]
Why = Literal[
    "first",  # an alert of this group is told for the first time
    "more",  # further alerts joined the group
    "worse",  # one grew more severe
    "amended",  # a late or corrected document changed one
    "resolved",  # one or more ended, others may go on
    "repeat",  # still firing, nobody acknowledged
    "escalated",  # nobody acknowledged in time, or somebody asked for it (`asked_by`): further receivers are told
    "resumed",  # a silence, an inhibition or quiet hours ended while it still fires
    "digest",  # what was held back during quiet hours, in one message
    "test",  # nothing has happened
]
Action = Literal["show", "acknowledge", "silence", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one receiver is told at once."""

    id: str  # identity of the notification, the same at every attempt; letters, digits and underscore
    at: datetime  # when it was put together
    why: Why
    events: tuple[AlertEvent, ...]  # the newest step of each alert told, most severe first; at least one
    group: Mapping[str, str] = field(default_factory=dict)  # what the alerts have in common
    suppressed: int = 0  # steps of these alerts, or of the group, that were held back before this message …
    suppressed_since: datetime | None = None  # … since then
    asked_by: str = ""  # who asked that it is told now …
    asked_why: str = ""  # … and why, in their words
    links: Mapping[str, Mapping[Action, str]] = field(default_factory=dict)  # alert -> action -> signed address
    badges: Mapping[str, Badge] = field(default_factory=dict)  # hash of a rule -> what was measured of it
    namespace: str = ""

    @property
    def severity(self) -> Severity:
        """The highest of all events."""
        order: tuple[Severity, ...] = ("info", "warning", "critical")
        return max((event.severity for event in self.events), key=order.index)


@dataclass(frozen=True, slots=True)
class Limit:
    """No more than `requests` within `seconds`."""

    requests: int
    seconds: float


class Channel(Protocol):
    """One receiver: where to and how. Holds secrets; its `repr`, `name` and errors never show them."""

    @property
    def id(self) -> str:
        """Identity in the outbox: stays the same while the address does."""

    @property
    def name(self) -> str:
        """What people, logs and receipts see."""

    @property
    def type(self) -> str:
        """webhook, dingtalk, wecom, feishu, alertmanager, email, apprise …"""

    @property
    def settings(self) -> str:
        """Digest of address, secrets and form: a change enables a receiver again that was switched off."""

    @property
    def grouped(self) -> bool:
        """Whether several alerts may share a message; False: one event a message, at once."""

    @property
    def demo(self) -> bool:
        """Whether it may be told of demo data. Replayed alerts reach no channel."""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the platform takes before it throttles."""

    def render(self, message: Message) -> tuple[bytes, ...]:
        """The parts, in order, each within the platform's limits. Pure: the same message gives the same bytes."""

    def report(self, bulletin: Bulletin, id_: str) -> tuple[bytes, ...]:
        """A report as parts, as `render` makes them of a message; none where the receiver takes no reports. Pure."""

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:
        """One attempt to hand over one part, signed for the moment `at`. Only bugs raise."""

    async def close(self) -> None:
        """Let go of connections."""
