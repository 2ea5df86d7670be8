"""The pace of events, and how far a replay says it has got."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from console.replay.display import _period, _periods
from console.replay.keeping import Keeping
from console.replay.pace import Pace
from console.replay.reporting import line
from console.replay.source import Notes
from streams.records import Mention, decode
from tests.unit.alerts.signals import at
from tests.unit.console.replay.past import crises


class Clock:
    """Time that passes when somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds


async def test_events_come_as_far_apart_as_they_were() -> None:
    """Divided by the speed; the first is now, and what is due together comes together."""
    clock = Clock()
    pace = Pace(60.0, clock, clock.sleep)
    for minutes in (10, 10, 12, 12, 20):
        await pace.wait(at(minutes))
    assert clock.slept == [pytest.approx(2.0), pytest.approx(8.0)]


async def test_a_stopped_process_goes_on_where_it_was() -> None:
    """After a minute in the background it does not rush through what was missed."""
    clock = Clock()
    pace = Pace(60.0, clock, clock.sleep)
    await pace.wait(at(0))
    clock.now += 60.0
    await pace.wait(at(1))
    await pace.wait(at(3))
    assert clock.slept == [pytest.approx(2.0)]


async def test_a_little_delay_is_made_good() -> None:
    """Work takes time; the pace stays that of the events."""
    clock = Clock()
    pace = Pace(60.0, clock, clock.sleep)
    await pace.wait(at(0))
    clock.now += 0.5
    await pace.wait(at(2))
    assert clock.slept == [pytest.approx(1.5)]


def test_a_line_says_how_far_it_is() -> None:
    """Reading, then playing with its rate, then what was judged; no number before it is known."""
    session = SimpleNamespace(source=None, replay=None, judging=None)
    assert "0" in line(session, 1.0)  # type: ignore[arg-type]
    session.source = SimpleNamespace(notes=Notes(total=2000, read=500))
    assert "2,000" in line(session, 1.0)  # type: ignore[arg-type]
    session.replay = SimpleNamespace(at=at(0), records=1000, read=500)
    session.judging = SimpleNamespace(counts=(3, 4))
    said = line(session, 2.0)  # type: ignore[arg-type]
    assert all(word in said for word in ("2026-01-05 00:00", "500", "2,000", "500/s", "3", "4"))


@pytest.mark.parametrize("name", ["kept.jsonl", "kept.jsonl.gz"])
def test_what_was_kept_after_the_last_save_is_dropped(name: str, tmp_path: Path) -> None:
    """The part is cut to what the checkpoint says, and the file appears only at the end."""
    first = Keeping(tmp_path / name)
    first.write(crises()[0])
    kept = first.save()
    first.write(crises()[1])
    first.close()
    assert not (tmp_path / name).exists()
    again = Keeping(tmp_path / name, kept=kept)
    again.write(crises()[2])
    again.finish()
    data = (tmp_path / name).read_bytes()
    rows = (gzip.decompress(data) if name.endswith("gz") else data).splitlines()
    assert [decode(row, Mention) for row in rows] == [crises()[0], crises()[2]]


def test_an_unfinished_part_is_removed(tmp_path: Path) -> None:
    """A run that cannot be continued leaves no part behind."""
    keeping = Keeping(tmp_path / "kept.jsonl")
    keeping.write(crises()[0])
    keeping.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("long", "periods"), [(False, 5), (True, 2)])
def test_every_period_between_is_shown(long: bool, periods: int) -> None:
    """Weeks begin on Monday, months on their first day; those without alerts are among them."""
    begin, end = datetime(2026, 1, 7, tzinfo=UTC), datetime(2026, 2, 5, tzinfo=UTC)
    found = _periods(begin, end, long)
    assert len(found) == periods
    assert found[0] == _period(begin, long) <= begin.date()
    assert found[-1] <= end.date()
