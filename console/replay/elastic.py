"""The past out of Elasticsearch: documents as the index stage stored them, in order of collection.

The index keeps everything a mention is made of but the numbers of the MinHash. They are computed again from the stored
text; where that text was not to be kept, copies are recognised only when they are exact (`copy_key`), which is counted
and told. What the index does not know is when a document came: one that was late when it was live counts in time here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
from elasticsearch import ApiError, AsyncElasticsearch, BadRequestError, NotFoundError
from msgspec import Struct

from alerts.evaluation.result import Note
from alerts.replay.playback import ARCHIVE
from console.messages import say
from console.replay.source import Batch, Faults, Notes, SourceError
from console.replay.span import Span
from streams import clock
from streams import elastic as es
from streams.document import joined
from streams.index import AS_IS
from streams.plain import plain
from streams.records import Document, Reject
from streams.settings import Settings
from streams.signature import ALGORITHM, sign

PAGE: Final = 500
KEEP: Final = "10m"  # how long a point in time waits for the next page; a later one opens another
ORDER: Final[list[Mapping[str, Any]]] = [
    {"collected_at": {"order": "asc", "unmapped_type": "date"}},
    {"id": {"order": "asc", "unmapped_type": "keyword"}},
    {"_index": "asc"},
]

Hit = tuple[list[Any], Mapping[str, Any]]


class Place(Struct):
    """Where to go on: behind the document with these sort values. `until`: what was indexed later is left out."""

    until: datetime
    after: list[Any] | None = None
    read: int = 0
    unsigned: int = 0  # documents without the text that was signed
    other: int = 0  # documents signed by another algorithm
    faults: dict[str, Faults] = {}


def document_of(source: Mapping[str, Any]) -> Document:
    """The record that `streams.index.document_source` stored. Raises Reject for what is none."""
    try:
        built: dict[str, Any] = {name: source[name] for name in AS_IS}
        built["expires_at"] = source.get("expires_at")  # an earlier version did not keep it
        built["masked"] = {each["kind"]: each["count"] for each in source["masked"]}
        built["signature"] = _signature(source)
        built["judgement"] = _judgement(source) if source["judged"] else None
        return msgspec.convert(built, Document)
    except KeyError as error:
        raise Reject("bad_schema", f"the stored document has no {error}") from None
    except (msgspec.ValidationError, TypeError, AttributeError) as error:
        raise Reject("bad_schema", str(error)) from None


def _signature(source: Mapping[str, Any]) -> dict[str, Any]:
    """Of the stored text, when that is the one that was signed; else what is known of it: the key of exact copies."""
    found = sign(joined(source["title"], source["text"]), source["lang"])
    if found.copy_key == source["copy_key"]:
        return msgspec.structs.asdict(found)
    return {"copy_key": source["copy_key"]}


def _judgement(source: Mapping[str, Any]) -> dict[str, Any]:
    sentiment = dict(source["sentiment"])
    sentiment.pop("label")
    return {
        "abstained": sentiment.pop("abstained"),
        "sentiment": sentiment,
        "topic": {source["topic"]["label"]: source["topic"]["confidence"]},
        "risk": {source["risk"]["label"]: source["risk"]["confidence"]},
        "model": source["model"]["name"],
        "version": source["model"]["version"],
    }


class ElasticSource:
    """Documents of an index pattern. Nothing is written; a point in time keeps pages apart from what is indexed now."""

    channels: Collection[str] = (ARCHIVE,)

    def __init__(
        self,
        settings: Settings,
        url: str,
        pattern: str,
        span: Span,
        query: str = "",
        only: Sequence[Mapping[str, Any]] = (),
        wait: float | None = None,
    ) -> None:
        """`pattern`: of indices; empty for those of the installation. `query`: words as in a search box, looked for in
        titles and texts. `only`: clauses of a search, all of which must hold. `wait`: seconds for one answer, where
        somebody waits for it."""
        self.name = f"elasticsearch:{pattern or es.pattern(settings, 'documents')}"
        self.notes = Notes()
        self._settings = settings
        self._url = url
        self._pattern = pattern or es.pattern(settings, "documents")
        self._span = span
        self._query = query
        self._only = only
        self._wait = wait

    async def items(self, position: str = "") -> AsyncGenerator[Batch, None]:
        """All documents after `position`, in order of collection. The first batch is empty: it holds what is read.

        Raises SourceError for a pattern without indices, a query that Elasticsearch refuses, another one's position.
        """
        place = self._place(position) if position else Place(clock.now())
        self.notes.read, self.notes.faults = place.read, place.faults
        yield Batch(position=_words(place))
        async with self._search(place) as search, aclosing(search.moments()) as moments:
            self.notes.total = await search.count()
            async for hits in moments:
                documents = [d for _, source in hits if (d := self._document(source, place)) is not None]
                documents.sort(key=lambda document: (document.collected_at, document.id))
                place.after, place.read = hits[-1][0], place.read + len(hits)
                self.notes.read = place.read
                yield Batch(documents=documents, position=_words(place))
        self._tell(place)

    @asynccontextmanager
    async def _search(self, place: Place) -> AsyncIterator[_Search]:
        elastic = es.client(self._settings, self._url)
        if self._wait is not None:
            elastic = elastic.options(request_timeout=self._wait)
        try:
            await self._check(elastic)
            yield _Search(elastic, self._pattern, self._wanted(place.until), place.after)
        except BadRequestError as error:
            raise SourceError(say("replay_elastic.search", error=error.error)) from None
        except ApiError as error:
            if error.status_code not in (401, 403):
                raise
            raise SourceError(say("replay_elastic.refused", error=error.error)) from None
        finally:
            await elastic.close()

    async def _check(self, elastic: AsyncElasticsearch) -> None:
        """Make what was indexed by now visible. SourceError when there is nothing of that name."""
        try:
            found = await elastic.indices.resolve_index(name=self._pattern)
        except NotFoundError:
            found = None
        if found is None or not (found["indices"] or found["aliases"] or found["data_streams"]):
            raise SourceError(say("replay_elastic.missing", pattern=plain(self._pattern, 128)))
        await elastic.indices.refresh(index=self._pattern, ignore_unavailable=True)

    def _wanted(self, until: datetime) -> dict[str, Any]:
        between = {
            name: at.isoformat() for name, at in (("gte", self._span.begin), ("lt", self._span.end)) if at is not None
        }
        filters: list[Mapping[str, Any]] = [{"range": {"indexed_at": {"lte": until.isoformat()}}}, *self._only]
        if between:
            filters.append({"range": {"collected_at": between}})
        if self._query:
            words = {"query": self._query, "fields": ["title", "text"], "default_operator": "and"}
            filters.append({"simple_query_string": words})
        return {"bool": {"filter": filters}}

    def _document(self, source: Mapping[str, Any], place: Place) -> Document | None:
        try:
            document = document_of(source)
        except Reject as reject:
            self.notes.fault(reject.reason, plain(f"{source.get('id')}: {reject}", 300))
            return None
        if not self._span.holds(document.collected_at):  # the index cuts times to milliseconds
            return None
        place.unsigned += not document.signature.algorithm
        place.other += source.get("minhash_algorithm", "") != ALGORITHM
        return document

    def _place(self, position: str) -> Place:
        try:
            return msgspec.json.decode(position, type=Place)
        except ValueError as error:
            raise SourceError(say("replay_kafka.position", name=self.name, error=error)) from None

    def _tell(self, place: Place) -> None:
        self.notes.caveats[:] = [Note(code="in_time")]
        if place.unsigned:
            self.notes.caveats.append(Note(code="unsigned", values={"count": place.unsigned}))
        if place.other:
            self.notes.caveats.append(Note(code="other_signatures", values={"count": place.other}))


class _Search:
    """One search through a point in time that is opened anew when it was lost."""

    def __init__(
        self, elastic: AsyncElasticsearch, pattern: str, query: dict[str, Any], after: list[Any] | None
    ) -> None:
        self._elastic = elastic
        self._pattern = pattern
        self._query = query
        self._after = after
        self._id = ""

    async def count(self) -> int:
        """How many documents there are, whatever was read before."""
        answer = await self._elastic.count(index=self._pattern, query=self._query, ignore_unavailable=True)
        return int(answer["count"])

    async def moments(self) -> AsyncGenerator[list[Hit], None]:
        """All hits, those of one millisecond always together: the index knows no finer time to sort by."""
        held: list[Hit] = []
        try:
            while page := await self._page():
                self._after = page[-1][0]
                held += page
                last = held[-1][0][0]
                whole = [hit for hit in held if hit[0][0] != last]
                held = held[len(whole) :]
                if whole:
                    yield whole
            if held:
                yield held
        finally:
            if self._id:
                await self._elastic.options(ignore_status=404).close_point_in_time(id=self._id)

    async def _page(self) -> list[Hit]:
        try:
            answer = await self._ask()
        except NotFoundError:
            if not self._id:
                raise
            self._id = ""  # it was lost: a node started again, or this replay was paused for long
            answer = await self._ask()
        self._id = answer["pit_id"]
        return [(hit["sort"][: len(ORDER)], hit["_source"]) for hit in answer["hits"]["hits"]]

    async def _ask(self) -> Any:
        if not self._id:
            opened = await self._elastic.open_point_in_time(
                index=self._pattern, keep_alive=KEEP, ignore_unavailable=True
            )
            self._id = opened["id"]
        return await self._elastic.search(
            pit={"id": self._id, "keep_alive": KEEP},
            query=self._query,
            sort=ORDER,
            search_after=self._after,
            size=PAGE,
            track_total_hits=False,
        )


def _words(place: Place) -> str:
    return msgspec.json.encode(place).decode()
