"""Invented documents as the index holds them, and the index itself for tests of what is asked of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from elasticsearch import AsyncElasticsearch

from streams.elastic import documents_index, put_templates
from streams.index import document_source
from streams.records import Document, Entity, Judgement, digest
from streams.settings import Settings
from streams.signature import sign

END = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entity(name: str, called: str = "", **changes: Any) -> Entity:
    """A company that a document names."""
    given = {"relevance": 0.9, "where": "title", "matched": called or name, "count": 1}
    return Entity(id=name, name=called or name.title(), **(given | changes))


def judged(label: str = "negative", topic: str = "legal", risk: str = "none", abstained: bool = False) -> Judgement:
    """A verdict with nine tenths on one sentiment."""
    sentiment = {"negative": 0.05, "neutral": 0.05, "positive": 0.05} | {label: 0.9}
    return Judgement(model="opinion-en", version="1-invented", sentiment=sentiment, topic={topic: 0.8},
                     risk={risk: 0.7}, abstained=abstained)  # fmt: skip


def document(number: int, text: str = "", at: datetime | None = None, **changes: Any) -> Document:
    """An invented document, judged negative unless told otherwise, one a minute before END."""
    title, lang = changes.get("title", ""), changes.get("lang", "en")
    when = at or END - timedelta(minutes=number + 1)
    whole = "\n".join(part for part in (title, text) if part)
    given: dict[str, Any] = {
        "id": digest("invented", str(number)), "origin": f"news.raw/0@{number}", "source": "wire", "revision": "1",
        "native_id": f"item-{number}", "kind": "news", "title": title, "text": text, "url": "https://wire.example/1",
        "author": "", "lang": lang, "published_at": when, "published_how": "feed", "collected_at": when,
        "collected_how": "clock", "masked": {}, "signature": sign(whole, lang), "entities": (), "judgement": judged(),
        "stale": "fresh", "may_train": False, "retention_days": 365, "code": "0", "gazetteer": "0",
    }  # fmt: skip
    return Document(**(given | changes))


def stored(of: Document) -> dict[str, Any]:
    """What the index holds of it, as it comes back: times are texts."""
    source = document_source(of, END)
    source["entities"] = [
        {name: getattr(each, name) for name in ("id", "name", "relevance", "where", "matched", "count", "sentiment")}
        for each in of.entities
    ]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in source.items()}


async def put(elastic: AsyncElasticsearch, settings: Settings, documents: list[Document]) -> None:
    """Write the documents as the index stage would, and make them visible."""
    await put_templates(elastic, settings)
    operations: list[dict[str, Any]] = []
    for each in documents:
        index = documents_index(settings, each.published_at, each.collected_at)
        operations += [{"index": {"_index": index, "_id": each.id}}, stored(each)]
    answer = await elastic.bulk(operations=operations, refresh=True)
    assert not answer["errors"], answer
