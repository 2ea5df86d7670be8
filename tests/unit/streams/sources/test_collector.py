"""The live sources together."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from streams.kafka import Outgoing
from streams.settings import Settings, SettingsError
from streams.sources import collector
from streams.sources.collector import collect
from streams.sources.feedlist import FeedFileError
from streams.sources.push import PushError, token_file
from tests.unit.streams.sources.sink import FakeSink
from tests.unit.streams.sources.test_poll import Site


def made(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(state_dir=tmp_path, push_port=0, partitions=1, feeds_allow="127.0.0.0/8", **changes)


async def test_feed_push_and_ticks(tmp_path: Path) -> None:
    """A feed's entries, pushed items and ticks arrive on one inflow, and a stop ends it with a last tick."""
    async with Site().open() as site:
        feeds = tmp_path / "feeds.yaml"
        feeds.write_text(f"- {{url: '{site.url}', source: wire}}")
        settings = made(tmp_path, feeds=feeds)
        sink, stopping = FakeSink(), asyncio.Event()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(collect(settings, sink, stopping, address.set_result))
        url = await address
        headers = {"Authorization": f"Bearer {token_file(settings).read_text().strip()}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            item = {"id": "1", "source": "desk", "text": "A pushed message"}
            answer = await session.post(url + "/v1/items", json=item)
            assert answer.status == 202
        while len(sink.items) < 2:  # noqa: ASYNC110 - the sink has no event to wait for
            await asyncio.sleep(0.01)
        stopping.set()
        await running
    assert {i.source for i in sink.items} == {"wire", "desk"}
    assert sink.tick_times[-1] > max(i.collected_at for i in sink.items)
    assert sink.tick_times == sorted(sink.tick_times)


async def test_without_feeds_and_without_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a feed it runs on, and it ends on request even while Kafka does not answer."""
    monkeypatch.setattr(collector, "GRACE", 0.05)

    class Silent(FakeSink):
        async def send_all(self, records: Sequence[Outgoing]) -> None:
            await asyncio.Event().wait()

    stopping = asyncio.Event()
    running = asyncio.create_task(collect(made(tmp_path), Silent(), stopping))
    await asyncio.sleep(0.05)
    assert not running.done()
    stopping.set()
    await asyncio.wait_for(running, 2)


async def test_a_broken_part_ends_it(tmp_path: Path) -> None:
    """A fault that waiting does not mend ends the collector loudly."""

    class Refusing(FakeSink):
        async def send_all(self, records: Sequence[Outgoing]) -> None:
            raise PermissionError("no access to the topic")

    with pytest.raises(PermissionError):
        await asyncio.wait_for(collect(made(tmp_path), Refusing(), asyncio.Event()), 2)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"feeds": Path("/nonexistent/feeds.yaml")}, FeedFileError),
        ({"push_host": "192.0.2.1"}, PushError),
        ({"push_token": "short"}, PushError),
    ],
)
async def test_wrong_settings(tmp_path: Path, changes: dict[str, Any], error: type[Exception]) -> None:
    """What is set wrong is told at once."""
    with pytest.raises(error):
        await collect(made(tmp_path, **changes), FakeSink(), asyncio.Event())


async def test_wrong_allow_list(tmp_path: Path) -> None:
    """A broken allow list names its variable."""
    settings = Settings(state_dir=tmp_path, feeds_allow="everything")
    with pytest.raises(SettingsError, match="TOCSIN_FEEDS_ALLOW"):
        await collect(settings, FakeSink(), asyncio.Event())
