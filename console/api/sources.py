"""The sources: what each brought, and whether it answers and speaks as it is used to."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.api.access import Reader
from console.api.context import Context
from console.api.lately import Lately
from console.api.opinion_shapes import PARTIAL
from console.api.spans import Day
from console.opinion.asking import Missing
from console.opinion.sources import Brought, brought
from console.opinion.span import bucket_for
from console.watch.standing import Standing, State, standing, state_of, usual_gap

FRESH: Final = 5.0  # seconds for which what files and metrics said is handed out
COLUMNS: Final = 48


class Amount(BaseModel):
    """Documents of one bucket, from `at` on."""

    at: datetime
    documents: int


class Source(BaseModel):
    """One source. What the index does not know yet is null: nothing came of this feed within thirty days."""

    source: str
    kind: str
    languages: list[str]
    documents: int
    judged: int = Field(description="Those with a sentiment, of which `negative` is a share.")
    negative: int
    last: datetime | None
    gap_seconds: float | None = Field(description="Since its newest document was collected.")
    usual_gap_seconds: float | None = Field(description="Median between arrivals, once the watcher knows a habit.")
    state: State = Field(
        description="By the watcher's own measure. unknown: no watcher looks, or it is not a feed and brought nothing "
        "for as long as silence would be told."
    )
    rejected: int | None = Field(description="Items refused since `collect` started; null where it does not tell.")
    retention_days: int | None
    may_train: bool | None
    series: list[Amount]


class SourceList(BaseModel):
    """Feeds of the settings, and what brought a document within the last thirty days."""

    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    bucket_seconds: int
    sources: list[Source]
    partial: bool = Field(description=PARTIAL)


class Sources:
    """The route."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._standing = Lately(lambda: standing(context.settings), FRESH, time.monotonic)

    def router(self) -> APIRouter:
        """Under /api/v1."""
        router = APIRouter(tags=["sources"])
        router.add_api_route("/sources", self.all, methods=["GET"])
        return router

    async def all(self, _: Reader, asked: Day) -> SourceList:
        """Every source by name: numbers of the span, its state now."""
        span, missing, settings = asked(self._context.now()), Missing(), self._context.settings
        bucket = bucket_for(span, COLUMNS)
        known = await self._standing.get()
        async with self._context.elastic() as elastic:
            found = {each.source: each for each in await brought(elastic, settings, span, bucket, missing)}
        names = sorted(found.keys() | known.feeds)
        return SourceList(
            begin=span.begin,
            end=span.end,
            bucket_seconds=round(bucket.total_seconds()),
            sources=[self._source(name, found.get(name), known) for name in names],
            partial=missing.any,
        )

    def _source(self, name: str, found: Brought | None, known: Standing) -> Source:
        now = self._context.now()
        last = None if found is None else found.last
        said: dict[str, Any] = {
            "source": name,
            "last": last,
            "gap_seconds": None if last is None else max(0.0, round((now - last).total_seconds(), 1)),
            "usual_gap_seconds": usual_gap(known, name),
            "state": state_of(known, self._context.settings, name, last, now),
            "rejected": known.rejected.get(name),
        }
        if found is None:
            nothing: dict[str, Any] = {
                "kind": "",
                "languages": [],
                "documents": 0,
                "judged": 0,
                "negative": 0,
                "series": [],
            }
            return Source(**said, **nothing, retention_days=None, may_train=None)
        return Source(
            **said,
            kind=found.kind,
            languages=list(found.languages),
            documents=found.counts.documents,
            judged=found.counts.judged,
            negative=found.counts.negative,
            retention_days=found.retention_days,
            may_train=found.may_train,
            series=[Amount(at=at, documents=counts.documents) for at, counts in found.series],
        )


def router(context: Context) -> APIRouter:
    """The routes of this area."""
    return Sources(context).router()
