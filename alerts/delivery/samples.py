"""Invented alerts, complete in every field, to see what a receiver would see: `tocsin alerts preview` and tests.

They stand in samples.yaml. Every event is marked as demo unless the caller wants to see it plain.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import yaml

from alerts.delivery.channel import Message, Why
from streams.records import AlertEvent, digest

NOON: Final = datetime(2026, 3, 2, 4, 12, tzinfo=UTC)  # a Monday, 12:12 in Shanghai
WHY: Final[dict[str, Why]] = {"storm": "more", "resolved": "resolved", "amended": "amended"}
HELD_BACK: Final = {"firing": 37, "storm": 112}
ADDRESS: Final = "https://tocsin.example/act/"
SERVED: Final = ("opinion-en@1-ef43e735", "opinion-zh@1-c5d1a0b2")


def sample_events(demo: bool = True) -> dict[str, tuple[AlertEvent, ...]]:
    """By name, the events of one message each; those of the storm are told together."""
    return {name: tuple(_events(fields, demo)) for name, fields in _read()["events"].items()}


def sample_messages(demo: bool = True) -> dict[str, Message]:
    """The same as messages, with links, and two of them with a number of what was held back."""
    return {name: _message(name, events) for name, events in sample_events(demo).items()}


@cache
def _read() -> Any:
    return yaml.safe_load((files("alerts.delivery") / "samples.yaml").read_text(encoding="utf-8"))


def _events(fields: dict[str, Any], demo: bool) -> list[AlertEvent]:
    names = fields.get("names")
    if names is None:
        return [_event(fields, demo)]
    found = []
    for number in range(fields["times"]):
        observed = fields["observed"] - number // 2
        changes = {
            "name": names[number % len(names)] + (f" {number // len(names) + 1}" if number >= len(names) else ""),
            "subject": f"entity:demo-{number}",
            "observed": observed,
            "beyond": observed / fields["bound"],
            "severity": "critical" if observed >= 2.5 * fields["bound"] else "warning",
            "evidence": fields["evidence"][number % 4 :],
        }
        found.append(_event(fields | changes, demo))
    return found


def _event(fields: dict[str, Any], demo: bool) -> AlertEvent:
    fields = {name: value for name, value in fields.items() if name not in ("names", "times")}
    alert = digest("sample", fields["rule"], fields["subject"])
    evidence = [_evidence(story) for story in fields.get("evidence", ())]
    without = fields.get("counterfactual")
    if without:
        told = [story["document"] for story in evidence[: without["stories"]]]
        without = {"stops": without["stops"], "documents": told, "observed": without["observed"]}
    whole = dict.fromkeys(("support", "documents", "stories", "sources", "authors", "sequence"), 0)
    absent = dict.fromkeys(("expected", "low", "high", "p_value"))
    given = {"state": "firing", "reason": "held", "severity": "warning", "at": NOON, "window_seconds": 7200}
    event = {**whole, **absent, **given, "models": SERVED if evidence else (), "labels": {}, **fields}
    event |= {
        "id": f"{alert}.{event['sequence']}",
        "alert": alert,
        "rule_hash": digest("sample", fields["rule"])[:16],
        "since": NOON - timedelta(minutes=5),
        "evidence": evidence,
        "counterfactual": without,
        "demo": demo,
    }
    return msgspec.convert(event, AlertEvent)


def _evidence(story: dict[str, Any]) -> dict[str, Any]:
    headline, document = story["headline"], digest("sample", story["headline"])
    starts = sorted((headline.index(word), word) for word in story["words"])
    return {key: value for key, value in story.items() if key != "words"} | {
        "document": document,
        "url": f"https://{story['source']}.example/{document[:8]}",
        "collected_at": story["first_seen"],
        "highlights": [(start, start + len(word)) for start, word in starts],
    }


def _message(name: str, events: tuple[AlertEvent, ...]) -> Message:
    held_back = HELD_BACK.get(name, 0)
    return Message(
        id=f"sample_{name}",
        at=max(event.at for event in events) + timedelta(seconds=30),
        why=WHY.get(name, "first"),
        events=events,
        group={"rule": events[0].rule} if len(events) > 1 else {},
        suppressed=held_back,
        suppressed_since=NOON - timedelta(hours=2, minutes=10) if held_back else None,
        links={
            event.alert: {
                "show": f"{ADDRESS}show-{event.alert[:12]}",
                "acknowledge": f"{ADDRESS}acknowledge-{event.alert[:12]}",
                "silence": f"{ADDRESS}silence-{event.alert[:12]}",
                "wrong": f"{ADDRESS}wrong-{event.alert[:12]}",
            }
            for event in events
        },
    )
