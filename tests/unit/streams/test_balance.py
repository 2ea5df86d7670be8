"""The balance adds up from the log and the index, and names what is wrong when it does not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.balance import Balance, Result, indexed
from streams.deadletter import dead_letter, letter
from streams.kafka import Message
from streams.letters import mark
from streams.records import (
    DeadLetter,
    Document,
    RawItem,
    RawTick,
    Reject,
    Signature,
    content_revision,
    decode,
    document_id,
    encode,
)
from streams.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def item(native: str, text: str = "a text", revision: str = "") -> bytes:
    return encode(RawItem(source="s", native_id=native, kind="chat", text=text, revision=revision, collected_at=NOW))


def ident(native: str, text: str = "a text", revision: str = "") -> str:
    return document_id("s", native, revision or content_revision("", text))


def message(value: bytes | None, offset: int, topic: str = "chat.raw") -> Message:
    return Message(topic, 0, offset, b"k", value, 0.0)


def refused(value: bytes | None, offset: int, reason: str = "bad_json", topic: str = "chat.raw") -> DeadLetter:
    stage = "index" if topic == "documents" else "enrich"
    return decode(dead_letter(stage, message(value, offset, topic), Reject(reason, "x"), NOW).value, DeadLetter)


def weigh(raw: Sequence[bytes | None], letters: Sequence[DeadLetter] = (), index: Sequence[str] = ()) -> Result:
    balance = Balance({"news.raw", "chat.raw"}, "documents", NOW)
    for name in index:
        balance.index(name, judged=name != ident("unjudged"))
    for one in letters:
        balance.letter(one)
    for offset, value in enumerate(raw):
        balance.raw(message(value, offset))
    return balance.result()


def test_adds_up() -> None:
    """Items, duplicates, new revisions, rejections at doors and in the stream, and ticks: everything has its place."""
    door = letter("ingest", "file:x.jsonl", 0, 5, b"{", Reject("bad_json", "x"), NOW)
    raw = [
        item("1"), item("1"), item("1", "another text"), item("2", revision="r"), item("2", "b", revision="r"),
        b"{broken", encode(RawTick(at=NOW, source="x")), item("unjudged"), item("old"),
    ]  # fmt: skip
    letters = [door, door, refused(b"{broken", 5), refused(item("old"), 8, "bad_time")]
    index = [ident("1"), ident("1", "another text"), ident("2", revision="r"), ident("unjudged")]
    result = weigh(raw, letters, index)
    assert (result.received, result.indexed, result.duplicates, result.rejected) == (
        9, 4, 2, {"bad_json": 2, "bad_time": 1}
    )  # fmt: skip
    assert (result.ticks, result.unjudged, result.ok) == (1, 1, True)
    assert result.as_dict()["reasons"] == {"bad_json": 2, "bad_time": 1}


def test_names_the_difference() -> None:
    """A missing, an unexpected, a doubled document and an unread record are each named, and it is not OK."""
    result = weigh([item("1"), item("2"), b"{"], index=[ident("1"), ident("1"), ident("3")])
    assert not result.ok
    assert (result.missing.count, result.missing.first) == (1, (ident("2"),))
    assert result.unexpected.first == (ident("3"),)
    assert result.doubled.first == (ident("1"),)
    assert result.unread.first == ("chat.raw/0@2",)
    assert result.received != result.accounted


def test_sent_again() -> None:
    """A record sent again counts once: where it was sent to, whatever becomes of it there."""
    bad = refused(b"{", 0)
    result = weigh([b"{", item("1"), b"{"], [bad, mark(bad, NOW), bad, refused(b"{", 2)], [ident("1")])
    assert (result.received, result.indexed, result.rejected, result.retried) == (2, 1, {"bad_json": 1}, 1)
    assert result.ok


def document(native: str) -> bytes:
    return encode(
        Document(
            id=ident(native), origin="chat.raw/0@0", source="s", native_id=native, revision="r", kind="chat", title="",
            text="", url="", author="", lang="en", published_at=None, published_how="unknown", collected_at=NOW,
            collected_how="clock", masked={}, signature=Signature(copy_key="0" * 32), entities=(), judgement=None,
            stale="unknown", may_train=False, retention_days=1, code="", gazetteer="",
        )
    )  # fmt: skip


def test_refused_by_the_index() -> None:
    """A document that Elasticsearch refused is rejected, not missing; when it is there after all, it is indexed."""
    letters = [refused(document("1"), 7, "es_400", "documents"), refused(b"junk", 8, "bad_json", "documents")]
    result = weigh([item("1"), item("1")], letters)
    assert (result.rejected, result.duplicates, result.missing.count, result.ok) == ({"es_400": 1}, 1, 0, True)
    result = weigh([item("1")], letters, [ident("1")])
    assert (result.rejected, result.indexed, result.ok) == ({}, 1, True)
    result = weigh([item("1")], [letters[0], mark(letters[0], NOW)])
    assert (result.missing.count, result.ok) == (1, False)


def old(native: str, days: int, retention: int, how: Literal["clock", "archive"] = "clock") -> bytes:
    at = NOW - timedelta(days=days)
    return encode(
        RawItem(source="s", native_id=native, kind="chat", text="a text", collected_at=at, collected_how=how,
                published_at=at, retention_days=retention)
    )  # fmt: skip


def test_past_their_retention() -> None:
    """What the index was to forget is expired, not missing; what it holds still is indexed; the rest must be there."""
    raw = [old("gone", 30, 30), old("gone", 30, 30), old("there", 31, 30), old("kept", 29, 30)]
    result = weigh(raw, index=[ident("there"), ident("kept")])
    assert (result.received, result.indexed, result.duplicates, result.expired, result.ok) == (4, 2, 1, 1, True)
    assert (result.accounted, result.as_dict()["expired"]) == (4, 1)
    result = weigh(raw, index=[ident("there")])
    assert (result.missing.first, result.expired, result.ok) == ((ident("kept"),), 1, False)


def test_an_archive_expires_by_when_it_was_taken_in() -> None:
    """Its publication, however old, takes nothing from the index; Kafka's time of the record does."""
    balance = Balance({"news.raw", "chat.raw"}, "documents", NOW)
    for offset, days in enumerate((10, 9)):
        at = (NOW - timedelta(days=days)).timestamp()
        balance.raw(replace(message(old(str(days), 4000, 10, "archive"), offset), timestamp=at))
    result = balance.result()
    assert (result.expired, result.missing.first) == (1, (ident("9"),))


def test_other_stages_do_not_count() -> None:
    """Letters of detect and notify are no items, so the balance leaves them out."""
    other = decode(dead_letter("detect", message(b"{", 0, "mentions"), Reject("bad_json", "x"), NOW).value, DeadLetter)
    result = weigh([item("1")], [other], [ident("1")])
    assert (result.received, result.rejected, result.ok) == (1, {}, True)


EVENTS = st.lists(st.tuples(st.sampled_from(["item", "bad", "tick", "door"]), st.integers(0, 5)), max_size=40)


@given(EVENTS)
def test_always_adds_up(events: list[tuple[str, int]]) -> None:
    """Whatever arrives, in whatever order, with everything delivered the equation holds."""
    raw: list[bytes] = []
    letters: list[DeadLetter] = []
    index: set[str] = set()
    for kind, number in events:
        if kind == "item":
            raw.append(item(str(number)))
            index.add(ident(str(number)))
        elif kind == "tick":
            raw.append(encode(RawTick(at=NOW, source="x")))
        elif kind == "bad":
            letters.append(refused(b"{%d" % number, len(raw)))
            raw.append(b"{%d" % number)
        else:
            letters.append(letter("ingest", "file:x", 0, number, b"x", Reject("bad_csv", "x"), NOW))
    result = weigh(raw, letters, sorted(index))
    assert result.ok
    assert result.received == result.indexed + result.duplicates + sum(result.rejected.values())


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(1, 60)), max_size=30))
def test_adds_up_with_whatever_is_past_its_retention(given_: list[tuple[int, int, int]]) -> None:
    """When the index holds exactly what one of its records still allows, the equation holds."""
    raw = [old(str(number), days, retention) for number, days, retention in given_]
    index = {ident(str(number)) for number, days, retention in given_ if days < retention}
    result = weigh(raw, index=sorted(index))
    assert result.ok
    assert (result.indexed, result.expired) == (len(index), len({number for number, *_ in given_}) - len(index))


class Elastic:
    """Answers searches page by page from a list, as Elasticsearch sorts."""

    def __init__(self, documents: Sequence[tuple[str, str, bool]]) -> None:
        self._documents = sorted(documents)
        self.indices = self
        self.searches: list[dict[str, Any]] = []

    async def refresh(self, **_: Any) -> None:
        return None

    async def search(self, **query: Any) -> Any:
        self.searches.append(query)
        after = tuple(query["search_after"] or ("", ""))
        hits = [
            {"_id": name, "sort": [name, where], "fields": {"id": [name], "judged": [judged]}}
            for name, where, judged in self._documents
            if (name, where) > after
        ]
        return {"hits": {"hits": hits[: query["size"]]}}


async def test_reads_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every document is read, one that lies in two indices twice, also at the edge of a page."""
    monkeypatch.setattr("streams.balance.PAGE", 2)
    elastic: Any = Elastic([("a", "1", True), ("b", "1", True), ("b", "2", False), ("c", "1", True)])
    found = [pair async for pair in indexed(elastic, Settings(namespace="n"))]
    assert found == [("a", True), ("b", True), ("b", False), ("c", True)]
    assert elastic.searches[0]["index"] == "n-documents-*"
