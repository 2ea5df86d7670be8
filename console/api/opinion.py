"""Routes about opinions: which subjects people speak ill of, which there are, and one of them in full."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query

from console.api import opinion_shapes as shapes
from console.api.access import Reader
from console.api.context import Context
from console.api.errors import ApiError
from console.api.spans import Day, Week
from console.opinion import places
from console.opinion.asking import Missing
from console.opinion.filters import EVERYTHING, Filter, NoSuchSubject, checked_subject
from console.opinion.movers import movers
from console.opinion.names import subject_name
from console.opinion.profile import profile
from console.opinion.span import Span, bucket_for
from console.opinion.stories import Stories, stories
from console.opinion.subjects import Listed, subjects
from console.opinion.totals import reach, totals

COLUMNS: Final = 48  # buckets of the map
STORIES: Final = 50  # shown
TOLD: Final = 500  # documents that the stories of a page are made of: of twice as many it takes twice as long
Kinds = Literal["", "entity", "topic", "list", "source", "market"]
Whole = Annotated[
    bool, Query(alias="stories", description="false: quicker, with `stories` empty; GET /stories gives them.")
]
SubjectId = Annotated[str, Path(max_length=300, description="Id with its kind: entity:AAPL, topic:legal, market:all")]


def subject_of(subject: str) -> str:
    """The id as it was given. Raises ApiError `subject_unknown` for a kind that documents do not have."""
    try:
        return checked_subject(subject)
    except NoSuchSubject:
        raise ApiError(404, "subject_unknown") from None


class Opinion:
    """The routes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def router(self) -> APIRouter:
        """Under /api/v1."""
        router = APIRouter(tags=["opinion"])
        router.add_api_route("/heat", self.heat, methods=["GET"])
        router.add_api_route("/subjects", self.all, methods=["GET"])
        router.add_api_route("/subjects/{subject:path}", self.subject, methods=["GET"])
        router.add_api_route("/stories", self.stories, methods=["GET"])
        return router

    async def heat(
        self,
        _: Reader,
        asked: Day,
        limit: Annotated[int, Query(ge=1, le=100)] = 30,
        kind: Annotated[Literal["entity", "topic", "source"], Query()] = "entity",
    ) -> shapes.Heat:
        """Subjects bucket by bucket: those with most negative documents first, then those with the larger share."""
        span, missing = asked(self._context.now()), Missing()
        bucket = bucket_for(span, COLUMNS)
        async with self._context.elastic() as elastic:
            found, every, (oldest, newest) = await asyncio.gather(
                movers(elastic, self._context.settings, span, kind, limit, bucket, missing),
                totals(elastic, self._context.settings, span, EVERYTHING, missing),
                reach(elastic, self._context.settings, missing),
            )
        return shapes.Heat(
            begin=span.begin,
            end=span.end,
            bucket_seconds=round(bucket.total_seconds()),
            subjects=[shapes.heat_subject(each) for each in found],
            documents=every.documents,
            oldest=oldest,
            newest=newest,
            partial=missing.any,
            current=self._context.feed.current,
        )

    async def all(
        self,
        _: Reader,
        asked: Week,
        q: Annotated[str, Query(max_length=100, description="Part of a name, another name, a code or an id.")] = "",
        kind: Annotated[Kinds, Query()] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str, Query(max_length=places.LONGEST)] = "",
    ) -> shapes.SubjectPage:
        """Subjects that documents of the span are about, most documents first; of companies the thousand told most."""
        missing = Missing()
        span, after = _place(asked(self._context.now()), cursor)
        async with self._context.elastic() as elastic:
            found = await subjects(elastic, self._context.settings, span, kind, q, missing)
        left = [each for each in found if after is None or _rank(each) > after]
        more = len(left) > limit
        end = round(span.end.timestamp() * 1000)
        following = (end, left[limit - 1].counts.documents, left[limit - 1].subject) if more else ()
        return shapes.SubjectPage(
            begin=span.begin,
            end=span.end,
            subjects=shapes.subject_lines(left[:limit]),
            next=places.write("subjects", following) if more else None,
            partial=missing.any,
        )

    async def subject(self, _: Reader, subject: SubjectId, asked: Week, whole: Whole = True) -> shapes.Subject:
        """One subject: its documents by tone, bucket by bucket, what they are made of, and the stories they tell.

        Documents count by their own sentiment, also where they name several companies.
        """
        chosen, missing = Filter(subject=subject_of(subject)), Missing()
        span = asked(self._context.now())
        bucket, settings = bucket_for(span), self._context.settings
        async with self._context.elastic() as elastic:
            name, found, told = await asyncio.gather(
                subject_name(elastic, settings, subject, missing),
                profile(elastic, settings, span, chosen, bucket, missing),
                stories(elastic, settings, span, chosen, TOLD, missing) if whole else _untold(),
            )
        return shapes.Subject(
            subject=subject,
            name=name,
            kind=subject.partition(":")[0],
            begin=span.begin,
            end=span.end,
            bucket_seconds=round(bucket.total_seconds()),
            totals=shapes.Totals(**shapes.counted(found.now)),
            previous=shapes.Totals(**shapes.counted(found.before)),
            stale=found.stale,
            series=shapes.series_of(found),
            **shapes.parts_of(found),
            **shapes.stories_of(told, STORIES),
            partial=missing.any,
            current=self._context.feed.current,
        )

    async def stories(
        self, _: Reader, asked: Week, subject: Annotated[str, Query(max_length=300)] = "market:all"
    ) -> shapes.Stories:
        """The stories that the newest documents of a subject tell, those told most first."""
        chosen, missing = Filter(subject=subject_of(subject)), Missing()
        span = asked(self._context.now())
        async with self._context.elastic() as elastic:
            told = await stories(elastic, self._context.settings, span, chosen, TOLD, missing)
        return shapes.Stories(
            begin=span.begin,
            end=span.end,
            **shapes.stories_of(told, STORIES),
            partial=missing.any,
            current=self._context.feed.current,
        )


async def _untold() -> Stories:
    """No stories, where none are asked for."""
    return Stories([], 0, 0, False)


def _rank(each: Listed) -> tuple[int, str]:
    return -each.counts.documents, each.subject


def _place(span: Span, cursor: str) -> tuple[Span, tuple[int, str] | None]:
    """The span and where to go on: every page ends where the first did, so that nothing moves between them."""
    if not cursor:
        return span, None
    try:
        end, documents, subject = places.read("subjects", cursor)
    except places.NoCursor:
        raise ApiError(400, "bad_cursor") from None
    at = datetime.fromtimestamp(end / 1000, UTC)
    return Span(at - span.length, at), (-documents, subject)


def router(context: Context) -> APIRouter:
    """The routes of this area."""
    return Opinion(context).router()
