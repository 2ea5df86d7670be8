"""Which documents are meant, as a query. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.opinion import words
from console.opinion.counts import class_clause
from console.opinion.names import KINDS, known
from console.opinion.span import Span
from streams.settings import Settings

Values = str | Sequence[str]  # a text is one value
# Facets by the field that each counts; sentiment has classes instead.
FIELDS: Final[Mapping[str, str]] = {
    "topic": "topic.label",
    "risk": "risk.label",
    "source": "source",
    "lang": "lang",
    "kind": "kind",
    "stale": "stale",
    "entity": "entities.id",
}


class NoSuchSubject(ValueError):  # noqa: N818 - what is wrong
    """The id of a subject has no kind, or one that documents do not have."""


@dataclass(frozen=True, slots=True)
class Filter:
    """All that is given must hold, of several values of one field any. Empty fields say nothing.

    `words`: as typed into a search box; `sentiment`: classes of `counts`.
    """

    subject: str = ""
    words: str = ""
    sentiment: Values = ()
    topic: Values = ()
    risk: Values = ()
    source: Values = ()
    lang: Values = ()
    kind: Values = ()
    stale: Values = ()

    @property
    def facets(self) -> dict[str, tuple[str, ...]]:
        """What is given beside the words, by name."""
        names = ("subject", "sentiment", *(name for name in FIELDS if name != "entity"))
        given = {name: getattr(self, name) for name in names}
        return {name: (of,) if isinstance(of, str) else tuple(of) for name, of in given.items() if of}


EVERYTHING: Final = Filter()


def checked_subject(subject: str) -> str:
    """The id, or NoSuchSubject: its kind is none that documents have, or nothing follows the colon."""
    kind, _, value = subject.partition(":")
    if kind not in KINDS or not value or (kind == "market" and value != "all"):
        raise NoSuchSubject(subject)
    return subject


def query(chosen: Filter, settings: Settings, span: Span | None = None) -> dict[str, Any]:
    """The documents that a filter means. Raises NoSuchSubject."""
    clauses = [facet_clause(name, values, settings) for name, values in chosen.facets.items()]
    if span is not None:
        clauses.append(span.clause)
    found: dict[str, Any] = {"filter": clauses}
    if chosen.words.strip():
        found["must"] = [words.query(words.parse(chosen.words))]
    return {"bool": found}


def facet_clause(name: str, values: Sequence[str], settings: Settings) -> dict[str, Any]:
    """The documents with any of these values of one facet."""
    if name == "subject":
        return subject_clause(values[0], settings)
    if name == "sentiment":
        return {"bool": {"should": [class_clause(value) for value in values], "minimum_should_match": 1}}
    return {"terms": {FIELDS[name]: list(values)}}


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
