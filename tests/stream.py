"""A seeded stream of invented items for tests on real engines: calm talk, a crisis, copies, broken records, ticks."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streams.kafka import Outgoing
from streams.records import RawItem, RawTick, encode
from streams.settings import Settings
from streams.topics import CHAT_RAW, NEWS_RAW, RAW

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CRISIS = "HALD"

CALM = (
    "{name} opens a new office in the harbour district",
    "{name} to present at the spring investor conference",
    "{name} says the annual meeting takes place in June",
    "{name} appoints an interim head of logistics",
    "{name} renews its supply agreement with two partners",
    "{name} publishes the agenda of its shareholder meeting",
)
GOOD = (
    "{name} beats profit expectations and raises full-year guidance",
    "{name} wins record order, shares jump to an all-time high",
    "{name} upgraded to buy after strong quarterly results",
)
BAD = (
    "{name} shares plunge after regulator opens accounting fraud probe, desk {n}",
    "{name} cuts outlook and warns of heavy losses, trader {n} says",
    "{name} downgraded to sell as debt worries mount, note {n}",
    "{name} slumps as auditor resigns over missing revenue, source {n}",
    "{name} stock tumbles on bankruptcy fears, holder {n}",
)
NAMES = {"HALD": "Halden Corp", "BRVO": "Bravoline Foods", "KESS": "Kessel Marine"}
BROKEN = (b"{not json", b"\xff\xfe", b"null", b'{"type":"item","source":"wire"}')


@dataclass(frozen=True)
class Plan:
    """What goes into Kafka, in order, and what must come of it."""

    records: list[Outgoing]
    items: int  # readable items, duplicates included
    distinct: int
    broken: int


def plan(settings: Settings, count: int = 600, seed: int = 7) -> Plan:
    """A stream of about `count` items over six hours: a crisis in the fourth, two per cent broken, some sent twice."""
    rng = random.Random(seed)
    records: list[Outgoing] = []
    items = distinct = broken = 0
    step = timedelta(hours=6) / count
    for n in range(count):
        at = START + n * step
        if rng.random() < 0.02:
            records.append(Outgoing(NEWS_RAW, rng.choice(BROKEN), key=f"broken|{n}".encode()))
            broken += 1
        item = _item(rng, n, at)
        record = Outgoing(RAW[item.kind], encode(item), key=f"{item.source}|{item.native_id}".encode())
        repeats = 2 if rng.random() < 0.03 else 1
        records += [record] * repeats
        items += repeats
        distinct += 1
        if n % 20 == 19 or n == count - 1:
            records += ticks(settings, at)
    records += ticks(settings, START + timedelta(hours=9))  # quiet hours after it: what rang is resolved
    return Plan(records, items, distinct, broken)


def _item(rng: random.Random, n: int, at: datetime) -> RawItem:
    crisis = timedelta(hours=3) < at - START < timedelta(hours=4)
    if crisis and rng.random() < 0.7:
        company, texts = CRISIS, BAD
    else:
        company, texts = rng.choice(list(NAMES)), rng.choice((CALM, CALM, GOOD))
    text = rng.choice(texts).format(name=NAMES[company], n=n)
    chat = rng.random() < 0.5
    return RawItem(
        source=rng.choice(("forum", "wire", "daily", "board")),
        native_id=f"item-{n}",
        kind="chat" if chat else "news",
        title="" if chat else text,
        text=f"${company} {text}" if chat else f"{text}. Reported item number {n}.",
        author=f"user{rng.randrange(200)}",
        lang="en",
        published_at=at,
        published_how="stated",
        collected_at=at,
        collected_how="archive",
    )


def ticks(settings: Settings, at: datetime) -> list[Outgoing]:
    """The promise that everything up to `at` is written, for every partition of both raw topics."""
    value = encode(RawTick(at=at, source="test"))
    return [Outgoing(t, value, partition=p) for t in (NEWS_RAW, CHAT_RAW) for p in range(t.count(settings))]


def as_jsonl(records: list[Outgoing]) -> str:
    """The readable items as lines, for ingest by file."""
    lines = []
    for record in records:
        try:
            data = json.loads(record.value)
        except ValueError:
            continue
        if isinstance(data, dict) and data.get("type") == "item" and "native_id" in data:
            lines.append(json.dumps(data, ensure_ascii=False))
    return "\n".join(lines) + "\n"
