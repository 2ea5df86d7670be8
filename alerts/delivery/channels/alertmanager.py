"""Alertmanager's own API (v2): its routes, silences and people may be there already.

One alert of ours is one of theirs. Theirs ends by itself unless it is told again, so a firing one is given an end far
away; its severity is a label and so a part of its identity: the lower one is ended when an alert grows more severe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from yarl import URL

from alerts.delivery.channel import Language, Limit, Message
from alerts.delivery.channels.calls import Answer, Caller, explained
from alerts.delivery.channels.layout import clean
from alerts.delivery.channels.markup import address
from alerts.delivery.channels.verdicts import shown
from alerts.delivery.message import text
from alerts.delivery.schedule import Reply
from streams.records import AlertEvent, Bulletin, Severity

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
OWN: Final = frozenset({"alertname", "severity", "subject", "entity", "demo", "tocsin_namespace"})
LABEL_LIMIT: Final = 200
TEXT_LIMIT: Final = 2000
TEST_ENDS: Final = timedelta(minutes=5)
_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """A channel that posts alerts to one Alertmanager."""

    id: str
    name: str
    settings: str = field(repr=False)
    demo: bool
    language: Language
    url: URL = field(repr=False)
    caller: Caller = field(repr=False)
    keep: timedelta
    secrets: tuple[str, ...] = field(default=(), repr=False)
    type: str = "alertmanager"
    grouped: bool = False  # it groups by itself
    limits: tuple[Limit, ...] = ()

    def render(self, message: Message) -> tuple[bytes, ...]:
        """One request with the message's alerts."""
        alerts = [alert for event in message.events for alert in self._alerts(event, message)]
        return (msgspec.json.encode(alerts),)

    def report(self, bulletin: Bulletin, id_: str) -> tuple[bytes, ...]:  # noqa: ARG002 - it takes alerts alone
        """None."""
        return ()

    def _alerts(self, event: AlertEvent, message: Message) -> Iterator[dict[str, Any]]:
        links = message.links.get(event.alert, {})
        keep = TEST_ENDS if message.why == "test" else self.keep
        ends = event.at if event.state == "resolved" else event.at + keep
        annotations = annotated(event, self.language)
        link = address(links.get("show", ""))
        known = labels(event, message.namespace)
        told = {"annotations": annotations, "startsAt": event.since} | ({"generatorURL": link} if link else {})
        yield {"labels": known, "endsAt": ends} | told
        if event.state == "updated" and event.reason == "severity":
            for lower in SEVERITIES[: SEVERITIES.index(event.severity)]:
                yield {"labels": known | {"severity": lower}, "endsAt": event.at} | told

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:  # noqa: ARG002 - labels are the identity
        """One attempt."""
        answer = await self.caller.post(self.url, part)
        if isinstance(answer, Reply):
            return explained(answer)
        reply = explained(Reply(answer.status, retry_after=answer.retry_after))
        return _wrong(answer, reply, self.secrets) if answer.status == 400 else reply

    async def close(self) -> None:
        """Close the connections."""
        await self.caller.close()


def _wrong(answer: Answer, reply: Reply, secrets: tuple[str, ...]) -> Reply:
    words = shown(answer.body.decode("utf-8", "replace"), secrets)
    meaning = f"Alertmanager takes the alert for malformed ({words})" if words else reply.meaning
    return Reply(400, answer="refused", code="400", meaning=meaning, fix="Report this as a fault of Tocsin", final=True)


def labels(event: AlertEvent, namespace: str = "") -> dict[str, str]:
    """The labels that make the alert's identity: the rule's own beside ours, with names as Prometheus has them."""
    own = {label_name(name): value for name, value in sorted(event.labels.items())}
    found = own | {"alertname": event.rule, "severity": event.severity, "subject": event.subject, "entity": event.name}
    if event.demo:
        found["demo"] = "true"
    if namespace:
        found["tocsin_namespace"] = namespace
    cleaned = {name: clean(value).strip()[:LABEL_LIMIT] for name, value in found.items()}
    return {name: value for name, value in cleaned.items() if value}


def label_name(name: str) -> str:
    """The name as a Prometheus label; one that would be ours, or is reserved for them, gets a prefix."""
    found = _NAME.sub("_", name)
    return f"label_{found}" if found in OWN or not found or found[0].isdigit() or found.startswith("__") else found


def annotated(event: AlertEvent, language: Language) -> dict[str, str]:
    """The paragraph in the receiver's language, or languages, and the rule's own annotations."""
    texts = [text(event, lang) for lang in (("zh", "en") if language == "both" else (language,))]
    own = {label_name(name): clean(value).strip() for name, value in event.annotations.items()}
    found = own | {"description": "\n\n".join(clean(one).strip() for one in texts)}
    return {name: value[:TEXT_LIMIT] for name, value in found.items()}
