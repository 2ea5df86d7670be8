"""The balance: received = indexed + duplicates + rejected + expired, recomputed from the log and the index, never from
counters.

received   items in both raw topics, plus rows and entries refused at a door (files, feeds). A record that was sent
           again from the dead letters counts where it was sent to, not where it failed. Pushed items that were
           refused were answered and never received.
duplicates items whose document id came before; the revision rule of the records decides what is the same
rejected   open dead letters of received items, and documents that Elasticsearch refused
indexed    documents found in Elasticsearch that follow from the log
expired    documents that are not there, and whose retention, by what the log says of them, is over
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from streams import clock
from streams import elastic as es
from streams.endpoints import Endpoints
from streams.kafka import Message, read_topic
from streams.letters import RETRIED, at_door, identity
from streams.records import (
    DeadLetter,
    Document,
    Raw,
    RawItem,
    RawTick,
    Reject,
    content_revision,
    decode,
    digest,
    document_id,
)
from streams.retention import expiry, taken
from streams.settings import Settings
from streams.topics import DEADLETTERS, DOCUMENTS, RAW

FIRST_IDS: Final = 5
PAGE: Final = 5000  # hits of one request; Elasticsearch's own limit is 10,000


@dataclass(frozen=True, slots=True)
class Difference:
    """Documents on one side only: how many, and the first ids."""

    count: int = 0
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The balance. `ok` when it adds up and every document is in the index exactly once."""

    received: int
    indexed: int
    duplicates: int
    rejected: dict[str, int]
    expired: int
    retried: int
    unjudged: int
    ticks: int
    missing: Difference  # received and not rejected, but not in the index
    unexpected: Difference  # in the index, but in no log
    doubled: Difference  # in more than one index
    unread: Difference  # undecodable records without a dead letter

    @property
    def ok(self) -> bool:
        """Whether nothing is missing, unexpected, doubled or unread."""
        differences = (self.missing, self.unexpected, self.doubled, self.unread)
        return not any(d.count for d in differences) and self.received == self.accounted

    @property
    def accounted(self) -> int:
        """The right-hand side of the equation."""
        return self.indexed + self.duplicates + sum(self.rejected.values()) + self.expired

    def as_dict(self) -> dict[str, Any]:
        """The balance as plain data."""
        named = {name: getattr(self, name) for name in ("missing", "unexpected", "doubled", "unread")}
        return {
            "ok": self.ok,
            "received": self.received,
            "indexed": self.indexed,
            "duplicates": self.duplicates,
            "rejected": sum(self.rejected.values()),
            "reasons": dict(sorted(self.rejected.items())),
            "expired": self.expired,
            "retried": self.retried,
            "unjudged": self.unjudged,
            "ticks": self.ticks,
            **{name: {"count": d.count, "first": list(d.first)} for name, d in named.items()},
        }


@dataclass(slots=True)
class _Note:
    """What the balance keeps of a letter."""

    reason: str
    retries: int
    origin: tuple[str, int, int]
    door: bool
    document: bytes | None  # id of the document Elasticsearch refused


def compact(name: str) -> bytes:
    """A document id in 16 bytes."""
    try:
        found = bytes.fromhex(name)
    except ValueError:
        found = b""
    return found if len(found) == 16 else bytes.fromhex(digest(name))


@dataclass(slots=True)
class Balance:
    """The pure fold: first what is indexed, then the letters, then the raw log. About 200 bytes a document."""

    raw_topics: Collection[str]  # full names
    documents_topic: str
    now: datetime  # decides which retention is over
    _indexed: set[bytes] = field(default_factory=set)
    _doubled: list[str] = field(default_factory=list)
    _letters: dict[tuple[str, str], _Note] = field(default_factory=dict)
    _failed: dict[tuple[str, int, int], str] | None = None
    _expected: set[bytes] = field(default_factory=set)
    _over: set[bytes] = field(default_factory=set)  # of the expected: their retention is
    _unread: list[str] = field(default_factory=list)
    _rejected: Counter[str] = field(default_factory=Counter)
    _unjudged: int = 0
    _received: int = 0
    _duplicates: int = 0
    _retried: int = 0
    _ticks: int = 0

    def index(self, name: str, judged: bool) -> None:
        """Take in one document of the index."""
        found = compact(name)
        if found in self._indexed:
            self._doubled.append(name)
            return
        self._indexed.add(found)
        self._unjudged += not judged

    def letter(self, letter: DeadLetter) -> None:
        """Take in one record of the dead letters."""
        known = self._letters.get(identity(letter))
        if known is None:
            document = self._document(letter)
            origin = (letter.topic, letter.partition, letter.offset)
            note = _Note(letter.reason, letter.retries, origin, at_door(letter), document)
            self._letters[identity(letter)] = note
        elif letter.retries > known.retries:
            known.reason, known.retries = letter.reason, letter.retries

    def _document(self, letter: DeadLetter) -> bytes | None:
        if letter.topic != self.documents_topic or not letter.value or letter.truncated:
            return None
        try:
            return compact(decode(base64.b64decode(letter.value), Document).id)
        except ValueError:  # a Reject is one: the record is no document, so nothing is expected of it
            return None

    def raw(self, message: Message) -> None:
        """Take in one record of a raw topic."""
        failures = self._failures()
        reason = failures.get((message.topic, message.partition, message.offset))
        if reason == RETRIED:
            self._retried += 1
            return
        try:
            record = decode(message.value, Raw)
        except Reject:
            record = None
        if isinstance(record, RawTick):
            self._ticks += 1
            return
        self._received += 1
        if reason is not None:
            self._rejected[reason] += 1
        elif record is None:
            self._unread.append(message.origin)
        else:
            self._expect(record, taken(message.timestamp, self.now))

    def _failures(self) -> dict[tuple[str, int, int], str]:
        if self._failed is None:
            self._failed = {n.origin: n.reason for n in self._letters.values() if n.origin[0] in self.raw_topics}
        return self._failed

    def _expect(self, item: RawItem, taken_at: datetime) -> None:
        revision = item.revision or content_revision(item.title, item.text)
        found = bytes.fromhex(document_id(item.source, item.native_id, revision))
        if found in self._expected:
            self._duplicates += 1
        else:
            self._expected.add(found)
        if (until := expiry(item, taken_at)) is not None and until <= self.now:
            self._over.add(found)

    def result(self) -> Result:
        """What it comes to."""
        doors = [note for note in self._letters.values() if note.door]
        rejected = self._rejected + Counter(note.reason for note in doors)
        absent = self._expected - self._indexed
        refused = {n.document: n.reason for n in self._letters.values() if n.document in absent and n.reason != RETRIED}
        rejected.update(refused.values())
        absent -= refused.keys()
        return Result(
            received=self._received + len(doors),
            indexed=len(self._expected & self._indexed),
            duplicates=self._duplicates,
            rejected=dict(rejected),
            expired=len(absent & self._over),
            retried=self._retried,
            unjudged=self._unjudged,
            ticks=self._ticks,
            missing=_difference(found.hex() for found in absent - self._over),
            unexpected=_difference(found.hex() for found in self._indexed - self._expected),
            doubled=_difference(self._doubled),
            unread=_difference(self._unread),
        )


def _difference(names: Any) -> Difference:
    listed = sorted(names)
    return Difference(len(listed), tuple(listed[:FIRST_IDS]))


async def indexed(elastic: AsyncElasticsearch, settings: Settings) -> AsyncIterator[tuple[str, bool]]:
    """Id of every document in the index and whether it was judged, in order of ids."""
    pattern = es.pattern(settings, "documents")
    await elastic.indices.refresh(index=pattern, allow_no_indices=True, ignore_unavailable=True)
    after: list[Any] | None = None
    while True:
        answer = await elastic.search(
            index=pattern,
            allow_no_indices=True,
            ignore_unavailable=True,
            size=PAGE,
            source=False,
            docvalue_fields=[{"field": "id"}, {"field": "judged"}],
            track_total_hits=False,
            # The index as well: one id in two indices would vanish at the edge of a page.
            sort=[{"id": {"order": "asc", "unmapped_type": "keyword"}}, {"_index": "asc"}],
            search_after=after,
        )
        hits = answer["hits"]["hits"]
        for hit in hits:
            fields = hit.get("fields", {})
            yield str(fields.get("id", [hit["_id"]])[0]), bool(fields.get("judged", [False])[0])
        if len(hits) < PAGE:
            return
        after = hits[-1]["sort"]


async def recount(settings: Settings, endpoints: Endpoints, progress: Callable[[int], None] = lambda _: None) -> Result:
    """The balance of everything now in Kafka and Elasticsearch. `progress` is told of each thing read, by its number.

    The index is read first, so that items on their way show as missing, never as unexpected.
    """
    read = count(1)
    balance = Balance({topic.full(settings) for topic in RAW.values()}, DOCUMENTS.full(settings), clock.now())
    elastic = es.client(settings, endpoints.elasticsearch)
    try:
        async for name, judged in indexed(elastic, settings):
            balance.index(name, judged)
            progress(next(read))
    finally:
        await elastic.close()
    async for message in read_topic(settings, endpoints.kafka, DEADLETTERS):
        try:
            balance.letter(decode(message.value, DeadLetter))
        except Reject:
            continue  # not written by us; the dead letters have no dead letters
    for topic in RAW.values():
        async for message in read_topic(settings, endpoints.kafka, topic):
            balance.raw(message)
            progress(next(read))
    return balance.result()
