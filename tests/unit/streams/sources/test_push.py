"""The push endpoint over real HTTP on loopback."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import RawItem, Reject
from streams.settings import Settings
from streams.sources import push
from streams.sources.push import Bucket, PushError, push_app, pushed_item, sort_rows, start, token_for
from streams.sources.ticks import Inflow
from tests.unit.streams.sources.sink import NOW, FakeSink

TOKEN = "an-invented-token-0123456789"
ANYWHERE = "0.0.0.0"  # noqa: S104 - a setting under test; the tests listen on loopback
ITEM = {"id": "1", "source": "desk", "text": "Borealis Foods recalls a product"}


class Silent(FakeSink):
    """A Kafka that never answers."""

    async def send_all(self, records: Any) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(tmp_path: Path, sink: FakeSink, **changes: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    settings = Settings(state_dir=tmp_path, push_port=0, partitions=1, record_limit=8192, **changes)
    inflow = Inflow(settings, sink, lambda: NOW)
    local = settings.model_copy(update={"push_host": "127.0.0.1"})
    runner, url = await start(push_app(settings, TOKEN, inflow, lambda: 5.0), local)
    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            yield session, url
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "content_type", "count"),
    [
        (json.dumps(ITEM), "application/json", 1),
        (json.dumps([ITEM, ITEM | {"id": "2"}]), "application/json; charset=utf-8", 2),
        (json.dumps(ITEM) + "\r\n\n" + json.dumps(ITEM | {"id": "2"}), "application/x-ndjson", 2),
    ],
)
async def test_accepts(tmp_path: Path, body: str, content_type: str, count: int) -> None:
    """One object, an array and one object a line are taken, stamped with the time of collection, and acknowledged."""
    sink = FakeSink()
    async with serving(tmp_path, sink) as (session, url):
        answer = await session.post(url + "/v1/items", data=body, headers={"Content-Type": content_type})
        assert answer.status == 202
        assert await answer.json() == {"accepted": count, "rejected": []}
    first = sink.items[0]
    assert (first.native_id, first.collected_at, first.collected_how) == ("1", NOW, "clock")
    assert sink.sent[0].key == b"desk|1"
    assert len(sink.items) == count


async def test_each_item_is_answered(tmp_path: Path) -> None:
    """Good items of a request are taken and each bad one is named with its reason; all bad is a 400."""
    bad: list[tuple[Any, str]] = [
        ({"text": "x", "source": "s"}, "bad_schema"),
        (ITEM | {"text": ""}, "no_text"),
        (ITEM | {"text": 3}, "bad_schema"),
        (ITEM | {"text": "a\0"}, "bad_text"),
        (ITEM | {"text": "x" * 9000}, "too_large"),
        (ITEM | {"published_at": "1970-01-01"}, "bad_time"),
        (ITEM | {"published_at": "2099-01-01"}, "bad_time"),
        (ITEM | {"collected_at": "2026-01-01T00:00:00Z"}, "bad_schema"),
        (ITEM | {"mood": "bad"}, "bad_schema"),
        (7, "bad_schema"),
    ]
    sink = FakeSink()
    async with serving(tmp_path, sink) as (session, url):
        async with session.post(url + "/v1/items", json=[ITEM, *(b for b, _ in bad)]) as answer:
            assert answer.status == 202
            told = await answer.json()
        assert told["accepted"] == 1
        assert [(r["index"], r["reason"]) for r in told["rejected"]] == [(n + 1, why) for n, (_, why) in enumerate(bad)]
        async with session.post(url + "/v1/items", json=[bad[0][0]]) as answer:
            assert answer.status == 400
        lines = json.dumps(ITEM) + '\n{broken\n{"id":"2","text":"\\ud800","source":"s"}\n'
        headers = {"Content-Type": "application/x-ndjson"}
        async with session.post(url + "/v1/items", data=lines, headers=headers) as answer:
            told = await answer.json()
        assert [r["reason"] for r in told["rejected"]] == ["bad_json", "bad_unicode"]
    assert len(sink.items) == 2


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"{}", {"Authorization": "Bearer wrong"}, 401, "unauthorized"),
        (b"{}", {"Authorization": "Basic " + TOKEN}, 401, "unauthorized"),
        (b"{}", {"Authorization": ""}, 401, "unauthorized"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "bad_type"),
        (b"{}", {"Content-Encoding": "br"}, 415, "bad_type"),
        (b"{broken", {}, 400, "bad_json"),
        (b'"\\ud800"', {}, 400, "bad_json"),
        (b"\xff\xfe", {}, 400, "bad_json"),
        (b"[" * 50_000, {}, 400, "bad_json"),
        (b"[]", {}, 400, "empty"),
        (b"\n\n", {"Content-Type": "application/x-ndjson"}, 400, "empty"),
        (b"[" + b"1," * 1000 + b"1]", {}, 413, "too_many"),
        (b" " * (5 * 1024 * 1024 + 1), {}, 413, "too_large"),
        (b"{}", {"Host": "evil.example"}, 421, "bad_host"),
    ],
)
async def test_refuses(tmp_path: Path, body: bytes, headers: dict[str, str], status: int, error: str) -> None:
    """A wrong request gets a clear JSON error, and nothing of it reaches Kafka."""
    sink = FakeSink()
    async with serving(tmp_path, sink) as (session, url):
        sent = {"Content-Type": "application/json"} | headers
        async with session.post(url + "/v1/items", data=body, headers=sent) as answer:
            assert answer.status == status
            told = await answer.json()
    assert told["error"] == error
    assert told["message"]
    assert not sink.sent


async def test_other_paths(tmp_path: Path) -> None:
    """Health needs no token; unknown paths and methods get JSON errors."""
    async with serving(tmp_path, FakeSink()) as (session, url):
        async with aiohttp.ClientSession() as anonymous, anonymous.get(url + "/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with session.get(url + "/v1/items") as answer:
            assert answer.status == 405
        async with session.get(url + "/nothing") as answer:
            assert (await answer.json())["error"] == "http"


async def test_rate(tmp_path: Path) -> None:
    """Past the burst a sender is told to wait, and for how long."""
    async with serving(tmp_path, FakeSink(), push_rate=1) as (session, url):
        statuses = []
        for _ in range(4):
            async with session.post(url + "/v1/items", json=ITEM) as answer:
                statuses.append(answer.status)
        assert statuses == [202, 202, 429, 429]
        assert answer.headers["Retry-After"] == "2"


async def test_kafka_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Kafka does not answer the sender gets a 503, never an acceptance."""
    monkeypatch.setattr(push, "KAFKA_WAIT", 0.05)
    async with serving(tmp_path, Silent()) as (session, url), session.post(url + "/v1/items", json=ITEM) as answer:
        assert answer.status == 503
        assert (await answer.json())["error"] == "kafka_away"


def test_bucket() -> None:
    """A bucket refills with time and never above its burst."""
    bucket = Bucket(2.0)
    assert [bucket.take(1.0) for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert bucket.take(1.5) == 0
    assert [bucket.take(100.0) for _ in range(5)] == [0, 0, 0, 0, 0.5]


def test_token(tmp_path: Path) -> None:
    """On loopback a token is made once, readable by its owner only; elsewhere one must be given."""
    settings = Settings(state_dir=tmp_path)
    token = token_for(settings)
    assert token_for(settings) == token
    assert len(token) >= 32
    assert stat.S_IMODE((tmp_path / "push.token").stat().st_mode) == 0o600
    with pytest.raises(PushError, match="TOCSIN_PUSH_TOKEN"):
        token_for(Settings(state_dir=tmp_path, push_host=ANYWHERE))
    with pytest.raises(PushError, match="16"):
        token_for(Settings(state_dir=tmp_path, push_token="short"))
    assert token_for(Settings(state_dir=tmp_path, push_host=ANYWHERE, push_token=TOKEN)) == TOKEN


async def test_hosts_on_all_addresses(tmp_path: Path) -> None:
    """Listening everywhere, numeric hosts and named ones are served, other names are not."""
    changes = {"push_host": ANYWHERE, "push_hosts": "tocsin.example"}
    async with serving(tmp_path, FakeSink(), **changes) as (session, url):
        for host, status in [("10.1.2.3:80", 200), ("tocsin.example", 200), ("[::1]:9", 200), ("evil.example", 421)]:
            async with session.get(url + "/healthz", headers={"Host": host}) as answer:
                assert answer.status == status


async def test_taken_port(tmp_path: Path) -> None:
    """A taken port is told with the setting that changes it."""
    async with serving(tmp_path, FakeSink()) as (_, url):
        settings = Settings(state_dir=tmp_path, push_port=int(url.rpartition(":")[2]))
        with pytest.raises(PushError, match="TOCSIN_PUSH_PORT"):
            await start(push_app(settings, TOKEN, Inflow(settings, FakeSink(), lambda: NOW), lambda: 0.0), settings)


FIELDS = st.sampled_from([*RawItem.__struct_fields__, "id", "x"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.lists(st.text(max_size=3))
)


@given(st.one_of(VALUES, st.dictionaries(FIELDS, VALUES, max_size=9)))
def test_any_object(row: Any) -> None:
    """Whatever is pushed, the answer is an item or a reason."""
    try:
        item = pushed_item(row, NOW)
    except Reject:
        item = None
    found = sort_rows([row], NOW, 8192)
    assert len(found.records) + len(found.rejected) == 1
    assert item is not None or not found.records
