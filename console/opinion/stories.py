"""What is told, as stories: the detector's own way to see that documents tell the same thing (`alerts/stories.py`)."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from alerts import stories as told
from console.opinion.asking import Missing, ask
from console.opinion.documents import headline_of, safe_url
from console.opinion.filters import EVERYTHING, Filter, query
from console.opinion.span import Span
from streams.document import joined
from streams.records import Signature
from streams.settings import Settings
from streams.signature import sign

MOST: Final = 1000  # documents that are read
SHOWN: Final = 20  # ids of a story
COUNTED: Final = 100_000  # documents up to which it is said how many there are
UNKNOWN: Final = -1.0
REMEMBERED: Final = 5000  # signatures, 3 KiB each
FIELDS: Final = (
    "id", "title", "text", "lang", "copy_key", "collected_at", "source", "author", "url", "entities.id",
    "entities.sentiment", "sentiment", "topic.label", "risk.label",
)  # fmt: skip

# Signing takes longer than all the rest, and a text never changes under its id and key.
_signed: dict[tuple[str, str], Signature] = {}
_signing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Story:
    """Documents that tell the same. `document` stands for them: the most negative, then the earliest."""

    document: str
    headline: str
    url: str  # empty where it is no web address
    source: str
    copies: int  # documents
    authors: int  # an unknown author counts as its source
    sources: int
    first: datetime
    last: datetime
    negative: float | None  # probability, of the document that stands for them; None: unjudged
    sentiment: str
    topic: str
    risk: str
    documents: tuple[str, ...]  # the earliest ones


@dataclass(frozen=True, slots=True)
class Stories:
    """The stories of the newest `read` documents, of `of` that there are (no more than COUNTED are counted)."""

    stories: list[Story]
    read: int
    of: int
    cut: bool  # there are more than were read: a story may have begun earlier, and be larger


@dataclass(frozen=True, slots=True)
class Told:
    """What a story needs of one document. `negative`: towards the company that is asked about, where that is known."""

    id: str
    at: datetime
    headline: str
    url: str
    source: str
    person: str
    negative: float
    sentiment: str
    topic: str
    risk: str
    signature: Signature


async def stories(
    elastic: AsyncElasticsearch, settings: Settings, span: Span, chosen: Filter = EVERYTHING, most: int = MOST,
    missing: Missing | None = None,
) -> Stories:  # fmt: skip
    """The stories of a span, those with most documents first, then the most negative, then the earliest."""
    body = {
        "size": min(most, MOST),
        "query": query(chosen, settings, span),
        "sort": [{"collected_at": "desc"}, {"id": "asc"}],
        "track_total_hits": COUNTED,
        "_source": list(FIELDS),
    }
    answer = await ask(elastic, settings, body, missing)
    hits = answer.get("hits", {})
    sources = [hit["_source"] for hit in hits.get("hits", [])]
    of = int(hits.get("total", {}).get("value", len(sources)))
    company = chosen.subject.removeprefix("entity:") if chosen.subject.startswith("entity:") else ""
    found = await asyncio.to_thread(fold, sources, company)
    return Stories(found, len(sources), of, of > len(sources))


def fold(sources: Sequence[Mapping[str, Any]], company: str = "") -> list[Story]:
    """The stories of stored documents in any order."""
    documents = sorted((read_told(source, company) for source in sources), key=lambda each: (each.at, each.id))
    known = told.Stories()
    members: dict[str, list[Told]] = defaultdict(list)
    for each in documents:
        name, _ = known.assign(round(each.at.timestamp() * 1_000_000), each.id, each.signature)
        members[name].append(each)
    ranked = sorted(members.values(), key=lambda group: (-len(group), -_mean(group), group[0].at, group[0].id))
    return [_story(group) for group in ranked]


def read_told(source: Mapping[str, Any], company: str = "") -> Told:
    """One stored document."""
    sentiment = source.get("sentiment") or {}
    towards = next((e.get("sentiment") for e in source.get("entities") or () if e["id"] == company), None)
    label = sentiment.get("label", "unjudged")
    return Told(
        id=source["id"],
        at=datetime.fromisoformat(source["collected_at"]),
        headline=headline_of(source["title"], source["text"]),
        url=safe_url(source.get("url", "")),
        source=source["source"],
        person=source.get("author") or f"source:{source['source']}",
        negative=(towards or sentiment).get("negative", UNKNOWN),
        sentiment="abstained" if sentiment.get("abstained") else label,
        topic=(source.get("topic") or {}).get("label", ""),
        risk=(source.get("risk") or {}).get("label", ""),
        signature=_signature(source["id"], source["title"], source["text"], source["lang"], source["copy_key"]),
    )


def _signature(document: str, title: str, text: str, lang: str, key: str) -> Signature:
    """Of the stored text, when that is the one that was signed; else what is known of it: the key of exact copies."""
    with _signing:
        found = _signed.get((document, key))
        if found is None:
            whole = joined(title, text)
            found = sign(whole, lang)
            if found.copy_key != key:
                found = Signature(copy_key=key)
            _signed[(document, key)] = found
            if len(_signed) > REMEMBERED:
                del _signed[next(iter(_signed))]
    return found


def _story(group: Sequence[Told]) -> Story:
    best = min(group, key=lambda each: (-each.negative, each.at, each.id))
    return Story(
        document=best.id,
        headline=best.headline,
        url=best.url,
        source=best.source,
        copies=len(group),
        authors=len({each.person for each in group}),
        sources=len(Counter(each.source for each in group)),
        first=group[0].at,
        last=group[-1].at,
        negative=None if best.negative == UNKNOWN else best.negative,
        sentiment=best.sentiment,
        topic=best.topic,
        risk=best.risk,
        documents=tuple(each.id for each in group[:SHOWN]),
    )


def _mean(group: Sequence[Told]) -> float:
    judged = [each.negative for each in group if each.negative != UNKNOWN]
    return sum(judged) / len(judged) if judged else 0.0
