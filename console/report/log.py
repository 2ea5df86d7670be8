"""What Kafka knows of a period: alerts, what people did, what channels answered, dead letters. Read once, bounded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from msgspec.structs import replace

from console.alert_log import record_of
from console.opinion.span import Span
from console.report.happenings import Log
from streams.kafka import Message, ensure_topics, read_topic
from streams.records import AlertEvent, DeadLetter, OfAlerts, Receipt, Reject, decode
from streams.settings import Settings
from streams.topics import ALERTS, DEADLETTERS, FEEDBACK, RECEIPTS

OPERATIONS: Final = get_args(OfAlerts)


@dataclass(frozen=True, slots=True)
class Everything:
    """The log, and the dead letters of the period by stage."""

    log: Log
    letters: dict[str, int]


async def read_log(settings: Settings, bootstrap: str, span: Span, since: datetime) -> Everything:
    """All alerts that were alive in the span or began after `since`, with what belongs to them.

    Of steps before the span only the figures are kept, so that years of a log need no more memory than the period does.
    """
    await ensure_topics(settings, bootstrap)  # an older installation may lack one
    events: dict[str, dict[int, AlertEvent]] = {}
    async for message in read_topic(settings, bootstrap, ALERTS):
        record = record_of(message, ALERTS)
        if isinstance(record, AlertEvent):
            take(events, record, span, since)
    operations: list[OfAlerts] = []
    async for message in read_topic(settings, bootstrap, FEEDBACK):
        record = record_of(message, FEEDBACK)
        if isinstance(record, OPERATIONS):
            operations.append(record)
    receipts: defaultdict[str, list[Receipt]] = defaultdict(list)
    async for message in read_topic(settings, bootstrap, RECEIPTS):
        for alert, receipt in receipts_of(message):
            if alert in events:
                receipts[alert].append(receipt)
    letters = await _letters(settings, bootstrap, span)
    told = {alert: tuple(steps.values()) for alert, steps in events.items()}
    unique = {(type(o).__name__, o.id): o for o in sorted(operations, key=lambda o: o.at, reverse=True)}
    return Everything(Log(told, tuple(unique.values()), receipts), letters)


def take(events: dict[str, dict[int, AlertEvent]], event: AlertEvent, span: Span, since: datetime) -> None:
    """Keep a step that a report of the span could need; forget alerts that were over before `since`."""
    if event.at >= span.end:
        return
    if event.at < span.begin:
        event = replace(event, evidence=(), conditions=(), counterfactual=None)
    events.setdefault(event.alert, {}).setdefault(event.sequence, event)
    if event.state == "resolved" and event.at < since:
        del events[event.alert]


def receipts_of(message: Message) -> list[tuple[str, Receipt]]:
    """A receipt with the alert, or each of the alerts, that it is about."""
    receipt = _decoded(message, Receipt)
    if receipt is None:
        return []
    alerts = {event.rpartition(".")[0] for event in (receipt.event, *receipt.events)}
    return [(alert, receipt) for alert in sorted(alerts)]


async def _letters(settings: Settings, bootstrap: str, span: Span) -> dict[str, int]:
    found: Counter[str] = Counter()
    ids: set[str] = set()
    async for message in read_topic(settings, bootstrap, DEADLETTERS):
        letter = _decoded(message, DeadLetter)
        if letter is not None and letter.id not in ids and span.begin <= letter.at < span.end:
            ids.add(letter.id)
            found[letter.stage] += 1
    return dict(sorted(found.items()))


def _decoded(message: Message, kind: Any) -> Any:
    try:
        return decode(message.value, kind)
    except Reject:
        return None  # ours alone write there


def since_of(spans: list[Span]) -> datetime:
    """The earliest beginning, with a day to spare for alerts that were open then."""
    return min(span.begin for span in spans) - timedelta(days=1)
