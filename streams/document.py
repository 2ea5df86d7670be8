"""From a raw item to a document: clean → language → mask → sign → link, and then, with the verdict, the records.

Pure: time is an argument, nothing is read or written. `prepare` either gives a `Prepared` or raises `Reject` with a
stable reason (bad_time, no_text, no_source); no other exception leaves it, whatever the item holds. Personal data is
masked before anything is signed, linked or judged. Titles are kept even where the source forbids storing bodies; then
the body is judged and signed, and forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec.structs import replace

from models.labels import TOPIC_SOURCES
from models.text import about, unmarked
from streams.entities import Gazetteer
from streams.language import detect
from streams.normalise import clean, clean_line, clean_url
from streams.pii import mask, pseudonym
from streams.records import (
    Document,
    Entity,
    Judgement,
    Mention,
    RawItem,
    Reject,
    Signature,
    check_time,
    content_revision,
    digest,
    document_id,
)
from streams.retention import expiry
from streams.settings import Settings
from streams.signature import sign

TITLE_LIMIT: Final = 1_000
HEADLINE_LIMIT: Final = 200
NAME_LIMIT: Final = 256
TOWARDS: Final = 4  # companies of one document that are judged each for itself; digests name dozens

Staleness = Literal["fresh", "stale", "unknown"]
Sentiment = dict[str, float]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document but for its judgement. `title` and `text` are clean and masked; `text` is the whole body, to judge."""

    item: RawItem = field(repr=False)  # as it came in: personal data included
    id: str
    origin: str
    source: str
    native_id: str
    revision: str
    title: str
    text: str
    truncated: bool
    url: str
    author: str
    lang: str
    published_at: datetime | None
    collected_at: datetime
    masked: dict[str, int]
    signature: Signature
    entities: tuple[Entity, ...]
    stale: Staleness
    expires_at: datetime | None

    @property
    def judged_text(self) -> str:
        """What the model reads."""
        return judged_text(self.title, self.text)

    def judged_for(self) -> dict[str, str]:
        """What it reads for the sake of each company, where there are several."""
        return judged_for(self.judged_text, self.entities)


class Pipeline:
    """The text stages with what they need: settings, names, the key of pseudonyms, the version of the code."""

    def __init__(self, settings: Settings, gazetteer: Gazetteer, key: bytes, code_version: str) -> None:
        self._text_limit = settings.text_limit
        self._stale_after = timedelta(seconds=settings.stale_after)
        self._gazetteer = gazetteer
        self._follow = settings.follow.replace(" ", "").split(",")
        self._key = key
        self._code = code_version

    def prepare(self, item: RawItem, origin: str, now: datetime, taken_at: datetime | None = None) -> Prepared:
        """Cleaned, masked, signed, linked; `taken_at` as in `expiry`. Raises Reject: bad_time, no_text, no_source."""
        collected = check_time(item.collected_at, now, "collected_at")
        published = check_time(item.published_at, now, "published_at") if item.published_at else None
        masked: Counter[str] = Counter()
        title, cut_title = clean_line(item.title, TITLE_LIMIT)
        text, cut_text = clean(item.text, self._text_limit)
        if not title and not text:
            raise Reject("no_text", "the item has neither a title nor a text, or nothing of them can be read")
        title, text = self._mask(title, masked), self._mask(text, masked)
        lang = detect(joined(title, text), item.lang)
        revision = item.revision or content_revision(item.title, item.text)
        return Prepared(
            item=item,
            id=document_id(item.source, item.native_id, revision),
            origin=origin,
            source=_source(item.source),
            native_id=self._mask(clean_line(item.native_id, 512)[0], masked)[:512] or "-",
            revision=clean_line(revision, NAME_LIMIT)[0],
            title=title,
            text=text,
            truncated=cut_title or cut_text,
            url=clean_url(item.url),
            author=pseudonym(item.author, self._key),
            lang=lang,
            published_at=published,
            collected_at=collected,
            masked=dict(sorted(masked.items())),
            signature=sign(joined(title, text), lang),
            entities=self._gazetteer.find(title, text),
            stale=staleness(item, self._stale_after),
            expires_at=expiry(item, taken_at),
        )

    def document(
        self,
        prepared: Prepared,
        judgement: Judgement | None,
        unjudged: str = "",
        towards: Mapping[str, Sentiment] | None = None,
    ) -> Document:
        """The record to store: without the body where the source forbids keeping it.

        `towards`: the sentiment towards each company that was judged for itself, by its id.
        """
        item = prepared.item
        return Document(
            id=prepared.id,
            origin=prepared.origin,
            source=prepared.source,
            native_id=prepared.native_id,
            revision=prepared.revision,
            kind=item.kind,
            title=prepared.title,
            text=prepared.text if item.may_store_body else "",
            truncated=prepared.truncated,
            url=prepared.url,
            author=prepared.author,
            lang=prepared.lang,
            published_at=prepared.published_at,
            published_how=item.published_how,
            collected_at=prepared.collected_at,
            collected_how=item.collected_how,
            masked=prepared.masked,
            signature=prepared.signature,
            entities=tuple(replace(entity, sentiment=(towards or {}).get(entity.id)) for entity in prepared.entities),
            judgement=judgement,
            unjudged="" if judgement else unjudged,
            stale=prepared.stale,
            may_train=item.may_train,
            retention_days=item.retention_days,
            expires_at=prepared.expires_at,
            code=self._code,
            gazetteer=self._gazetteer.version,
            demo=item.demo,
        )

    def mentions(self, document: Document, channel: str, offset: int) -> list[Mention]:
        """One mention for each subject: companies (`entity:<id>`), lists of the watchlist (`list:<name>`), the
        likeliest topic, when judged (`topic:<name>`), and, where they are followed, `source:<name>` and `market:all`.
        """
        judged = document.judgement
        topic, confidence = likeliest(judged.topic if judged else {})
        risk, risk_confidence = likeliest(judged.risk if judged else {})
        subjects = self._subjects(document, topic)
        return [
            Mention(
                subject=subject,
                name=name,
                document=document.id,
                channel=channel,
                offset=offset,
                source=document.source,
                kind=document.kind,
                author=document.author,
                lang=document.lang,
                url=document.url,
                headline=headline(document),
                collected_at=document.collected_at,
                published_at=document.published_at,
                stale=document.stale,
                relevance=relevance,
                signature=document.signature,
                sentiment=sentiment,
                topic=topic,
                topic_confidence=confidence,
                risk=risk,
                risk_confidence=risk_confidence,
                model=_model(document.judgement),
                demo=document.demo,
                item=digest(document.source, document.native_id),
            )
            for subject, name, relevance, sentiment in subjects
        ]

    def _subjects(self, document: Document, topic: str) -> list[tuple[str, str, float, Sentiment | None]]:
        """Id, name, relevance and sentiment towards each subject of the document."""
        overall = document.judgement.sentiment if document.judgement else None
        found: list[tuple[str, str, float, Sentiment | None]] = []
        lists: dict[str, tuple[str, str, float, Sentiment | None]] = {}
        for entity in document.entities:
            towards = entity.sentiment or overall
            found.append((f"entity:{entity.id}", entity.name, entity.relevance, towards))
            for name in self._gazetteer.lists.get(entity.id, ()):
                known = lists.get(name)
                if known is None or _worse(towards, known[3]):  # of several companies the one it is worst for
                    lists[name] = (f"list:{name}", name, entity.relevance, towards)
        found += lists.values()
        if topic:
            found.append((f"topic:{topic}", TOPIC_SOURCES.get(topic, topic), 1.0, overall))
        if "source" in self._follow:
            found.append((f"source:{document.source}", document.source, 1.0, overall))
        if "market" in self._follow:
            found.append(("market:all", "market", 1.0, overall))
        return found

    def _mask(self, text: str, counts: Counter[str]) -> str:
        masked, found = mask(text, self._gazetteer.handles)
        counts.update(found)
        return masked


def _worse(one: Sentiment | None, other: Sentiment | None) -> bool:
    return (one or {}).get("negative", -1.0) > (other or {}).get("negative", -1.0)


def staleness(item: RawItem, stale_after: timedelta) -> Staleness:
    """Whether the item was old when it was collected.

    Unknown without a publication time; also when nobody knows where that time comes from, unless it says old.
    """
    if item.published_at is None:
        return "unknown"
    if item.collected_at - item.published_at > stale_after:
        return "stale"
    return "unknown" if item.published_how == "unknown" else "fresh"


def headline(document: Document) -> str:
    """At most 200 characters that stand for the document: its title, else the beginning of a text that may be kept."""
    line = document.title or " ".join(document.text[: HEADLINE_LIMIT * 2].split())
    return line if len(line) <= HEADLINE_LIMIT else line[: HEADLINE_LIMIT - 1].rstrip() + "…"


def likeliest(probabilities: Mapping[str, float]) -> tuple[str, float]:
    """The label with the highest probability, the first in the order of labels among equals; empty when unjudged."""
    if not probabilities:
        return "", 0.0
    label = max(probabilities, key=probabilities.__getitem__)
    return label, probabilities[label]


def judged_text(title: str, text: str) -> str:
    """What the model reads: title and body, the title once when the body repeats it."""
    return unmarked(joined(title, text))


def judged_for(text: str, entities: Sequence[Entity]) -> dict[str, str]:
    """For a document that names several companies: what the model reads for the sake of each, by company id.

    At most TOWARDS of them, the most relevant; nothing for a document about one. `text`: its judged text.
    """
    if len(entities) < 2:
        return {}
    chief = sorted(entities, key=lambda entity: -entity.relevance)[:TOWARDS]
    names = {entity.id: entity.matched.split(", ") for entity in entities}
    others = [name for each in names.values() for name in each]
    return {entity.id: about(text, names[entity.id], others) for entity in chief}


def joined(title: str, text: str) -> str:
    if not title or not text:
        return title or text
    return text if text.startswith(title) else f"{title}\n{text}"


def _source(source: str) -> str:
    name = clean_line(source, 128)[0]
    if not name:
        raise Reject("no_source", "the name of the source holds nothing readable")
    return name


def _model(judgement: Judgement | None) -> str:
    return f"{judgement.model}@{judgement.version}"[:NAME_LIMIT] if judgement else ""
