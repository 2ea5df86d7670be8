"""Documents leave a real Elasticsearch when their retention is over, and no log brings them back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch

from console.replay.indices import ReplayIndices
from streams import elastic as es
from streams import expiry
from streams.balance import indexed
from streams.endpoints import resolve
from streams.expiry import due, own_indices, remove
from streams.index import Index
from streams.kafka import Message, Outgoing
from streams.records import encode
from streams.settings import Settings
from tests.opinions import END, document, put, stored

pytestmark = pytest.mark.engines

DAY = timedelta(days=1)
LONG_AGO = END - 4000 * DAY


@dataclass
class Sent:
    """Stands for the producer: what was written to the dead letters."""

    records: list[Outgoing] = field(default_factory=list)

    async def send_all(self, records: list[Outgoing]) -> None:
        self.records.extend(records)


@pytest.fixture
async def elastic(settings: Settings) -> AsyncIterator[AsyncElasticsearch]:
    """A client, and no index of this test left at its end."""
    client = es.client(settings, resolve(settings, "elasticsearch").elasticsearch)
    yield client
    patterns = [es.pattern(settings, "documents"), f"replay.{settings.namespace}.*"]
    made = await client.indices.get(index=patterns, ignore_unavailable=True)
    await client.options(ignore_status=404).indices.delete(index=list(made) or ["none"])
    for kind in es.KINDS:
        name = f"tocsin-{es.prefix(settings)}{kind}"
        await client.options(ignore_status=404).indices.delete_index_template(name=name)
    await client.close()


def log() -> list[Message]:
    """Four retentions over three months and an archive, as the topic `documents` holds them."""
    documents = [
        document(n, f"text {n}", at=END - days * DAY, retention_days=kept)
        for n, (days, kept) in enumerate([(0, 1), (2, 30), (40, 41), (40, 60), (40, 365), (0, 365)])
    ]
    documents.append(
        document(6, "of an archive", at=LONG_AGO, collected_how="archive", retention_days=3, expires_at=END + 3 * DAY)
    )
    return [Message("documents", 0, n, None, encode(one), END.timestamp()) for n, one in enumerate(documents)]


async def index(elastic: AsyncElasticsearch, settings: Settings, now: datetime) -> None:
    """The index stage over the whole log, by a clock that stands at `now`."""
    sent = Sent()
    stage = Index(settings, elastic, sent, lambda: now)  # type: ignore[arg-type]
    assert await stage.deliver(await stage.prepare(log()))
    assert sent.records == []
    await elastic.indices.refresh(index=es.pattern(settings, "documents"))


async def numbers(elastic: AsyncElasticsearch, settings: Settings) -> list[int]:
    """Which of the documents are in the index."""
    names = {document(n).id: n for n in range(20)}
    return sorted([names[name] async for name, _ in indexed(elastic, settings)])


async def test_documents_leave_when_their_retention_is_over(
    settings: Settings, elastic: AsyncElasticsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Day by day exactly those whose time has come, however small the portions; and again is the same."""
    monkeypatch.setattr(expiry, "PORTION", 1)
    monkeypatch.setattr(expiry, "PAUSE", 0.0)
    await index(elastic, settings, END)
    assert await numbers(elastic, settings) == [0, 1, 2, 3, 4, 5, 6]
    for days, left in ((0, [0, 1, 2, 3, 4, 5, 6]), (1, [1, 3, 4, 5, 6]), (3, [1, 3, 4, 5]), (28, [4, 5]), (365, [])):
        now = END + days * DAY
        before = await numbers(elastic, settings)
        assert sum((await due(elastic, settings, now)).values()) == len(before) - len(left)
        done = await remove(elastic, settings, now)
        assert (sum(done.removed.values()), done.failed, done.left) == (len(before) - len(left), {}, False)
        assert await numbers(elastic, settings) == left
        assert (await remove(elastic, settings, now)).removed == {}


async def test_an_index_that_is_built_again_holds_only_what_may_be_kept(
    settings: Settings, elastic: AsyncElasticsearch
) -> None:
    """Emptied and read from the first record on, or merely read again: nothing comes back."""
    now = END + 3 * DAY
    await index(elastic, settings, END)
    await remove(elastic, settings, now)
    await index(elastic, settings, now)
    assert await numbers(elastic, settings) == [1, 3, 4, 5]
    await elastic.indices.delete(index=await own_indices(elastic, settings))
    await index(elastic, settings, now)
    assert await numbers(elastic, settings) == [1, 3, 4, 5]


async def test_documents_of_an_earlier_version_leave_too(settings: Settings, elastic: AsyncElasticsearch) -> None:
    """They say no end: it is reckoned from the collection, of an archive from when it was indexed."""
    documents = [document(0, retention_days=10), document(1, retention_days=20)]
    documents.append(document(2, at=LONG_AGO, collected_how="archive", retention_days=15))
    await put(elastic, settings, documents)
    for one in documents:
        where = es.documents_index(settings, one.published_at, one.collected_at)
        before = {name: value for name, value in stored(one).items() if name != "expires_at"}
        await elastic.index(index=where, id=one.id, document=before, refresh=True)
    for days, left in ((9, [0, 1, 2]), (10, [1, 2]), (15, [1]), (20, [])):
        await remove(elastic, settings, END + days * DAY)
        assert await numbers(elastic, settings) == left


async def test_only_what_is_ours_is_touched(settings: Settings, elastic: AsyncElasticsearch) -> None:
    """The indices of our replays are cleared; one of another namespace that our pattern reaches, one that merely looks
    like a replay's, and alert events are not."""
    month = "documents-2026.03"
    others = [
        f"{settings.namespace}-documents-{month}",
        f"replay.{settings.namespace}.theirs.{month}",
        f"{settings.namespace}-alerts-2026",
    ]
    lasting: dict[str, Any] = {"retention_days": 36_500}
    replay = ReplayIndices(settings, elastic, "q1", "one")
    await replay.check()
    await replay.add_document(document(1, **lasting))
    await replay.flush()
    await put(elastic, settings, [document(1, **lasting)])
    for other in others:
        await elastic.indices.create(index=other, mappings={"dynamic": True})
        await elastic.create(index=other, id="1", document={"expires_at": END})
    await elastic.indices.refresh(index=f"*{settings.namespace}*")
    done = await remove(elastic, settings, END + 40_000 * DAY)
    assert done.removed == {f"{settings.namespace}-{month}": 1, f"replay.{settings.namespace}.q1.{month}": 1}
    assert (await elastic.count(index=others))["count"] == len(others)


async def test_an_index_that_cannot_be_changed_is_told(settings: Settings, elastic: AsyncElasticsearch) -> None:
    """The round is not complete, names it with the reason, and the next one finds it again."""
    await index(elastic, settings, END)
    blocked, *_ = await own_indices(elastic, settings)
    await elastic.indices.put_settings(index=blocked, settings={"index.blocks.write": True})
    done = await remove(elastic, settings, END + 365 * DAY)
    assert (done.failed, done.complete) == ({blocked: "cluster_block_exception"}, False)
    await elastic.indices.put_settings(index=blocked, settings={"index.blocks.write": None})
    assert (await remove(elastic, settings, END + 365 * DAY)).complete
    assert await numbers(elastic, settings) == []
