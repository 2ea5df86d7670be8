"""The webhook as a channel: an alert event a request, or with `grouped` a whole message in one.

Both are CloudEvents, signed after the Standard Webhooks specification and smaller than 20 kB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from alerts.delivery.channel import Limit, Message
from alerts.delivery.channels.calls import explained
from alerts.delivery.message import LIMIT, alert_body, alert_data, bounded, envelope, notice_body
from alerts.delivery.schedule import Reply
from alerts.delivery.webhook import Receiver, Webhooks
from streams.plain import plain
from streams.records import AlertEvent, Bulletin, digest

GROUP_TYPE: Final = "io.tocsin.alerts"
REPORT_TYPE: Final = "io.tocsin.report"
MOST: Final = 100  # alerts of one body; more cannot fit
GROUP_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """A channel to one webhook receiver."""

    receiver: Receiver
    webhooks: Webhooks = field(repr=False)
    name: str
    demo: bool
    grouped: bool = False
    type: str = "webhook"
    limits: tuple[Limit, ...] = ()

    @property
    def id(self) -> str:
        """The receiver's."""
        return self.receiver.id

    @property
    def settings(self) -> str:
        """The receiver's; another one where messages are grouped."""
        return digest(self.receiver.settings, "grouped") if self.grouped else self.receiver.settings

    def render(self, message: Message) -> tuple[bytes, ...]:
        """One body. A message to a receiver that is not grouped has one event."""
        if message.why == "test":
            return (notice_body("test", message.id, message.at, message.namespace),)
        if self.grouped:
            return (group_body(message),)
        if len(message.events) != 1:
            raise ValueError(f"{self.name} takes one event a message, got {len(message.events)}")
        held = {"suppressed": message.suppressed, "suppressed_since": message.suppressed_since}
        more = (held if message.suppressed else {}) | _asked(message)
        event = message.events[0]
        badge = message.badges.get(event.rule_hash)
        return (alert_body(event, self.id, message.namespace, message.id, more, badge),)

    def report(self, bulletin: Bulletin, id_: str) -> tuple[bytes, ...]:
        """One body with the report's data."""
        return (report_body(bulletin, id_),)

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:
        """One attempt, signed for the moment `at`."""
        return explained(await self.webhooks.post(self.receiver, id_, part, at))

    async def close(self) -> None:
        """Close the connections."""
        await self.webhooks.close()


def report_body(bulletin: Bulletin, id_: str) -> bytes:
    """The body of a report; where its data are too many for one request they are left out, which it says."""
    about = {"kind": bulletin.kind, "day": bulletin.day, "link": bulletin.link, "demo": bulletin.demo}
    namespace = str(bulletin.data.get("namespace", ""))
    titles = {lang: edition.title for lang, edition in bulletin.editions.items()}
    for data in ({"report": bulletin.data, "left_out": False}, {"report": None, "left_out": True}):
        told: dict[str, Any] = about | {"text": titles} | data
        body = envelope(id_, REPORT_TYPE, f"{bulletin.kind}/{bulletin.day}", bulletin.at, told, namespace)
        if len(body) < LIMIT:
            break
    return body


def group_body(message: Message) -> bytes:
    """The body of a message: evidence is shortened until it fits, then alerts are left out from the end, counted."""
    events = tuple(bounded(event) for event in message.events[:MOST])
    for shown, evidence, bare in _sizes(events):
        body = _group(message, events[:shown], evidence, bare=bare)
        if len(body) < LIMIT:
            break
    return body


def _sizes(events: Sequence[AlertEvent]) -> Iterator[tuple[int, int, bool]]:
    """How much is told, from everything to least: alerts, evidence of each, and whether conditions are left out."""
    most = max(len(event.evidence) for event in events)
    yield from ((len(events), evidence, False) for evidence in range(most, -1, -1))
    yield from ((shown, 0, True) for shown in range(len(events), 0, -1))


def _group(message: Message, events: Sequence[AlertEvent], evidence: int, *, bare: bool) -> bytes:
    told = [replace(event, conditions=(), annotations={}) if bare else event for event in events]
    alerts = [
        alert_data(event, evidence, message.badges.get(event.rule_hash)) | _links(message, event) for event in told
    ]
    data: dict[str, Any] = {
        "why": message.why,
        "group": {key[:80]: value[:200] for key, value in list(message.group.items())[:GROUP_SHOWN]},
        "alerts": alerts,
        "alerts_left_out": len(message.events) - len(events),
        "suppressed": message.suppressed,
        "suppressed_since": message.suppressed_since,
    } | _asked(message)
    return envelope(message.id, GROUP_TYPE, "alerts", message.at, data, message.namespace)


def _asked(message: Message) -> dict[str, Any]:
    """Who wants this to be known, where somebody does: the step itself may have been told before."""
    by, why = plain(message.asked_by, 128), plain(message.asked_why, 1000)
    return {"why": message.why, "escalated_by": by, "escalated_why": why} if message.asked_by else {}


def _links(message: Message, event: AlertEvent) -> dict[str, Any]:
    links = message.links.get(event.alert)
    return {"links": dict(links)} if links else {}
