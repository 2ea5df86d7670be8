"""The alert about a channel itself: it fires when the channel takes nothing, and ends when it delivers again. Pure.

It goes the way of every alert, through Kafka, and is told to the other channels: `alerts.delivery.routing` keeps it
from the broken one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml
from msgspec.structs import replace

from alerts.delivery.answers import translated
from alerts.delivery.channel import Channel
from alerts.delivery.routing import CHANNEL_RULE, CHANNEL_SUBJECT, SYSTEM, broken_channel
from alerts.delivery.schedule import Decision, Reply
from streams.plain import plain
from streams.records import AlertEvent, digest

FAILING_AFTER: Final = 4  # attempts of one notification in vain, some six minutes: tell others while it is still tried
LANGUAGES: Final = ("en", "zh")


def trouble_after(
    known: AlertEvent | None, channel: Channel, reply: Reply, decision: Decision, attempt: int, at: datetime
) -> tuple[AlertEvent | None, list[AlertEvent]]:
    """The open alert about a channel after an attempt, and the events to write. Throttling is no fault of it."""
    if decision.outcome == "delivered":
        return None, [_ended(known, "over", at)] if known is not None else []
    gives_up = decision.outcome in ("refused", "disabled")
    if known is not None or not (gives_up or (attempt >= FAILING_AFTER and reply.said != "throttled")):
        return known, []
    event = _firing(channel, reply, decision, attempt, at)
    return event, [event]


def _firing(channel: Channel, reply: Reply, decision: Decision, attempt: int, at: datetime) -> AlertEvent:
    what = "failing" if decision.outcome == "retry" else decision.outcome
    alert = digest(CHANNEL_RULE, channel.id, at.isoformat())
    annotations: dict[str, str] = {}
    for lang in LANGUAGES:
        reason, fix = (plain(translated(text, lang), 200) for text in (reply.meaning or str(reply), reply.fix))
        annotations[lang] = say(what, lang, channel=channel.name, attempts=str(attempt), reason=reason)
        annotations[f"fix_{lang}"] = say("fix", lang, channel=channel.name, fix=fix or say("anyway", lang))
    return AlertEvent(
        id=f"{alert}.0", alert=alert, sequence=0, state="firing", reason="held", rule=CHANNEL_RULE,
        rule_hash=digest(CHANNEL_RULE)[:16], severity="critical", subject=f"{CHANNEL_SUBJECT}{channel.name}",
        name=channel.name, at=at, since=at, window_seconds=0, observed=float(attempt), expected=None, low=None,
        high=None, unit="failed attempts", p_value=None, support=0, documents=0, stories=0, sources=0, authors=0,
        evidence=(), models=(), labels={"channel": channel.type}, kind=SYSTEM, annotations=annotations,
    )  # fmt: skip


def reconcile(
    firing: Sequence[AlertEvent],
    known: Mapping[str, AlertEvent],
    channels: Sequence[Channel],
    at: datetime,
    *,
    new: bool,
) -> tuple[dict[str, AlertEvent | None], list[AlertEvent]]:
    """At a start: the open alert of each channel that is to be changed, and the events to write.

    `firing` are all alerts about channels, `known` those that the outbox knows, by id of the channel. Those of channels
    that were removed or renamed are over, or nobody would ever end them. A `new` outbox learns of the others again.
    """
    named = {channel.name: channel for channel in channels}
    here = {channel.id: channel.name for channel in channels}
    changed: dict[str, AlertEvent | None] = {
        id_: None for id_, event in known.items() if broken_channel(event) != here.get(id_)
    }
    going_on = {event.alert for id_, event in known.items() if id_ not in changed}
    over: list[AlertEvent] = []
    for event in firing:
        channel = named.get(broken_channel(event))
        if new and channel is not None and channel.id not in (*known, *changed):
            changed[channel.id] = event
        elif event.alert not in going_on:
            over.append(_ended(event, "over" if channel is not None else "gone", at))
    return changed, over


def _ended(known: AlertEvent, how: str, at: datetime) -> AlertEvent:
    sequence = known.sequence + 1
    annotations = {lang: say(how, lang, channel=known.name) for lang in LANGUAGES}
    annotations |= {f"fix_{lang}": "" for lang in LANGUAGES}
    return replace(
        known, id=f"{known.alert}.{sequence}", sequence=sequence, state="resolved", reason="ended", at=at,
        observed=0.0, annotations=annotations,
    )  # fmt: skip


@lru_cache
def _sentences(lang: str) -> dict[str, str]:
    source = (files("alerts") / "texts" / f"channel.{lang}.yaml").read_text(encoding="utf-8")
    return {str(key): str(value) for key, value in yaml.safe_load(source).items()}


def say(key: str, lang: str, **values: str) -> str:
    """One sentence, filled; braces in the values mean nothing."""
    return _sentences(lang)[key].format(**values)
