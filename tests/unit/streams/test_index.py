"""The index stage against a scripted Elasticsearch: one outcome per item, whatever the cluster answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from streams import index as index_module
from streams import metrics
from streams.elastic import client
from streams.index import Index, IndexRefused, document_source, document_version
from streams.kafka import Message, Outgoing
from streams.records import DeadLetter, Document, Entity, Judgement, Signature, decode, encode
from streams.settings import Settings

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LABELS = {"sentiment": {"negative": 0.7, "neutral": 0.2, "positive": 0.1}, "topic": {"legal": 0.8, "macro": 0.2}}
LABELS["risk"] = {"none": 0.3, "litigation": 0.7}


def document(number: int, judged: bool = True, version: str = "1") -> Document:
    return Document(
        id=f"{number:032x}",
        origin=f"news.raw/0@{number}",
        source="wire",
        native_id=str(number),
        revision="r",
        kind="news",
        title="Halden Corp faces probe",
        text="",
        url="",
        author="",
        lang="en",
        published_at=None,
        published_how="unknown",
        collected_at=AT,
        collected_how="clock",
        masked={"email": 2},
        signature=Signature(copy_key="0" * 32),
        entities=(Entity(id="HALD", name="Halden", relevance=1.0, where="title", matched="Halden Corp", count=1),),
        judgement=Judgement(model="opinion-en", version=version, **LABELS) if judged else None,
        unjudged="" if judged else "no_model",
        stale="unknown",
        may_train=False,
        retention_days=30,
        code="0",
        gazetteer="g",
    )


def message(number: int, value: bytes | None = None) -> Message:
    return Message("documents", 0, number, None, value or encode(document(number)), 0.0)


@dataclass
class Cluster:
    """Answers `_bulk` with the scripted statuses, then 201; remembers which ids each request held."""

    script: list[Any] = field(default_factory=list)
    requests: list[list[str]] = field(default_factory=list)

    async def bulk(self, request: web.Request) -> web.Response:
        lines = (await request.text()).strip().split("\n")
        ids = [json.loads(line)["index"]["_id"] for line in lines[::2]]
        self.requests.append(ids)
        step = self.script.pop(0) if self.script else {}
        if isinstance(step, int):
            return answer(step, {"error": {"type": "x", "reason": "y"}, "status": step})
        if isinstance(step, str):
            return answer(400, {"error": {"type": step, "reason": "y"}, "status": 400})
        items = [{"index": outcome(step.get(i, 201))} for i in range(len(ids))]
        return answer(200, {"errors": True, "items": items})


def outcome(step: Any) -> dict[str, Any]:
    if isinstance(step, tuple):
        return {"status": step[0], "error": {"type": step[1], "reason": "said so"}}
    return {"status": step} if step < 300 else {"status": step, "error": {"type": "x", "reason": "said so"}}


def answer(status: int, body: Any) -> web.Response:
    return web.json_response(body, status=status, headers={"X-Elastic-Product": "Elasticsearch"})


@dataclass
class Sent:
    """Stands for the producer: what was written to the dead letters."""

    records: list[Outgoing] = field(default_factory=list)

    async def send_all(self, records: list[Outgoing]) -> None:
        self.records.extend(records)

    @property
    def letters(self) -> list[DeadLetter]:
        return [decode(r.value, DeadLetter) for r in self.records]


@pytest.fixture
async def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> AsyncIterator[tuple[Index, Cluster, Sent]]:
    monkeypatch.setattr(index_module, "FIRST_PAUSE", 0.001)
    cluster = Cluster()
    app = web.Application()

    async def accept(_: web.Request) -> web.Response:
        return answer(200, {"acknowledged": True})

    app.add_routes(
        [
            web.put("/_bulk", cluster.bulk),
            web.put("/_index_template/{name}", accept),
            web.put("/{index}/_mapping", accept),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = Settings(state_dir=tmp_path)
    elastic = client(settings, f"http://127.0.0.1:{port}")
    sent = Sent()
    yield Index(settings, elastic, sent, lambda: AT), cluster, sent  # type: ignore[arg-type]
    await elastic.close()
    await runner.cleanup()


async def test_only_the_items_that_were_not_taken_are_sent_again(parts: tuple[Index, Cluster, Sent]) -> None:
    """Items answered 429 are tried again alone, in their own requests, until they are taken."""
    index, cluster, sent = parts
    cluster.script = [{1: 429, 3: 503}, {0: 429}, {}]
    assert await index.deliver(await index.prepare([message(n) for n in range(5)]))
    ids = [f"{n:032x}" for n in range(5)]
    assert cluster.requests == [ids, [ids[1], ids[3]], [ids[1]]]
    assert sent.letters == []


async def test_an_item_that_can_never_be_written_becomes_a_dead_letter(parts: tuple[Index, Cluster, Sent]) -> None:
    """A mapping error affects its own item only; the letter names its origin and the reason."""
    index, cluster, sent = parts
    cluster.script = [{1: (400, "document_parsing_exception"), 2: 409}]
    assert await index.deliver(await index.prepare([message(n) for n in range(3)]))
    [letter] = sent.letters
    assert (letter.stage, letter.topic, letter.offset, letter.reason) == ("index", "documents", 1, "index_refused")
    assert "document_parsing_exception" in letter.message
    assert len(cluster.requests) == 1


@pytest.mark.parametrize("step", [429, 503, 500, {0: (403, "cluster_block_exception")}])
async def test_a_busy_or_blocked_cluster_is_waited_for(parts: tuple[Index, Cluster, Sent], step: Any) -> None:
    """Too many requests, unavailable, or read-only for want of disk: the batch waits, nothing is given up."""
    index, cluster, sent = parts
    cluster.script = [step, step]
    assert await index.deliver(await index.prepare([message(7)]))
    assert len(cluster.requests) == 3
    assert sent.letters == []


async def test_a_request_too_large_is_sent_in_halves(parts: tuple[Index, Cluster, Sent]) -> None:
    """413 splits the request until it fits; an item that never fits is a dead letter."""
    index, cluster, sent = parts
    cluster.script = [413, 413, {}, 413, {}]
    assert await index.deliver(await index.prepare([message(n) for n in range(4)]))
    ids = [f"{n:032x}" for n in range(4)]
    assert cluster.requests == [ids, ids[:2], ids[:1], ids[1:2], ids[2:]]
    assert [letter.offset for letter in sent.letters] == [1]


async def test_one_item_that_makes_a_request_invalid_is_found_and_the_others_are_written(
    parts: tuple[Index, Cluster, Sent],
) -> None:
    """Elasticsearch answers 400 to a whole request for one overlong id: halves find it, it alone is a dead letter."""
    index, cluster, sent = parts
    invalid = "action_request_validation_exception"
    cluster.script = [invalid, invalid, {}, invalid, {}]
    assert await index.deliver(await index.prepare([message(n) for n in range(4)]))
    assert [letter.offset for letter in sent.letters] == [1]
    assert invalid in sent.letters[0].message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"judgement": Judgement(model="m", version="1", **(LABELS | {"topic": {}}))}, "bad_schema"),
        ({"judgement": Judgement(model="m", version="1", **(LABELS | {"risk": {}}))}, "bad_schema"),
        ({"entities": (replace(document(1).entities[0], sentiment={"bad": 1.0}),)}, "bad_schema"),
        ({"judgement": Judgement(model="m", version="1", **(LABELS | {"sentiment": {"negative": 1.0}}))}, "bad_schema"),
        ({"collected_at": datetime(9999, 12, 31, tzinfo=UTC)}, "bad_time"),
        ({"collected_at": datetime(1, 1, 1, tzinfo=UTC)}, "bad_time"),
        ({"published_at": datetime(1, 1, 1, tzinfo=UTC)}, "bad_time"),
        ({"retention_days": 0}, "bad_schema"),
        ({"retention_days": 10**12}, "bad_schema"),
    ],
)
async def test_a_document_that_no_index_can_hold_is_a_dead_letter(
    parts: tuple[Index, Cluster, Sent], change: dict[str, Any], reason: str
) -> None:
    """What the types allow and enrich never writes ends as a dead letter too, not the worker."""
    index, _, sent = parts
    odd = encode(replace(document(1), **change))
    assert await index.deliver(await index.prepare([message(1, odd), message(2)]))
    assert [letter.reason for letter in sent.letters] == [reason]


@pytest.mark.parametrize("step", [400, 401, 403, {0: (403, "security_exception")}])
async def test_refused_credentials_stop_the_stage(parts: tuple[Index, Cluster, Sent], step: Any) -> None:
    """No retry mends a wrong key: the stage ends with words that say where to look, and acknowledges nothing."""
    index, cluster, _ = parts
    cluster.script = [step]
    with pytest.raises(IndexRefused, match="Elasticsearch"):
        await index.deliver(await index.prepare([message(1)]))


async def test_what_is_past_its_retention_is_neither_written_nor_refused(parts: tuple[Index, Cluster, Sent]) -> None:
    """An old log read again brings nothing back: by the collection, by what was written down, and of an archive of an
    earlier version by Kafka's time of the record."""
    index, cluster, sent = parts
    long_ago, day = AT - timedelta(days=4000), timedelta(days=1)
    archive = replace(document(0), collected_how="archive", collected_at=long_ago)
    given = [
        (replace(document(1), collected_at=AT - 30 * day), AT),
        (replace(document(2), collected_at=AT - 29 * day), AT),
        (replace(document(3), expires_at=AT), AT),
        (replace(archive, id=f"{4:032x}"), AT - 30 * day),
        (replace(archive, id=f"{5:032x}"), AT - 29 * day),
        (replace(archive, id=f"{6:032x}", expires_at=AT + day), AT - 99 * day),
    ]
    messages = [Message("documents", 0, n, None, encode(one), at.timestamp()) for n, (one, at) in enumerate(given)]
    before = metrics.INDEX_ITEMS.labels("expired")._value.get()
    assert await index.deliver(await index.prepare(messages))
    assert cluster.requests == [[f"{n:032x}" for n in (2, 5, 6)]]
    assert sent.letters == []
    assert metrics.INDEX_ITEMS.labels("expired")._value.get() == before + 3
    assert await index.deliver(await index.prepare(messages[:1]))
    assert len(cluster.requests) == 1


async def test_unreadable_records_are_dead_letters_and_the_others_are_written(
    parts: tuple[Index, Cluster, Sent],
) -> None:
    """A broken record on the documents topic never stops or loses its neighbours."""
    index, cluster, sent = parts
    assert await index.deliver(await index.prepare([message(0), message(1, b"{"), message(2)]))
    assert [letter.reason for letter in sent.letters] == ["bad_json"]
    assert cluster.requests == [[f"{0:032x}", f"{2:032x}"]]


def test_source_holds_what_people_search_and_no_field_the_mapping_lacks() -> None:
    """Every field written is in the strict mapping, so no document is refused for its shape."""
    from importlib.resources import files

    mapping = json.loads(files("streams").joinpath("mappings.json").read_text())["documents"]["properties"]
    source = document_source(document(1), AT)
    assert set(source) <= set(mapping)
    assert source["sentiment"]["label"] == "negative"
    assert source["topic"] == {"label": "legal", "confidence": 0.8}
    assert source["risk"] == {"label": "litigation", "confidence": 0.7}
    assert source["sentiment"]["abstained"] is False
    unjudged = document_source(document(1, judged=False), AT)
    assert "sentiment" not in unjudged
    assert unjudged["judged"] is False


def test_a_later_model_replaces_an_earlier_judgement_and_never_the_other_way() -> None:
    """Versions grow from unjudged over the first model to the next, whatever the checksum behind the number."""
    numbered = ["1-9f9f9f9f", "2-00000000", "10-0a0b0c0d"]
    versions = [document_version(document(1, judged=False))]
    versions += [document_version(document(1, version=version)) for version in numbered]
    assert versions == [1, 3, 4, 12]


@pytest.mark.parametrize("version", ["", "²", "٣", "v1", "9" * 200])
def test_an_odd_version_is_a_number_all_the_same(version: str) -> None:
    """No version that a record can hold breaks the stage, or Elasticsearch's 64 bits."""
    assert 2 <= document_version(document(1, version=version)) < 2**62
