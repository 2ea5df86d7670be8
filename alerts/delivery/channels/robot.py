"""A group robot of a chat platform: rendering by parts and sending by one call; a dialect says what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from yarl import URL

from alerts.delivery.card import Block, Card, Span
from alerts.delivery.channel import Limit, Message
from alerts.delivery.channels.calls import Caller
from alerts.delivery.channels.layout import WIDEST, Part, split
from alerts.delivery.channels.verdicts import Codes, read
from alerts.delivery.channels.wording import Reader
from alerts.delivery.schedule import Reply
from streams.records import Bulletin

JSON: dict[str, str] = {"Content-Type": "application/json; charset=utf-8"}


class Dialect(Protocol):
    """One platform's form of a request, pure."""

    @property
    def type(self) -> str: ...
    @property
    def limit(self) -> int:
        """Bytes of one request."""

    @property
    def limits(self) -> tuple[Limit, ...]: ...
    @property
    def codes(self) -> Codes: ...
    @property
    def secrets(self) -> Sequence[str]:
        """What no receipt may repeat."""

    def arranged(self, card: Card) -> Card:
        """The card as it is split: with what this platform has no element for turned into blocks."""

    def request(self, part: Part) -> bytes:
        """The request of one part, unsigned."""

    def signed(self, part: bytes, at: datetime) -> tuple[URL, bytes]:
        """Address and body for an attempt at `at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """A channel that speaks one dialect."""

    id: str
    name: str
    settings: str = field(repr=False)
    demo: bool
    reader: Reader
    dialect: Dialect = field(repr=False)
    caller: Caller = field(repr=False)
    grouped: bool = True

    @property
    def type(self) -> str:
        """The platform."""
        return self.dialect.type

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the platform takes."""
        return self.dialect.limits

    def render(self, message: Message) -> tuple[bytes, ...]:
        """The message as requests, each within the platform's limit in bytes."""
        return requests(self.dialect, self.reader.card(message), urgent=urgent(message))

    def report(self, bulletin: Bulletin, id_: str) -> tuple[bytes, ...]:  # noqa: ARG002 - no platform takes an identity
        """The figures and main items of a report; nobody is called by name."""
        return requests(self.dialect, self.reader.report(bulletin), urgent=False)

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:  # noqa: ARG002 - no platform takes an identity
        """One attempt, and what the platform's answer means."""
        url, body = self.dialect.signed(part, at)
        return read(await self.caller.post(url, body), self.dialect.codes, at, self.dialect.secrets)

    async def close(self) -> None:
        """Close the connections."""
        await self.caller.close()


def urgent(message: Message) -> bool:
    """Whether people are called by name: something critical goes on, and it is neither a test nor a demonstration."""
    going_on = (e for e in message.events if e.state != "resolved" and not e.demo)
    return message.why != "test" and any(event.severity == "critical" for event in going_on)


def requests(dialect: Dialect, card: Card, *, urgent: bool) -> tuple[bytes, ...]:
    """The requests that tell a card, with people called by name in the first where it is urgent."""
    parts = split(dialect.arranged(card), lambda part: len(dialect.request(part)) <= dialect.limit, mentions=urgent)
    return tuple(dialect.request(part) for part in parts)


def titled(title: str, keyword: str, text: str, part: Part) -> str:
    """The title, with the robot's keyword before it where neither has it; always while parts are measured, so that a
    part can only become smaller."""
    if not keyword or (part.of < WIDEST and (keyword in text or keyword in title)):
        return title
    return f"{keyword} {title}"


def with_links(card: Card) -> Card:
    """The card with its buttons as links in a last block, a line each."""
    lines = tuple((Span(button.label, "", button.href),) for button in card.buttons)
    return Card(card.title, card.severity, (*card.blocks, Block(lines)) if lines else card.blocks)
