"""Documents come back out of the index as the records they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from elasticsearch import NotFoundError
from msgspec.structs import replace

from console.replay.elastic import KEEP, ElasticSource, Place, _Search, document_of
from console.replay.source import Batch, SourceError
from console.replay.span import Span
from models.labels import HEADS
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.index import document_source
from streams.records import Document, Judgement, RawItem, Reject
from streams.settings import Settings

NOW = datetime(2026, 3, 2, 9, 30, 0, 123_456, tzinfo=UTC)
PIPELINE = Pipeline(Settings(follow="source,market"), Gazetteer.load(None), b"key", "1")


def judged(head: str) -> dict[str, float]:
    labels = HEADS[head]
    return {label: (0.9 if n == 0 else 0.1 / (len(labels) - 1)) for n, label in enumerate(labels)}


def made(**changes: Any) -> Document:
    """A document as enrich makes it."""
    fields: dict[str, Any] = {
        "source": "wire", "native_id": "1", "kind": "news", "title": "Apple shares plunge after fraud probe",
        "text": "Apple and Microsoft fell. Write to jane@corp.example, she knows.", "author": "jane",
        "published_at": NOW, "published_how": "stated", "collected_at": NOW,
    }  # fmt: skip
    prepared = PIPELINE.prepare(RawItem(**(fields | changes)), "news.raw/1@7", NOW)
    judgement = Judgement(model="opinion-en", version="1-x", **{head: judged(head) for head in HEADS})
    towards = {entity.id: judged("sentiment") for entity in prepared.entities[:1]}
    return PIPELINE.document(prepared, judgement, "", towards)


def stored(document: Document) -> dict[str, Any]:
    """As Elasticsearch hands it out: what was sent, through JSON."""
    return dict(json.loads(msgspec.json.encode(document_source(document, NOW))))


@pytest.mark.parametrize("changes", [{}, {"title": ""}, {"lang": "zh", "text": "苹果公司股价大跌，监管部门立案调查。"}])
def test_a_stored_document_gives_the_mentions_it_gave(changes: dict[str, Any]) -> None:
    """Subjects, figures, signature, times to the microsecond: all that detection reads is as it was."""
    document = made(**changes)
    back = document_of(stored(document))
    assert back.signature.minhash
    assert PIPELINE.mentions(back, "archive/0", 0) == PIPELINE.mentions(document, "archive/0", 0)
    assert replace(back, judgement=None) == replace(document, judgement=None)


def test_an_unjudged_document_stays_unjudged() -> None:
    """The reason comes back, and no judgement is made up."""
    document = replace(made(), judgement=None, unjudged="no_model")
    assert document_of(stored(document)) == document


def test_a_text_that_was_not_kept_leaves_the_key_of_exact_copies() -> None:
    """Without its text the near signature cannot be known; the exact one is."""
    document = made(may_store_body=False)
    back = document_of(stored(document))
    assert back.signature.copy_key == document.signature.copy_key
    assert back.signature.minhash == ()


def test_what_is_no_document_is_a_fault() -> None:
    """Missing fields and wrong types have a reason and never raise anything else."""
    whole = stored(made())
    for name in whole.keys() - {"@timestamp", "indexed_at", "minhash_algorithm", "expires_at"}:
        with pytest.raises(Reject) as missing:
            document_of({key: value for key, value in whole.items() if key != name})
        assert missing.value.reason == "bad_schema"
        if name != "judged":  # told by its truth
            with pytest.raises(Reject):
                document_of(whole | {name: [object()]})


class Pages:
    """A point in time over some documents, which may be lost between two pages."""

    def __init__(self, documents: list[Document], size: int, lost: int = -1) -> None:
        rows = sorted((int(d.collected_at.timestamp() * 1000), d.id, stored(d)) for d in documents)
        self.rows = [([at, name, "documents-2026.03"], source) for at, name, source in rows]
        self.size, self.lost, self.opened, self.asked = size, lost, 0, 0
        self.closed: list[str] = []

    def options(self, **_: object) -> Pages:
        return self

    async def count(self, **_: object) -> dict[str, int]:
        return {"count": len(self.rows)}

    async def open_point_in_time(self, **_: object) -> dict[str, str]:
        self.opened += 1
        return {"id": f"pit-{self.opened}"}

    async def close_point_in_time(self, id: str) -> None:
        self.closed.append(id)

    async def search(self, *, pit: dict[str, str], search_after: list[Any] | None, **_: object) -> dict[str, Any]:
        self.asked += 1
        assert pit["keep_alive"] == KEEP
        if self.asked == self.lost:
            raise NotFoundError("gone", None, None)  # type: ignore[arg-type]
        left = [row for row in self.rows if search_after is None or row[0] > search_after]
        hits = [{"sort": [*sort, 4711], "_source": source} for sort, source in left[: self.size]]
        return {"pit_id": pit["id"], "hits": {"hits": hits}}


def several() -> list[Document]:
    """Documents in five milliseconds, several within each, in no order of their ids."""
    times = [NOW + timedelta(milliseconds=n // 3, microseconds=(n * 37) % 500) for n in range(15)]
    return [made(native_id=str(n), collected_at=at) for n, at in enumerate(times)]


async def played(source: ElasticSource, position: str = "") -> list[Batch]:
    return [batch async for batch in source.items(position)]


def source_of(pages: Pages, monkeypatch: pytest.MonkeyPatch, span: Span = Span()) -> ElasticSource:  # noqa: B008
    source = ElasticSource(Settings(), "http://127.0.0.1:9", "", span)

    class Opened:
        def __init__(self, after: list[Any] | None) -> None:
            self.after = after

        async def __aenter__(self) -> _Search:
            return _Search(pages, "documents-*", {}, self.after)  # type: ignore[arg-type]

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(source, "_search", lambda place: Opened(place.after))
    return source


@pytest.mark.parametrize("size", [1, 2, 4, 100])
@pytest.mark.parametrize("lost", [-1, 3])
async def test_pages_come_in_order_to_the_microsecond(monkeypatch: pytest.MonkeyPatch, size: int, lost: int) -> None:
    """The index sorts by milliseconds; what it gives is put right, also across pages and a lost point in time."""
    documents = several()
    pages = Pages(documents, size, lost)
    source = source_of(pages, monkeypatch)
    found = [d for batch in await played(source) for d in batch.documents]
    assert [d.id for d in found] == [d.id for d in sorted(documents, key=lambda d: (d.collected_at, d.id))]
    assert source.notes.read == source.notes.total == len(documents)
    assert pages.closed == [f"pit-{pages.opened}"]


async def test_a_paused_source_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the position of any batch the rest comes, each document once."""
    pages = Pages(several(), 4)
    batches = await played(source_of(pages, monkeypatch))
    assert not batches[0].documents
    for at, batch in enumerate(batches):
        rest = await played(source_of(pages, monkeypatch), batch.position)
        want = [d.id for later in batches[at + 1 :] for d in later.documents]
        assert [d.id for each in rest for d in each.documents] == want
        until = msgspec.json.decode(batch.position, type=Place).until
        assert until == msgspec.json.decode(batches[0].position, type=Place).until


async def test_the_span_holds_to_the_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document within the millisecond of the end but behind it is left out."""
    documents = sorted(several(), key=lambda d: d.collected_at)
    span = Span(end=documents[7].collected_at)
    found = [d for b in await played(source_of(Pages(documents, 4), monkeypatch, span)) for d in b.documents]
    assert all(d.collected_at < documents[7].collected_at for d in found)


async def test_another_source_s_position_is_refused() -> None:
    """A position that is none is told, not guessed."""
    source = ElasticSource(Settings(), "http://127.0.0.1:9", "", Span())
    with pytest.raises(SourceError, match="--anew"):
        await played(source, '{"next": {}}')
