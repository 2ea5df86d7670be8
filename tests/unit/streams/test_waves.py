"""The order of effects in enrich: a tick follows what it promises and precedes what comes after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.enrich import Enriched, waves
from streams.kafka import Message, Outgoing
from streams.topics import DOCUMENTS

START = datetime(2026, 1, 1, tzinfo=UTC)


def enriched(partition: int, offset: int, is_tick: bool) -> Enriched:
    message = Message("news.raw", partition, offset, None, b"", 0.0)
    if is_tick:
        return Enriched(message, tick=START + timedelta(seconds=offset))
    return Enriched(message, (Outgoing(DOCUMENTS, f"{partition}@{offset}".encode()),))


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=40))
def test_waves_keep_the_order_of_each_channel(batch: list[tuple[int, bool]]) -> None:
    """Written wave by wave, records then ticks, every channel comes out in its own order with nothing missing."""
    items = [enriched(partition, offset, is_tick) for offset, (partition, is_tick) in enumerate(batch)]
    written: list[tuple[int, int]] = []
    for wave in waves(items):
        written += [tuple(map(int, r.value.decode().split("@"))) for r in wave.records]  # type: ignore[misc]
        written += [(t.message.partition, t.message.offset) for t in wave.ticks]
    assert sorted(written) == sorted((i.message.partition, i.message.offset) for i in items)
    for partition in range(3):
        of_channel = [(p, o) for p, o in written if p == partition]
        expected = [(i.message.partition, i.message.offset) for i in items if i.message.partition == partition]
        ticks = {i.message.offset for i in items if i.tick is not None}
        cut = [o in ticks for _, o in of_channel]
        assert cut == [o in ticks for _, o in expected]
        assert {o for _, o in of_channel} == {o for _, o in expected}
        assert [o for _, o in of_channel if o in ticks] == [o for _, o in expected if o in ticks]
