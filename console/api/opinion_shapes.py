"""What the routes about opinions give, as OpenAPI describes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from console.opinion.counts import Counts
from console.opinion.groups import Group
from console.opinion.movers import Mover
from console.opinion.profile import Profile
from console.opinion.stories import Stories as Found
from console.opinion.stories import Story as Told
from console.opinion.subjects import Listed

PARTIAL = "True: a part of the index did not answer, and what it holds is missing here."
CURRENT = "False while Kafka does not answer: newer documents may be on their way."


class Before(BaseModel):
    """The span of the same length just before."""

    documents: int
    judged: int
    negative: int


class Cell(BaseModel):
    """One bucket of a subject; `documents` includes what was not judged."""

    at: datetime
    documents: int
    judged: int
    negative: int


class HeatSubject(BaseModel):
    """A subject with its negative share and 95 % interval (Wilson); null, 0 and 1 where nothing was judged."""

    subject: str
    name: str
    documents: int
    judged: int
    negative: int
    share: float | None
    low: float
    high: float
    change: float | None = Field(description="Share now less share of the span before; null where one has none.")
    previous: Before
    cells: list[Cell]


class Heat(BaseModel):
    """Subjects with most negative documents first, then by share."""

    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    bucket_seconds: int
    subjects: list[HeatSubject]
    documents: int = Field(description="All documents of the span, whatever they are about.")
    oldest: datetime | None = Field(description="Collection of the oldest document there is, also before the span.")
    newest: datetime | None = Field(description="Of the newest, also after the span; null where there is none.")
    partial: bool = Field(description=PARTIAL)
    current: bool = Field(description=CURRENT)


class Totals(BaseModel):
    """Documents by class: judged are negative, neutral and positive; share is the negative ones among them."""

    documents: int
    judged: int
    negative: int
    neutral: int
    positive: int
    abstained: int
    unjudged: int
    share: float | None
    low: float = Field(description="Of the 95 % interval (Wilson) of the share.")
    high: float


class Point(Totals):
    """One bucket, from `at` on."""

    at: datetime


class Part(BaseModel):
    """Documents with one label. Of risks, `none` says: judged, and no such event; unjudged ones have no label."""

    label: str
    documents: int
    negative: int


class SourcePart(BaseModel):
    """Documents of one source."""

    source: str
    documents: int
    negative: int
    last: datetime | None


class LanguagePart(BaseModel):
    """Documents in one language."""

    lang: str
    documents: int
    negative: int


class Story(BaseModel):
    """Documents that tell the same, by the detector's own measure; the most negative stands for them."""

    document: str
    headline: str
    url: str
    source: str
    copies: int = Field(description="Documents.")
    authors: int
    sources: int
    first: datetime
    last: datetime
    negative: float | None = Field(description="Probability; towards the company asked about, where it was judged so.")
    sentiment: str
    topic: str
    risk: str
    documents: list[str] = Field(description="Ids of the earliest 20.")


class Subject(BaseModel):
    """One subject within a span, and just before."""

    subject: str
    name: str
    kind: str
    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    bucket_seconds: int
    totals: Totals
    previous: Totals
    stale: int = Field(description="Of the documents, those published long before they were collected.")
    series: list[Point]
    topics: list[Part]
    risks: list[Part]
    sources: list[SourcePart]
    languages: list[LanguagePart]
    stories: list[Story]
    stories_of: int = Field(description="Documents the stories were made of: the newest, 500 at most.")
    stories_cut: bool = Field(description="There are more documents: stories may be larger and older than shown.")
    partial: bool = Field(description=PARTIAL)
    current: bool = Field(description=CURRENT)


class Stories(BaseModel):
    """Stories within a span."""

    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    stories: list[Story]
    stories_of: int = Field(description="Documents the stories were made of: the newest, 500 at most.")
    stories_cut: bool = Field(description="There are more documents: stories may be larger and older than shown.")
    partial: bool = Field(description=PARTIAL)
    current: bool = Field(description=CURRENT)


class SubjectLine(BaseModel):
    """A subject in a list."""

    subject: str
    name: str
    kind: str
    documents: int
    judged: int
    negative: int
    share: float | None
    low: float
    high: float
    last: datetime


class SubjectPage(BaseModel):
    """Subjects, most documents first."""

    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    subjects: list[SubjectLine]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")
    partial: bool = Field(description=PARTIAL)


def shared(counts: Counts) -> dict[str, Any]:
    """The negative share with its interval."""
    share = counts.share
    if share is None:
        return {"share": None, "low": 0.0, "high": 1.0}
    return {"share": round(share.value, 4), "low": round(share.low, 4), "high": round(share.high, 4)}


def counted(counts: Counts) -> dict[str, Any]:
    """All classes with the share."""
    return {name: getattr(counts, name) for name in Counts.__slots__} | shared(counts)


def heat_subject(mover: Mover) -> HeatSubject:
    """A subject of the map."""
    now, before = mover.now, mover.before
    return HeatSubject(
        subject=mover.subject, name=mover.name, documents=now.documents, judged=now.judged, negative=now.negative,
        **shared(now), change=None if mover.change is None else round(mover.change, 4),
        previous=Before(documents=before.documents, judged=before.judged, negative=before.negative),
        cells=[Cell(at=at, documents=c.documents, judged=c.judged, negative=c.negative) for at, c in mover.cells],
    )  # fmt: skip


def parts_of(profile: Profile) -> dict[str, Any]:
    """What the documents are made of."""

    def label(group: Group) -> dict[str, Any]:
        return {"label": group.value, "documents": group.counts.documents, "negative": group.counts.negative}

    return {
        "topics": [label(each) for each in profile.parts["topic"]],
        "risks": [label(each) for each in profile.parts["risk"]],
        "sources": [label(each) | {"source": each.value, "last": each.last} for each in profile.parts["source"]],
        "languages": [label(each) | {"lang": each.value} for each in profile.parts["lang"]],
    }


def series_of(profile: Profile) -> list[Point]:
    """Bucket by bucket."""
    return [Point(at=at, **counted(counts)) for at, counts in profile.series]


def story(told: Told) -> Story:
    """A story as it is shown."""
    return Story(**{name: getattr(told, name) for name in Told.__slots__ if name != "documents"},
                 documents=list(told.documents))  # fmt: skip


def stories_of(found: Found, most: int) -> dict[str, Any]:
    """The stories told most, with what they were made of."""
    return {
        "stories": [story(each) for each in found.stories[:most]],
        "stories_of": found.read,
        "stories_cut": found.cut,
    }


def subject_lines(listed: Sequence[Listed]) -> list[SubjectLine]:
    """Subjects as a list shows them."""
    return [
        SubjectLine(
            subject=each.subject, name=each.name, kind=each.kind, documents=each.counts.documents,
            judged=each.counts.judged, negative=each.counts.negative, **shared(each.counts), last=each.last,
        )
        for each in listed
    ]  # fmt: skip
