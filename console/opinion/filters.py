"""Which documents are meant, as a query. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from console.opinion import words
from console.opinion.counts import class_clause
from console.opinion.names import KINDS, known
from console.opinion.span import Span
from streams.records import Kind
from streams.settings import Settings

STALE: Final = ("fresh", "stale", "unknown")
# Facets by the field that each counts; sentiment has classes instead, subject both.
FIELDS: Final[Mapping[str, str]] = {
    "topic": "topic.label",
    "risk": "risk.label",
    "source": "source",
    "lang": "lang",
    "kind": "kind",
    "entity": "entities.id",
}
DOCUMENT_KINDS: Final = get_args(Kind)


class NoSuchSubject(ValueError):  # noqa: N818 - what is wrong
    """The id of a subject has no kind, or one that documents do not have."""


@dataclass(frozen=True, slots=True)
class Filter:
    """All that is given must hold; empty fields say nothing. `sentiment`: a class of `counts`; `words`: as typed."""

    subject: str = ""
    words: str = ""
    sentiment: str = ""
    topic: str = ""
    risk: str = ""
    source: str = ""
    lang: str = ""
    kind: str = ""
    stale: str = ""

    @property
    def facets(self) -> dict[str, str]:
        """What is given beside the words, by name."""
        names = ("subject", "sentiment", *(name for name in FIELDS if name != "entity"), "stale")
        return {name: value for name in names if (value := getattr(self, name))}


EVERYTHING: Final = Filter()


def checked_subject(subject: str) -> str:
    """The id, or NoSuchSubject: its kind is none that documents have, or nothing follows the colon."""
    kind, _, value = subject.partition(":")
    if kind not in KINDS or not value or (kind == "market" and value != "all"):
        raise NoSuchSubject(subject)
    return subject


def query(chosen: Filter, settings: Settings, span: Span | None = None, but: Collection[str] = ()) -> dict[str, Any]:
    """The documents that a filter means, `but` for the facets named. Raises NoSuchSubject."""
    clauses = [facet_clause(name, value, settings) for name, value in chosen.facets.items() if name not in but]
    if span is not None:
        clauses.append(span.clause)
    found: dict[str, Any] = {"filter": clauses}
    if chosen.words.strip():
        found["must"] = [words.query(words.parse(chosen.words))]
    return {"bool": found}


def facet_clause(name: str, value: str, settings: Settings) -> dict[str, Any]:
    """The documents with one value of one facet."""
    if name == "subject":
        return subject_clause(value, settings)
    if name == "sentiment":
        return class_clause(value)
    return {"term": {FIELDS.get(name, name): value}}


def subject_clause(subject: str, settings: Settings) -> dict[str, Any]:
    """The documents about a subject. Of a list: those that name a company which is in it today."""
    kind, _, value = checked_subject(subject).partition(":")
    match kind:
        case "entity":
            return {"term": {"entities.id": value}}
        case "topic":
            return {"term": {"topic.label": value}}
        case "source":
            return {"term": {"source": value}}
        case "list":
            return {"terms": {"entities.id": sorted(known(settings).lists.get(value, frozenset()))}}
    return {"match_all": {}}
