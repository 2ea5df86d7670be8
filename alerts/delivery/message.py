"""What a receiver is sent: a CloudEvents 1.0 body in JSON with the alert's numbers and evidence, and a paragraph in
English and in Chinese made of those fields alone.

The bytes depend on the alert and the receiver only, so every attempt and every redelivery sends the same ones.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from alerts.delivery.measured import measured
from alerts.delivery.phrases import LANGUAGES, Voice, amount, has_window, is_quiet, marks, pieces, say, voice
from alerts.evaluation.badge import Badge, as_data
from streams.plain import plain
from streams.records import AlertEvent, Condition, Evidence, digest

LIMIT: Final = 20_000  # bytes of a body, by the Standard Webhooks specification
TYPE: Final = "io.tocsin.alert."
CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
NAME_LIMIT: Final = 120  # characters of a name, a rule, a unit …
LABELS_SHOWN: Final = 10
MODELS_SHOWN: Final = 10
CONDITIONS_SHOWN: Final = 10
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_encoder = msgspec.json.Encoder()


def rings(event: AlertEvent) -> bool:
    """Whether people are told of this step: it fires, grows more severe, or ends. The outbox drops the end of an
    alert of which nobody was told."""
    return event.state in ("firing", "resolved") or (event.state == "updated" and event.reason == "severity")


def notification_id(event: str, receiver: str) -> str:
    """Identity of one event for one receiver: the `webhook-id`. Letters and digits, no full stop."""
    raw = bytes.fromhex(digest(event, receiver))
    return "msg_" + base64.b32encode(raw).decode().rstrip("=").lower()


def alert_body(
    event: AlertEvent,
    receiver: str,
    namespace: str = "",
    id_: str = "",
    more: Mapping[str, Any] = NOTHING,
    badge: Badge | None = None,
) -> bytes:
    """The body for an alert event, smaller than 20 kB: evidence is left out from the end until it fits, and where that
    is not enough conditions and annotations too. `id_` is the notification's where it is not that of the event; `more`
    is said beside the record."""
    event = bounded(event)
    id_ = id_ or notification_id(event.id, receiver)
    bare = replace(event, conditions=(), annotations={})
    for given, shown in [*((event, n) for n in range(len(event.evidence), -1, -1)), (bare, 0)]:
        data = alert_data(given, shown, badge) | dict(more)
        body = envelope(id_, TYPE + event.state, event.subject, event.at, data, namespace)
        if len(body) < LIMIT:
            break
    return body


def alert_data(event: AlertEvent, shown: int, badge: Badge | None = None) -> dict[str, Any]:
    """The record of a `bounded` event with its first `shown` pieces of evidence, what was measured of its rule, and its
    paragraphs."""
    record: dict[str, Any] = msgspec.to_builtins(event)
    return (
        record
        | {
            "evidence": msgspec.to_builtins(event.evidence[:shown]),
            "evidence_left_out": len(event.evidence) - shown,
            "text": {lang: text(event, lang) for lang in LANGUAGES},
        }
        | ({} if badge is None else {"measured": measured_data(badge)})
    )


def measured_data(badge: Badge) -> dict[str, Any]:
    """What was measured of a rule, and the sentence about it."""
    return as_data(badge) | {"text": {lang: measured(badge, lang) for lang in LANGUAGES}}


def notice_body(kind: str, id_: str, at: datetime, namespace: str = "", **values: str) -> bytes:
    """The body of a word about Tocsin itself: kind `test` or `receiver.disabled`, with the values of its text."""
    texts = {lang: say(kind, lang, demo="", **values) for lang in LANGUAGES}
    type_ = f"{TYPE}test" if kind == "test" else f"io.tocsin.{kind}"
    return envelope(id_, type_, "tocsin", at, {**values, "text": texts}, namespace)


def envelope(id_: str, type_: str, subject: str, at: datetime, data: dict[str, Any], namespace: str) -> bytes:
    """A CloudEvent in structured mode."""
    return _encoder.encode(
        {
            "specversion": "1.0",
            "id": id_,
            "source": f"/tocsin/{namespace}" if namespace else "/tocsin",
            "type": type_,
            "subject": subject,
            "time": at,
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def bounded(event: AlertEvent) -> AlertEvent:
    """The event with every text cut, so that a body without evidence always fits."""
    labels = dict(list(event.labels.items())[:LABELS_SHOWN])
    return replace(
        event,
        name=plain(event.name, NAME_LIMIT),
        reason=plain(event.reason, NAME_LIMIT),
        unit=plain(event.unit, NAME_LIMIT),
        rule=plain(event.rule, NAME_LIMIT),
        subject=plain(event.subject, NAME_LIMIT),
        rule_hash=plain(event.rule_hash, 64),
        labels={plain(key, 40): plain(value, 80) for key, value in labels.items()},
        models=tuple(plain(model, 40) for model in event.models[:MODELS_SHOWN]),
        annotations={
            plain(key, 40): plain(value, 400) for key, value in list(event.annotations.items())[:LABELS_SHOWN]
        },
        conditions=tuple(_bounded_condition(c) for c in event.conditions[:CONDITIONS_SHOWN]),
        evidence=tuple(_bounded_evidence(e) for e in event.evidence),
    )


def _bounded_condition(condition: Condition) -> Condition:
    unit = plain(condition.unit, NAME_LIMIT)
    return replace(condition, type=plain(condition.type, 40), why=plain(condition.why, NAME_LIMIT), unit=unit)


def _bounded_evidence(evidence: Evidence) -> Evidence:
    url = evidence.url if evidence.url.startswith(("https://", "http://")) else ""  # no script: or file: to click on
    headline, highlights = "", list[tuple[int, int]]()
    for piece, marked in pieces(evidence):
        highlights += [(len(headline), len(headline) + len(piece))] if marked else []
        headline += piece
    source = plain(evidence.source, NAME_LIMIT)
    return replace(evidence, headline=headline, highlights=tuple(highlights), source=source, url=url)


def text(event: AlertEvent, lang: str) -> str:
    """One paragraph about an alert, whatever its state; marked when it is demo data or history."""
    speaker = voice(lang, event.at)
    if event.kind == "system":
        return _system(event, speaker)
    return speaker.say(
        "removed" if event.reason == "rule_removed" else event.state,
        demo=marks([event], speaker),
        severity=speaker.severity(event.severity),
        name=speaker.name(event, NAME_LIMIT),
        figures=_figures(event, speaker),
        story=_story(event, speaker),
        rule=event.rule,
        since=speaker.stamp(event.since),
        at=speaker.stamp(event.at),
    )


def _system(event: AlertEvent, speaker: Voice) -> str:
    fix, over = event.annotations.get(f"fix_{speaker.lang}", ""), event.state == "resolved"
    return speaker.say(
        "system",
        demo=marks([event], speaker),
        heading=speaker.say(
            "heading.resolved" if over else "heading.firing",
            severity=speaker.severity(event.severity),
            name=speaker.say("heading.system", name=speaker.name(event, NAME_LIMIT)),
        ),
        sentence=event.annotations.get(speaker.lang, ""),
        fix=speaker.say("system.fix.text", fix=fix) if fix and not over else "",
    )


def _figures(event: AlertEvent, speaker: Voice) -> str:
    window = speaker.window(event.window_seconds)
    if not event.support and not event.documents and not is_quiet(event):
        return speaker.say("nothing", window=window)
    usual = "" if event.expected is None else speaker.say("usual", expected=amount(event.expected, event.unit))
    return speaker.say(
        "figures" if has_window(event.unit) else "figures.bare",
        unit=speaker.unit(event.unit),
        observed=amount(event.observed, event.unit),
        window=window,
        usual=usual,
        support=event.support,
        sources=event.sources,
        authors=event.authors,
    )


def _story(event: AlertEvent, speaker: Voice) -> str:
    first = next((e for e in event.evidence if e.headline), None)
    if first is None:
        return ""
    headline = "".join(piece for piece, _ in pieces(first))
    key = "story" if first.copies > 1 else "story.single"
    return speaker.say(key, copies=first.copies, headline=headline, source=first.source)
