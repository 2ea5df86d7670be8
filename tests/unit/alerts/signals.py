"""Mentions and ticks for the tests, and rules in one line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.engine import Engine
from alerts.rule_files import parse_rules
from alerts.rules import Rule
from streams.records import AlertEvent, Mention, Signal, Signature, Tick, digest

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
A, B = "news.raw/0", "chat.raw/0"


def at(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def mention(
    minutes: float, document: str, negative: float | None = 0.9, *, subject: str = "entity:acme", **fields: Any
) -> Mention:
    """A judged news item by an author of its own, unless said otherwise."""
    known: dict[str, Any] = {
        "name": "Acme", "channel": A, "offset": 0, "source": "wire", "kind": "news", "author": f"by-{document}",
        "lang": "en", "url": "", "headline": f"about {document}", "published_at": None, "stale": "fresh",
        "relevance": 1.0, "signature": Signature(copy_key=digest(document)), "topic": "", "model": "opinion-en@1",
    }  # fmt: skip
    sentiment = None if negative is None else {"negative": negative, "neutral": 1 - negative, "positive": 0.0}
    return Mention(
        subject=subject, document=digest(document), collected_at=at(minutes), sentiment=sentiment, **(known | fields)
    )


def tick(minutes: float, channel: str = A) -> Tick:
    """Everything of this channel up to then has come."""
    return Tick(channel=channel, offset=0, at=at(minutes))


def rule(body: str, scope: str = "{subject: entity}", name: str = "r") -> Rule:
    """One rule, in the words of a rule file."""
    return parse_rules(f"rules:\n  - {{name: {name}, scope: {scope}, {body}}}")[0]


def numbered(bodies: Iterable[str]) -> tuple[Rule, ...]:
    """A rule for each of these, named r0, r1, …"""
    return tuple(rule(body, name=f"r{number}") for number, body in enumerate(bodies))


def engine(*rules: Rule, lateness: float = 0, channels: tuple[str, ...] = (A,)) -> Engine:
    """A fresh engine."""
    return Engine(rules, lateness=lateness, channels=channels)


def fold(target: Engine, *signals: Signal) -> list[AlertEvent]:
    """All events of feeding these signals in order."""
    return [e for s in signals for e in target.feed(s, target.next_offset)]


def told(events: list[AlertEvent]) -> list[tuple[float, str, str]]:
    """(minute, state, reason) of each event."""
    return [((e.at - START) / timedelta(minutes=1), e.state, e.reason) for e in events]
