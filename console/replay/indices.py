"""The indices a replay may fill, for Kibana: names that no live index can have, records marked, ids that repeat.

This is the one place where a replay writes to Elasticsearch. An index is called
`replay.[NAMESPACE.]NAME.documents-2026.03` (or `.alerts-2026`): live ones begin with a namespace, which holds no dot,
and so does every pattern of theirs; hence no name made here matches one. Each index is made by us before it is written
to and carries the mark MARK in its mapping: what lacks the mark, or is an alias, is refused and never removed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from elastic_transport import ConnectionError as ElasticConnectionError
from elastic_transport import ConnectionTimeout
from elasticsearch import ApiError, AsyncElasticsearch, BadRequestError

from console.messages import say
from streams import clock
from streams import elastic as es
from streams.index import BUSY, CONFLICT, alert_source, check_document, document_source, document_version
from streams.kafka import FIRST_PAUSE, LONGEST_PAUSE
from streams.plain import plain
from streams.records import AlertEvent, Document, Reject
from streams.retention import kept_until
from streams.settings import Settings

FIRST: Final = es.REPLAY
MARK: Final = es.REPLAY_MARK  # key in `_meta` of the mapping
NAME: Final = re.compile(es.REPLAY_NAME)
ENDS: Final = {"documents": es.DOCUMENTS_END, "alerts": r"alerts-\d{4}"}
ITEMS: Final = 500  # of one bulk request, at most
BYTES: Final = 4 * 1024 * 1024
PATIENCE: Final = 60.0  # seconds that a busy or absent Elasticsearch is waited for

Kind = Literal["documents", "alerts"]
_encoder = msgspec.json.Encoder()


class IntoRefused(ValueError):  # noqa: N818 - what happened
    """These indices cannot be filled or removed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the indices of one replay are called. Raises IntoRefused for a name that cannot be one."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or self.name.startswith(tuple(ENDS)):
            raise IntoRefused(say("replay_into.name", name=plain(self.name, 64)))

    @property
    def prefix(self) -> str:
        """What all of them begin with."""
        return ".".join(part for part in (FIRST, self.namespace, self.name) if part) + "."

    def pattern(self, kind: Kind) -> str:
        """Pattern of all of one kind, for a data view in Kibana."""
        return f"{self.prefix}{kind}-*"

    def index(self, live: str, namespace: str) -> str:
        """The replay's own index in place of a live one, whose name begins with the namespace."""
        found = self.prefix + live.removeprefix(namespace)
        if not self.owns(found):
            raise IntoRefused(say("replay_into.name", name=plain(found, 64)))
        return found

    def owns(self, index: str) -> bool:
        """Whether exactly this replay has an index of this name."""
        end = index.removeprefix(self.prefix)
        return index.startswith(self.prefix) and any(re.fullmatch(each, end) for each in ENDS.values())


@dataclass(slots=True)
class Filled:
    """What was written: `unchanged` were there already, `expired` are past their retention; `refused` by reason, with
    the first ids."""

    written: int = 0
    unchanged: int = 0
    expired: int = 0
    refused: int = 0
    first_refused: str = ""


class ReplayIndices:
    """Fills the indices of one replay; `filling` opens and closes it. A second run writes nothing new."""

    def __init__(self, settings: Settings, elastic: AsyncElasticsearch, name: str, fingerprint: str) -> None:
        """`fingerprint`: of everything that decides the result; indices of another one are refused, not mixed."""
        self.names = Names(settings.namespace, name)
        self.filled = Filled()
        self._settings = settings
        self._elastic = elastic
        self._meta = {MARK: {"name": name, "fingerprint": fingerprint}}
        self._made: set[str] = set()
        self._lines: list[Any] = []  # encoded, as the client takes them
        self._bytes = 0

    async def check(self) -> None:
        """Raise IntoRefused when any index or alias of these names is not of this very replay."""
        for index, found in (await _existing(self._elastic, self.names)).items():
            self._check(index, index, found)
            self._made.add(index)

    async def add_document(self, document: Document) -> None:
        """Take in a document; a later version of it replaces an earlier one, as in the live index, and what is past its
        retention is left out as there."""
        now = clock.now()
        try:
            check_document(document, now)
        except Reject as reject:
            self._refuse(document.id, str(reject))
            return
        if kept_until(document, now) <= now:
            self.filled.expired += 1
            return
        live = es.documents_index(self._settings, document.published_at, document.collected_at)
        source = document_source(document, now) | {"replay": True}
        await self._add("documents", live, document.id, document_version(document), source)

    async def add_alert(self, event: AlertEvent) -> None:
        """Take in an alert event. Raises ValueError for one that is not marked as replayed."""
        if not event.replay:
            raise ValueError(f"the alert event {event.id} is not marked `replay`")
        live = es.alerts_index(self._settings, event.at)
        await self._add("alerts", live, event.id, 1, alert_source(event, clock.now()))

    async def flush(self) -> None:
        """Write what was taken in. Waits up to PATIENCE for a busy Elasticsearch, then raises what it said."""
        pause, waited = FIRST_PAUSE, 0.0
        while self._lines:
            try:
                answer = await self._elastic.bulk(
                    operations=self._lines, filter_path="items.*.status,items.*._id,items.*.error.type"
                )
                self._lines = self._again(answer["items"])
                if not self._lines:
                    break
                fault: Exception = TimeoutError("Elasticsearch stays too busy to take the records")
            except (ElasticConnectionError, ConnectionTimeout) as error:
                fault = error
            except ApiError as error:
                if error.status_code not in BUSY:
                    raise
                fault = error
            if waited >= PATIENCE:
                raise fault
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)
        self._bytes = 0

    async def _add(self, kind: Kind, live: str, name: str, version: int, source: Mapping[str, Any]) -> None:
        index = self.names.index(live, es.prefix(self._settings))
        if index not in self._made:
            await self._make(kind, index)
        head = {"index": {"_index": index, "_id": name, "version": version, "version_type": "external"}}
        pair = _encoder.encode(head), _encoder.encode(source)
        self._lines += pair
        self._bytes += sum(map(len, pair))
        if len(self._lines) >= 2 * ITEMS or self._bytes >= BYTES:
            await self.flush()

    async def _make(self, kind: Kind, index: str) -> None:
        """Make an index with the mapping of its live like. Raises IntoRefused when something else has its name."""
        shape = es.shape(kind)
        mappings = shape["mappings"] | {"_meta": self._meta}
        mappings["properties"] |= {"replay": {"type": "boolean"}}
        try:
            await self._elastic.indices.create(index=index, settings=shape["settings"], mappings=mappings)
        except BadRequestError:  # it is there, or an alias is
            found = await self._elastic.indices.get(index=index)
            for name, body in found.items():
                self._check(index, name, body)
        self._made.add(index)

    def _check(self, asked: str, found: str, body: Mapping[str, Any]) -> None:
        mark = _mark(body)
        if asked != found or not self.names.owns(found) or mark.get("name") != self.names.name:
            raise IntoRefused(say("replay_into.foreign", index=asked))
        if mark != self._meta[MARK]:
            raise IntoRefused(say("replay_into.other", index=asked, name=self.names.name))

    def _again(self, items: list[Any]) -> list[Any]:
        """Count the outcomes; the lines of those that must be written again."""
        left: list[Any] = []
        for at, item in enumerate(items):
            outcome = item["index"]
            status = int(outcome["status"])
            if status < 300:
                self.filled.written += 1
            elif status == CONFLICT:
                self.filled.unchanged += 1
            elif status in BUSY:
                left += self._lines[2 * at : 2 * at + 2]
            else:
                self._refuse(str(outcome["_id"]), str(outcome.get("error", {}).get("type", status)))
        return left

    def _refuse(self, name: str, why: str) -> None:
        self.filled.refused += 1
        self.filled.first_refused = self.filled.first_refused or f"{name}: {why}"


@asynccontextmanager
async def filling(settings: Settings, url: str, name: str, fingerprint: str) -> AsyncIterator[ReplayIndices]:
    """The indices `name` of this namespace, checked; written and searchable at the end.

    Raises IntoRefused, and what Elasticsearch raises when it is away for long.
    """
    elastic = es.client(settings, url)
    try:
        indices = ReplayIndices(settings, elastic, name, fingerprint)
        await indices.check()
        yield indices
        await indices.flush()
        await _refresh(elastic, indices.names)
    finally:
        await elastic.close()


async def drop(settings: Settings, url: str, name: str) -> tuple[list[str], list[str]]:
    """Remove the indices of the replay `name` of this namespace: those removed, and those of that name left alone
    because no replay made them. Raises IntoRefused for a name that cannot be one."""
    names = Names(settings.namespace, name)
    elastic = es.client(settings, url)
    try:
        found = await _existing(elastic, names)
        ours = sorted(i for i, body in found.items() if names.owns(i) and _mark(body).get("name") == name)
        for index in ours:
            await elastic.indices.delete(index=index, ignore_unavailable=True)
        return ours, sorted(found.keys() - set(ours))
    finally:
        await elastic.close()


async def _existing(elastic: AsyncElasticsearch, names: Names) -> dict[str, Any]:
    """Everything that the patterns of a replay reach, by the name of its concrete index."""
    patterns = [names.pattern("documents"), names.pattern("alerts")]
    found = await elastic.indices.get(index=patterns, allow_no_indices=True, ignore_unavailable=True)
    return dict(found)


async def _refresh(elastic: AsyncElasticsearch, names: Names) -> None:
    patterns = [names.pattern("documents"), names.pattern("alerts")]
    await elastic.indices.refresh(index=patterns, allow_no_indices=True, ignore_unavailable=True)


def _mark(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (body.get("mappings", {}).get("_meta") or {}).get(MARK)
    return found if isinstance(found, Mapping) else {}
