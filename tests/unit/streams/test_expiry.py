"""Removing what is past its retention goes in portions, passes faults by, and is one worker's at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import ConnectionTimeout

from streams import expiry, metrics
from streams.expiry import due, keep_removing, own_indices, remove
from streams.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Elastic:
    """Indices with so many documents past their retention; one that is not clear raises or tells of a failure."""

    past: dict[str, int]
    faults: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: Exception | None = None
    marked: bool = True

    @property
    def indices(self) -> Elastic:
        return self

    async def get_mapping(self, **_: Any) -> dict[str, Any]:
        if self.away:
            raise self.away
        meta = {"_meta": {"tocsin_replay": {"name": "q1"}}} if self.marked else {}
        return {name: {"mappings": meta if name.startswith("replay.") else {}} for name in self.past}

    async def search(self, index: str, size: int, **_: Any) -> Any:
        hit = {"_id": "x", "_seq_no": 1, "_primary_term": 1}
        return {"aggregations": {"days": {"buckets": []}}, "hits": {"hits": [hit] * min(size, self.past[index])}}

    async def count(self, index: str, **_: Any) -> Any:
        return {"count": self.past[index]}

    async def bulk(self, index: str, operations: list[Any], refresh: bool) -> Any:
        assert refresh
        self.asked.append(index)
        fault = self.faults.get(index)
        if isinstance(fault, Exception):
            raise fault
        status = fault or 200
        self.past[index] -= len(operations) if status == 200 else 0
        return {"items": [{"delete": {"status": status, "error": {"type": f"x{status}"}}} for _ in operations]}

    async def close(self) -> None: ...


def elastic(past: dict[str, int], **more: Any) -> Any:
    return Elastic(past, **more)


async def test_only_own_indices_are_looked_at_and_a_replay_s_only_with_its_mark() -> None:
    """What merely looks like ours is nobody's to clear."""
    found = elastic({"documents-2026.03": 0, "documents-mine": 0, "replay.q1.documents-2026.03": 0, "alerts-2026": 0})
    assert await own_indices(found, Settings()) == ["documents-2026.03", "replay.q1.documents-2026.03"]
    found.marked = False
    assert await own_indices(found, Settings()) == ["documents-2026.03"]


async def test_it_goes_on_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portion by portion, index by index; what went is counted, and a second round finds nothing."""
    monkeypatch.setattr(expiry, "PORTION", 10)
    monkeypatch.setattr(expiry, "PAUSE", 0.0)
    found = elastic({"documents-2026.03": 25, "documents-2026.04": 0, "documents-old": 10})
    assert await due(found, Settings(), NOW) == {"documents-2026.03": 25, "documents-old": 10}
    before = metrics.EXPIRED._value.get()
    done = await remove(found, Settings(), NOW)
    assert (done.removed, done.complete) == ({"documents-2026.03": 25, "documents-old": 10}, True)
    assert metrics.EXPIRED._value.get() == before + 35
    assert await due(found, Settings(), NOW) == {}
    assert (await remove(found, Settings(), NOW)).removed == {}


async def test_a_fault_of_one_index_leaves_the_others_alone() -> None:
    """One that is read-only or does not answer is told, what was changed meanwhile waits, the rest is cleared."""
    faults = {"documents-2026.02": ConnectionTimeout("slow"), "documents-2026.03": 403, "documents-2026.05": 409}
    found = elastic({f"documents-2026.0{n}": 3 for n in (2, 3, 4, 5)}, faults=faults)
    done = await remove(found, Settings(), NOW)
    assert done.removed == {"documents-2026.04": 3}
    assert done.failed == {"documents-2026.02": "ConnectionTimeout", "documents-2026.03": "x403"}
    assert not done.complete


async def test_a_round_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it stops between two portions and says that something is left."""
    monkeypatch.setattr(expiry, "PORTION", 10)
    monkeypatch.setattr(expiry, "PAUSE", 0.0)
    times: Iterator[float] = iter([0.0, 1.0, 2.0, expiry.BUDGET])
    found = elastic({"documents-2026.03": 99, "documents-2026.04": 5})
    done = await remove(found, Settings(), NOW, lambda: next(times, expiry.BUDGET))
    assert (done.removed, done.left, done.complete) == ({"documents-2026.03": 20}, True, False)


@pytest.mark.parametrize("mine", [True, False])
async def test_it_is_done_by_whom_it_belongs_to_and_again_after_a_fault(
    monkeypatch: pytest.MonkeyPatch, mine: bool
) -> None:
    """A worker that does not read the first partition asks nothing; a fault ends nothing, and only success counts."""
    found = Elastic({"documents-2026.03": 2}, away=ConnectionTimeout("slow"))
    monkeypatch.setattr(expiry, "client", lambda *_: found)
    monkeypatch.setattr(expiry, "SOON", 0.001)
    monkeypatch.setattr(expiry, "PAUSE", 0.0)
    clock = iter([NOW, *[NOW.replace(hour=13)] * 99_999])
    running = asyncio.create_task(keep_removing(Settings(), "", lambda: next(clock), lambda: mine, first=0.001))
    await asyncio.sleep(0.02)
    assert metrics.EXPIRED_ALL._value.get() == NOW.timestamp()
    found.away = None
    await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert found.asked == (["documents-2026.03"] if mine else [])
    assert (metrics.EXPIRED_ALL._value.get() > NOW.timestamp()) == mine
