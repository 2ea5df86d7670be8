"""A month as a busy desk has it in its index, made anew from one seed: documents about two hundred companies in two
languages, and alerts that rang over them. Every judgement is drawn; no model reads the texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace

from alerts.rules import Rule
from streams import elastic as es
from streams.kafka import Outgoing, Producer, ensure_topics
from streams.records import AlertEvent, Document, Entity, Evidence, Judgement, digest, encode
from streams.settings import Settings
from streams.signature import sign
from streams.topics import ALERTS
from tests.bench.invented import BAD, CALM, GOOD, HOURS, PLACES
from tests.opinions import stored

DAYS: Final = 30
COMPANIES: Final = 200
SOURCES: Final = 60
OPEN: Final = 24  # alerts that ring now
BULK: Final = 2000
TOPICS: Final = ("stock_commentary", "product_news", "mergers", "legal", "earnings", "personnel", "debt", "markets")
RISKS: Final = ("none", "none", "none", "litigation", "regulatory_action", "outage", "product_safety")
MOODS: Final = {"calm": CALM, "good": GOOD, "bad": BAD}


@dataclass(frozen=True, slots=True)
class Past:
    """How much there is, and until when."""

    end: datetime
    documents: int = 100_000
    alerts: int = 3000
    seed: int = 7

    def company(self, rng: random.Random) -> Entity:
        """A company by its weight: the first has a tenth of all that is said."""
        number = int(3 * ((COMPANIES + 3) / 3) ** rng.random()) - 3
        name = f"Marlwick {number}" if number % 3 else f"远岭{number}"
        return Entity(id=f"c{number:03d}", name=name, relevance=0.9, where="title", matched=name, count=2)

    def moment(self, rng: random.Random) -> datetime:
        """A moment of the month, by the hours at which people speak."""
        midnight = self.end.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=rng.randrange(DAYS))
        at = midnight + timedelta(hours=rng.choices(range(24), HOURS)[0], seconds=rng.randrange(3600))
        return at if at < self.end else at - timedelta(days=1)

    def made(self) -> Iterator[Document]:
        """The documents, in no order."""
        rng = random.Random(f"console {self.seed}")
        for number in range(self.documents):
            yield _document(self, rng, number)


def _document(past: Past, rng: random.Random, number: int) -> Document:
    lang = "zh" if rng.random() < 0.35 else "en"
    mood = rng.choices(("calm", "good", "bad"), (6, 2, 2))[0]
    companies = [past.company(rng) for _ in range(rng.choice((1, 1, 2)))]
    title = rng.choice(MOODS[mood][lang]).format(name=companies[0].name, place=rng.choice(PLACES[lang]))
    rest = [
        rng.choice(rng.choice((CALM, CALM, MOODS[mood]))[lang]).format(name=rng.choice(companies).name, place=place)
        for place in rng.choices(PLACES[lang], k=rng.randrange(2, 9))
    ]
    text = ("。" if lang == "zh" else ". ").join(rest)
    at, kind = past.moment(rng), rng.choice(("news", "chat"))
    likeliest = {"calm": "neutral", "good": "positive", "bad": "negative"}[mood]
    sentiment = {"negative": 0.06, "neutral": 0.06, "positive": 0.06} | {likeliest: 0.88}
    judgement = Judgement(
        model=f"opinion-{lang}", version="1-invented", sentiment=sentiment, topic={rng.choice(TOPICS): 0.7},
        risk={rng.choice(RISKS) if mood == "bad" else "none": 0.8}, abstained=rng.random() < 0.04,
    )  # fmt: skip
    return Document(
        id=digest("console", str(past.seed), str(number)), origin=f"news.raw/0@{number}",
        source=f"source-{rng.randrange(SOURCES):02d}", native_id=str(number), revision="1", kind=kind, title=title,
        text=text, url=f"https://news.example/{number}" if kind == "news" else "",
        author="" if kind == "news" else f"p_{rng.randrange(9000):016x}", lang=lang, published_at=at,
        published_how="feed", collected_at=at, collected_how="clock", masked={}, signature=sign(text, lang),
        entities=tuple({each.id: each for each in companies}.values()), stale="fresh", may_train=False,
        retention_days=365, code="0", gazetteer="0", judgement=judgement if rng.random() < 0.97 else None,
    )  # fmt: skip


async def index(elastic: AsyncElasticsearch, settings: Settings, past: Past) -> None:
    """Write the documents as the index stage would."""
    await es.put_templates(elastic, settings)
    documents = past.made()
    while part := list(islice(documents, BULK)):
        lines: list[dict[str, Any]] = []
        for each in part:
            name = es.documents_index(settings, each.published_at, each.collected_at)
            lines += [{"index": {"_index": name, "_id": each.id}}, stored(each)]
        answer = await elastic.bulk(operations=lines)
        if answer["errors"]:
            raise RuntimeError(f"Elasticsearch refused documents: {answer['items'][:1]}")
    await elastic.indices.refresh(index=es.pattern(settings, "documents"))


def rang(past: Past, rule: Rule) -> Iterator[AlertEvent]:
    """Steps of alerts: most are over, some ring now. Their evidence are documents that exist."""
    rng = random.Random(f"alerts {past.seed}")
    for number in range(past.alerts):
        about, id_ = past.company(rng), digest("console alert", str(past.seed), str(number))
        at = past.end - timedelta(minutes=rng.randrange(5, 50)) if number < OPEN else past.moment(rng)
        evidence = tuple(
            Evidence(
                document=digest("console", str(past.seed), str(rng.randrange(past.documents))),
                headline=rng.choice(BAD["en"]).format(name=about.name, place=rng.choice(PLACES["en"])),
                url="https://news.example/", source=f"source-{rng.randrange(SOURCES):02d}", collected_at=at,
                negative=0.9, copies=rng.randrange(1, 9), authors=rng.randrange(1, 9), share=0.1,
            )
            for _ in range(5)
        )  # fmt: skip
        began = AlertEvent(
            id=f"{id_}.0", alert=id_, sequence=0, state="firing", reason="held", rule=rule.name, rule_hash=rule.hash,
            severity=rng.choice(("info", "warning", "critical")), subject=f"entity:{about.id}", name=about.name, at=at,
            since=at - timedelta(minutes=4), window_seconds=1800, observed=rng.randrange(8, 60), expected=2.4, low=0.0,
            high=6.0, unit="negative stories", p_value=1e-7, support=70, documents=66, stories=40, sources=12,
            authors=30, evidence=evidence, models=("opinion-en@1-invented",), labels={}, kind="surge", bound=8.0,
            beyond=2.0,
        )  # fmt: skip
        yield began
        if number >= OPEN:
            over = at + timedelta(hours=rng.uniform(0.5, 5))
            yield replace(
                began, id=f"{id_}.1", sequence=1, state="resolved", reason="ended", at=over, observed=1.0, evidence=()
            )


async def ring(settings: Settings, bootstrap: str, past: Past, rule: Rule) -> None:
    """Write the alerts as the detector would."""
    await ensure_topics(settings, bootstrap)
    producer = Producer(settings, bootstrap)
    try:
        records = [Outgoing(ALERTS, encode(event), event.alert.encode()) for event in rang(past, rule)]
        for at in range(0, len(records), BULK):
            await producer.send_all(records[at : at + BULK])
    finally:
        await producer.stop()
