"""Parts for tests of reports: invented days, alerts, stories."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from console.opinion.counts import Counts
from console.opinion.stories import Story
from console.report.contents import Judges, Opinion, Report, Row, Usual
from console.report.happenings import Log, happenings
from console.report.markdown import markdown
from console.report.period import Period
from console.report.sheet import Items, Sheet, Table, Text
from console.report.told import speaker_of, told
from streams.records import AlertEvent, OfAlerts, Receipt, digest
from tests.ringing import event

DAY = date(2026, 3, 2)  # a Monday; tests.ringing.START lies in it
PERIOD = Period("daily", DAY, ZoneInfo("UTC"))
MADE = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def counts(negative: int, other: int = 0, abstained: int = 0, unjudged: int = 0) -> Counts:
    judged = negative + other
    return Counts(judged + abstained + unjudged, judged, negative, other, 0, abstained, unjudged)


def story(number: int = 0, **changes: Any) -> Story:
    fields: dict[str, Any] = {
        "document": digest("document", str(number)),
        "headline": f"Brightwater recalls pump number {number}",
        "url": f"https://news.example/{number}",
        "source": "wire",
        "copies": 3,
        "authors": 2,
        "sources": 2,
        "first": NOON,
        "last": NOON + timedelta(hours=1),
        "negative": 0.93,
        "sentiment": "negative",
        "topic": "product_news",
        "risk": "product_safety",
        "documents": (digest("document", str(number)),),
    }
    return Story(**(fields | changes))


def opinion(**changes: Any) -> Opinion:
    now = counts(20, 60, abstained=4)
    fields: dict[str, Any] = {
        "now": now,
        "before": counts(10, 70),
        "usual": Usual(4, counts(44, 280)),
        "collected_since": datetime(2026, 1, 1, tzinfo=UTC),
        "stale": 0,
        "late": 0,
        "latest": None,
        "demo": 0,
        "cells": [(PERIOD.span.begin + timedelta(hours=h), counts(h % 3, 2)) for h in range(24)],
        "days": tuple((DAY - timedelta(days=d), counts(10 + d, 50)) for d in range(13, -1, -1)),
        "companies": (Row("BRW", "Brightwater", counts(12, 3), counts(1, 9)),),
        "topics": (Row("product_news", "Company | Product News", counts(9, 9), counts(2, 20)),),
        "risks": (Row("product_safety", "product_safety", counts(9, 1), counts(0, 1), (story(),)),),
        "sources": (Row("wire", "wire", counts(20, 60), counts(10, 70)),),
        "gone": (),
        "moves": (),
        "subjects": 12,
        "compared": 9,
        "stories": (story(0), story(1, copies=1, risk="none", url="")),
        "stories_of": 5,
        "stories_cut": False,
        "models": (Judges("opinion-en", "1-abc", 84),),
        "unjudged": {},
    }
    return Opinion(**(fields | changes))


EMPTY = opinion(
    now=Counts(), before=counts(10, 70), cells=[], companies=(), topics=(), risks=(), sources=(), stories=(),
    stories_of=0, models=(),
)  # fmt: skip


def rang(*more: AlertEvent, operations: tuple[OfAlerts, ...] = (), receipts: tuple[Receipt, ...] = ()) -> Any:
    """Happenings of the day: one alert that fired, and what more is given."""
    events: dict[str, list[AlertEvent]] = {}
    for each in (event(0), *more):
        events.setdefault(each.alert, []).append(each)
    answers: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        answers.setdefault(receipt.event.partition(".")[0], []).append(receipt)
    return tuple(happenings(Log(events, operations, answers), PERIOD.span))


def report(**changes: Any) -> Report:
    fields: dict[str, Any] = {
        "period": PERIOD,
        "made_at": MADE,
        "namespace": "",
        "opinion": opinion(),
        "rang": (),
        "open_before": (),
        "rang_before": 0,
        "itself": (),
        "letters": {},
    }
    return Report(**(fields | changes))


def sheet(lang: str = "en", public_url: str = "", **changes: Any) -> Any:
    made = report(**changes)
    return told(made, speaker_of(made, lang, public_url))


def text_of(shown: Any) -> str:
    """Everything a sheet says, a line each."""
    return markdown(shown)


def links_of(shown: Sheet) -> set[str]:
    """Every address in it."""
    lines = list(shown.about)
    for part in (part for section in shown.sections for part in section.parts):
        match part:
            case Text(line=line):
                lines.append(line)
            case Items(items=items):
                lines += [line for item in items for line in item.lines]
            case Table(rows=rows):
                lines += [cell for row in rows for cell in row]
    return {span.href for line in lines for span in line if span.href}
