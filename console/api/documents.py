"""Routes about documents: found by words and facets, one in full, those like it, and what people say of its labels."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import StringConstraints

from console import feedback
from console.api import documents_shapes as shapes
from console.api.access import Operator, Reader
from console.api.context import Context
from console.api.errors import AGAIN, ApiError
from console.api.opinion import subject_of
from console.api.spans import From, To, open_span
from console.opinion import places, search
from console.opinion.asking import Missing
from console.opinion.counts import Class
from console.opinion.filters import Filter
from console.opinion.words import LONGEST
from models.labels import HEADS
from streams.records import Kind

VALUES: Final = 30  # of one facet at once
DocumentId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="As lists and alerts show it.")]
Value = Annotated[str, StringConstraints(max_length=256)]
Values = Annotated[list[Value], Query(max_length=VALUES, description="Several: any of them.")]
Q = Annotated[
    str,
    Query(
        max_length=LONGEST,
        description='All words must be in title or text; "quotes" keep words together, - in front leaves out.',
    ),
]


def chosen(
    q: Q = "",
    subject: Annotated[str, Query(max_length=300, description="entity:ID, topic:LABEL, list:NAME, …")] = "",
    topic: Values = [],  # noqa: B006 - FastAPI copies it
    risk: Values = [],  # noqa: B006
    sentiment: Annotated[list[Class], Query(max_length=5)] = [],  # noqa: B006
    source: Values = [],  # noqa: B006
    lang: Values = [],  # noqa: B006
    kind: Annotated[list[Kind], Query(max_length=2)] = [],  # noqa: B006
    stale: Annotated[list[Literal["fresh", "stale", "unknown"]], Query(max_length=3)] = [],  # noqa: B006
) -> Filter:
    """What a caller looks for."""
    return Filter(
        subject_of(subject) if subject else "", q, sentiment, topic, risk, source, lang, kind, stale
    )  # fmt: skip


class Documents:
    """The routes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def router(self) -> APIRouter:
        """Under /api/v1."""
        router = APIRouter(tags=["documents"])
        router.add_api_route("/documents", self.all, methods=["GET"])
        router.add_api_route("/documents/{document}", self.one, methods=["GET"])
        router.add_api_route("/documents/{document}/similar", self.similar, methods=["GET"])
        router.add_api_route("/documents/{document}/label", self.label, methods=["POST"], status_code=201)
        return router

    async def all(
        self,
        _: Reader,
        wanted: Annotated[Filter, Depends(chosen)],
        begin: From = None,
        end: To = None,
        sort: Annotated[
            places.Sort, Query(description="relevance: words in titles first, then the newest.")
        ] = "newest",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str, Query(max_length=places.LONGEST)] = "",
    ) -> shapes.DocumentPage:
        """Documents with all the words and facets given, page by page. Times are those of collection.

        No page repeats or skips a document, whatever arrives in between: what is new lies before the first page.
        """
        span, missing = open_span(begin, end), Missing()
        async with self._context.elastic() as elastic:
            found = await search.page(
                elastic, self._context.settings, span, wanted, sort=sort, limit=limit, after=_after(sort, cursor),
                nonce=secrets.token_hex(8), missing=missing,
            )  # fmt: skip
        return shapes.DocumentPage(
            documents=[shapes.document(each) for each in found.documents],
            total=shapes.Total(value=found.total, exact=found.exact),
            facets=shapes.facets(found.facets),
            next=None if found.after is None else places.write(sort, found.after),
            partial=missing.any,
        )

    async def one(self, _: Reader, document: DocumentId) -> shapes.Whole:
        """One document with its whole text."""
        return shapes.whole(await self._stored(document))

    async def similar(
        self, _: Reader, document: DocumentId, limit: Annotated[int, Query(ge=1, le=50)] = 10
    ) -> shapes.SimilarList:
        """Documents that share the words which set this one apart, each wording once."""
        stored, missing = await self._stored(document), Missing()
        async with self._context.elastic() as elastic:
            found = await search.similar(elastic, self._context.settings, stored, limit, missing)
        return shapes.SimilarList(documents=[shapes.similar(each) for each in found], partial=missing.any)

    async def label(self, caller: Operator, document: DocumentId, body: shapes.LabelRequest) -> shapes.Labelled:
        """Say what a label should be; of one person, document and head the latest counts. As `tocsin feedback add`."""
        if body.label not in HEADS[body.head]:
            raise ApiError(400, "label_unknown", head=body.head, labels=", ".join(HEADS[body.head]))
        async with self._context.elastic() as elastic:
            try:
                records = await feedback.said(
                    elastic, self._context.settings, document, {body.head: body.label}, caller.name, body.note,
                    self._context.now(),
                )  # fmt: skip
            except feedback.NoDocument:
                raise ApiError(404, "document_unknown") from None
        await self._context.desk.keep([feedback.outgoing(each) for each in records])
        return shapes.labelled(records[0])

    async def _stored(self, document: str) -> Mapping[str, Any]:
        missing = Missing()
        async with self._context.elastic() as elastic:
            found = await search.document(elastic, self._context.settings, document, missing)
        if found is None and missing.any:  # it may lie in the part that did not answer
            raise ApiError(503, "elasticsearch_away", AGAIN)
        if found is None:
            raise ApiError(404, "document_unknown")
        return found


def _after(sort: places.Sort, cursor: str) -> list[Any] | None:
    if not cursor:
        return None
    try:
        return places.read(sort, cursor)
    except places.NoCursor:
        raise ApiError(400, "bad_cursor") from None


def router(context: Context) -> APIRouter:
    """The routes of this area."""
    return Documents(context).router()
