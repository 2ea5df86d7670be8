"""A document as the API gives it. Texts are text: nothing here is HTML, and no address leads anywhere but the web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from console.opinion.documents import Segment, safe_url
from console.opinion.facets import Value
from console.opinion.search import Found
from streams.records import Feedback

Segments = Annotated[
    list[tuple[str, bool]], Field(description="Parts of the text; true: what was looked for is here. Never HTML.")
]


class Sentiment(BaseModel):
    """What the model made of it. `abstained`: it said itself that its label is more likely wrong than right."""

    label: str
    abstained: bool
    negative: float
    neutral: float
    positive: float


class Towards(BaseModel):
    """Sentiment towards one of several companies."""

    negative: float
    neutral: float
    positive: float


class Company(BaseModel):
    """A company that the document names, and why."""

    id: str
    name: str
    relevance: float
    where: str
    matched: str
    sentiment: Towards | None = Field(description="Towards this company, where the document names several.")


class Label(BaseModel):
    """The likeliest label of a head."""

    label: str
    confidence: float


class Model(BaseModel):
    """Which model judged."""

    name: str
    version: str


class Document(BaseModel):
    """A document in a list. `excerpt` is empty where the source forbids storing bodies: then the title is all."""

    id: str
    title: Segments
    excerpt: Segments
    url: str = Field(description="Empty where it is no web address.")
    source: str
    kind: str
    lang: str
    author: str = Field(description="A keyed pseudonym, or empty.")
    published_at: datetime | None
    published_how: str
    collected_at: datetime
    stale: str
    entities: list[Company]
    sentiment: Sentiment | None
    unjudged: str = Field(description="Why no model judged it; empty when one did.")
    topic: Label | None
    risk: Label | None
    model: Model | None
    demo: bool
    masked: dict[str, int] = Field(description="How many of which kind of personal data were masked.")


class Whole(Document):
    """One document with its whole text, as far as it is stored."""

    text: str
    truncated: bool
    retention_days: int
    may_train: bool


class Similar(Document):
    """A document that is like another. `score`: relative to how well that one matches itself."""

    score: float


class SimilarList(BaseModel):
    """The most alike first, each wording once."""

    documents: list[Similar]
    partial: bool


class Total(BaseModel):
    """How many there are; `exact` false: at least so many."""

    value: int
    exact: bool


class FacetValue(BaseModel):
    """One value of a facet. The numbers heed all that is chosen but the facet itself."""

    value: str
    name: str
    count: int


class Facets(BaseModel):
    """The values that the documents found have, most documents first."""

    sentiment: list[FacetValue]
    topic: list[FacetValue]
    risk: list[FacetValue]
    source: list[FacetValue]
    lang: list[FacetValue]
    kind: list[FacetValue]
    stale: list[FacetValue]
    subject: list[FacetValue]


class DocumentPage(BaseModel):
    """Documents found."""

    documents: list[Document]
    total: Total
    facets: Facets | None = Field(description="On the first page; null on those behind it, for which it is the same.")
    next: str | None = Field(description="`cursor` of the next page; null on the last.")
    partial: bool = Field(description="True: a part of the index did not answer, and what it holds is missing here.")


class LabelRequest(BaseModel):
    """What one label of a document should be; the same as judged confirms it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    head: Literal["sentiment", "topic", "risk"]
    label: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    note: Annotated[str, StringConstraints(max_length=1000)] = ""


class Labelled(BaseModel):
    """What was written. `author` is the caller's pseudonym."""

    document: str
    head: str
    label: str
    judged: str = Field(description="What the model had said; empty: nothing.")
    confirmed: bool
    author: str
    at: datetime


def document(found: Found) -> Document:
    """A document of a list."""
    return Document(**_fields(found.source, found.title, found.excerpt))


def whole(source: Mapping[str, Any]) -> Whole:
    """A document in full."""
    title = [(source["title"], False)] if source["title"] else []
    more = {name: source[name] for name in ("text", "truncated", "retention_days", "may_train")}
    return Whole(**_fields(source, title, []), **more)


def similar(found: Found) -> Similar:
    """A document that is like another."""
    return Similar(**_fields(found.source, found.title, found.excerpt), score=found.score or 0.0)


def _fields(source: Mapping[str, Any], title: Sequence[Segment], excerpt: Sequence[Segment]) -> dict[str, Any]:
    plain = ("id", "source", "kind", "lang", "author", "published_at", "published_how", "collected_at", "stale", "demo")
    judged = ("sentiment", "topic", "risk", "model")
    return {
        **{name: source[name] for name in plain},
        **{name: source.get(name) for name in judged},
        "title": title,
        "excerpt": excerpt,
        "url": safe_url(source["url"]),
        "unjudged": source.get("unjudged") or "",
        "entities": source.get("entities") or [],
        "masked": {each["kind"]: each["count"] for each in source.get("masked") or []},
    }


def facets(found: Mapping[str, Sequence[Value]] | None) -> Facets | None:
    """The facets, where there are any."""
    if found is None:
        return None
    return Facets(**{
        name: [FacetValue(value=each.value, name=each.name, count=each.count) for each in values]
        for name, values in found.items()
    })  # fmt: skip


def labelled(record: Feedback) -> Labelled:
    """What was said of a document."""
    return Labelled(
        document=record.document, head=record.head, label=record.label, judged=record.judged,
        confirmed=record.label == record.judged, author=record.author, at=record.at,
    )  # fmt: skip
