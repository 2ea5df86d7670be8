"""Documents found by words and facets, page by page; one of them whole; and those that are like it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from console.opinion import words
from console.opinion.asking import Missing, ask
from console.opinion.documents import WITHOUT_TEXT, Segment, beginning, highlighting, segments
from console.opinion.facets import Value, called, faceting, read_facets
from console.opinion.filters import EVERYTHING, Filter, query
from console.opinion.names import company_names
from console.opinion.places import ORDERS, Sort
from console.opinion.span import Span
from streams.document import joined
from streams.settings import Settings

EXACT: Final = 10_000  # documents up to which their number is exact
READ: Final = 2000  # characters of a document that others are compared with
LEAST_ALIKE: Final = 0.1  # of a document's own score: below, two texts share a few common words


@dataclass(frozen=True, slots=True)
class Found:
    """One document with the parts of it that are shown. `source` is what the index holds."""

    source: Mapping[str, Any]
    title: Sequence[Segment]
    excerpt: Sequence[Segment]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents, how many there are, and the place behind the last; `facets` on the first page only."""

    documents: list[Found]
    total: int = 0
    exact: bool = True
    facets: dict[str, list[Value]] | None = None
    after: list[Any] | None = field(default=None)  # None: there are no more


async def page(
    elastic: AsyncElasticsearch, settings: Settings, span: Span | None, chosen: Filter, *,
    sort: Sort = "newest", limit: int = 20, after: list[Any] | None = None, nonce: str, missing: Missing | None = None,
) -> Page:  # fmt: skip
    """One page. Facets are a search of their own, which the index answers from its cache while nothing arrives."""
    asked = ask(elastic, settings, searching(settings, span, chosen, sort, limit, after, nonce), missing)
    if after is not None:
        return read_page(await asked, limit, nonce)
    answer, facets = await asyncio.gather(asked, _facets(elastic, settings, span, chosen, missing))
    found = read_page(answer, limit, nonce)
    return Page(found.documents, found.total, found.exact, facets, found.after)


def searching(
    settings: Settings, span: Span | None, chosen: Filter, sort: Sort, limit: int, after: list[Any] | None, nonce: str
) -> dict[str, Any]:
    """The search for one page, and for one document more, which tells whether there is another."""
    shown = words.shown(words.parse(chosen.words))
    body: dict[str, Any] = {
        "size": limit + 1,
        "query": query(chosen, settings, span),
        "sort": ORDERS[sort],
        "track_total_hits": EXACT,
        "track_scores": False,
        "_source": list(WITHOUT_TEXT) if shown else [*WITHOUT_TEXT, "text"],
    }
    if shown:
        body["highlight"] = highlighting(shown, nonce)
    if after is not None:
        body["search_after"] = after
    return body


def read_page(answer: Mapping[str, Any], limit: int, nonce: str) -> Page:
    """The answer to `searching`."""
    listed = answer.get("hits", {})
    hits = listed.get("hits", [])
    total = listed.get("total", {"value": 0, "relation": "eq"})
    after = hits[limit - 1]["sort"] if len(hits) > limit else None
    found = [read_hit(hit, nonce) for hit in hits[:limit]]
    return Page(found, int(total["value"]), total["relation"] == "eq", None, after)


def read_hit(hit: Mapping[str, Any], nonce: str = "", score: float | None = None) -> Found:
    """One document: with hits marked where they were looked for, else as it begins."""
    source, marked = hit["_source"], hit.get("highlight", {})
    title: list[Segment] = [(source["title"], False)] if source["title"] else []
    if "title" in marked:
        title = segments(marked["title"], nonce)
    excerpt = segments(marked["text"], nonce) if "text" in marked else beginning(source.get("text", ""))
    return Found(source, title, excerpt, score)


async def _facets(
    elastic: AsyncElasticsearch, settings: Settings, span: Span | None, chosen: Filter, missing: Missing | None
) -> dict[str, list[Value]]:
    looked_for = Filter(words=chosen.words)
    body = {"size": 0, "query": query(looked_for, settings, span), "aggs": faceting(chosen, settings)}
    answer = await ask(elastic, settings, body, missing)
    facets = read_facets(answer.get("aggregations", {}))
    ids = [each.value for each in facets["subject"]]
    return called(facets, await company_names(elastic, settings, ids, missing))


async def document(
    elastic: AsyncElasticsearch, settings: Settings, name: str, missing: Missing | None = None
) -> Mapping[str, Any] | None:
    """What the index holds of one document, with `_index`; None when it holds none.

    One id may lie in two indices, when a later copy stated another time of publication: then the one written last.
    """
    body = {
        "size": 1,
        "query": {"ids": {"values": [name]}},
        "sort": [{"indexed_at": "desc"}],
        "_source": [*WITHOUT_TEXT, "text", "copy_key"],
    }
    hits = (await ask(elastic, settings, body, missing)).get("hits", {}).get("hits", [])
    return {**hits[0]["_source"], "_index": hits[0]["_index"]} if hits else None


async def similar(
    elastic: AsyncElasticsearch, settings: Settings, of: Mapping[str, Any], limit: int = 10,
    missing: Missing | None = None,
) -> list[Found]:  # fmt: skip
    """Documents that share the words which set this one apart, the most alike first, each wording once.

    `score`: relative to how well the document matches itself, so 1 says the same in the same words. Companies and
    language are not asked for: they are among the words.
    """
    body = {
        "size": limit + 1,
        "query": {"bool": {"must": [alike(of)], "filter": [query(EVERYTHING, settings)]}},
        "collapse": {"field": "copy_key"},
        "track_total_hits": False,
        "_source": [*WITHOUT_TEXT, "text", "copy_key"],
    }
    hits = (await ask(elastic, settings, body, missing)).get("hits", {}).get("hits", [])
    best = max((hit["_score"] for hit in hits), default=1.0)
    others = [read_hit(hit, score=round(hit["_score"] / best, 3)) for hit in hits if not _copy(hit, of)]
    return [each for each in others[:limit] if (each.score or 0.0) >= LEAST_ALIKE]


def _copy(hit: Mapping[str, Any], of: Mapping[str, Any]) -> bool:
    return bool(hit["_source"]["copy_key"] == of["copy_key"])


def alike(of: Mapping[str, Any]) -> dict[str, Any]:
    """The query for documents like a stored one, in what either says in title or text. See More Like This of Lucene.

    A text is given, not the document: of that Lucene looks for words of the title in titles only, and chat has none.
    """
    text = joined(of["title"], of["text"])[:READ]
    return {"dis_max": {"queries": [_more_like(text, field) for field in ("title", "text")], "tie_breaker": 0.3}}


def _more_like(text: str, field: str) -> dict[str, Any]:
    return {
        "more_like_this": {
            "fields": [field],
            "like": text,
            "min_term_freq": 1,
            "min_doc_freq": 1,
            "max_query_terms": 25,
            "minimum_should_match": "30%",
        }
    }
