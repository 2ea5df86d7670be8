"""The alert log: canonical lines in one order, taken up again after a pause, faults with their line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.replay.log import AlertLog, LogError, key, line, read_log
from alerts.replay.playback import Playback
from streams.records import AlertEvent
from tests.unit.alerts.signals import mention, rule

RULE = rule("type: threshold, at_least: 2, window: 20m, keep_firing_for: 5m")


@pytest.fixture
def events() -> list[AlertEvent]:
    """The events of three subjects, in order of a log."""
    playback = Playback([RULE], lateness=0)
    log = [mention(n, f"{s}{n}", subject=f"entity:{s}") for n in range(6) for s in "abc"]
    found = [event for one in log for event in playback.mention(one)] + playback.finish(7200)
    assert len(found) > 5
    return found


def written(log: AlertLog, path: Path) -> bytes:
    """What the log writes."""
    with path.open("wb") as file:
        log.copy(file)
    return path.read_bytes()


def test_the_order_of_writing_does_not_matter(events: list[AlertEvent], tmp_path: Path) -> None:
    """Partitions that interleave otherwise give the same bytes."""
    found = []
    for seed in range(3):
        log = AlertLog(tmp_path / f"spool{seed}")
        for event in random.Random(seed).sample(events, len(events)):
            log.write(event)
        found.append(written(log, tmp_path / "log.jsonl"))
        assert list(log.events()) == list(read_log(tmp_path / "log.jsonl"))
        log.remove()
        assert not (tmp_path / f"spool{seed}").exists()
    assert len(set(found)) == 1
    keys = [key(event) for event in read_log(tmp_path / "log.jsonl")]
    assert keys == sorted(keys)


def test_maps_are_written_in_order(events: list[AlertEvent]) -> None:
    """Equal events are equal bytes, however their maps were filled."""
    one = replace(events[0], labels={"b": "1", "a": "2"})
    other = replace(events[0], labels={"a": "2", "b": "1"})
    assert line(one) == line(other)


def test_a_spool_is_taken_up_again(events: list[AlertEvent], tmp_path: Path) -> None:
    """What was written after the last save is dropped, and written again by the run that continues."""
    spool = tmp_path / "run" / "spool"
    first = AlertLog(spool)
    for event in events[:3]:
        first.write(event)
    kept = first.save()
    first.write(events[3])
    first.close()
    again = AlertLog(spool, kept)
    assert len(again) == 3
    for event in events[3:]:
        again.write(event)
    whole = AlertLog(tmp_path / "whole")
    for event in events:
        whole.write(event)
    assert written(again, tmp_path / "a") == written(whole, tmp_path / "b")
    again.close()
    whole.close()


def test_reading_between_writes_loses_nothing(events: list[AlertEvent], tmp_path: Path) -> None:
    """The log may be read while it grows."""
    log = AlertLog(tmp_path / "spool")
    for event in events:
        log.write(event)
        assert len(list(log.events())) == len(log)
    log.close()


@pytest.mark.parametrize("row", [b"{}", b"no json", b'{"type":"mention"}', b"\xff"])
def test_a_bad_line_is_told_with_its_place(row: bytes, events: list[AlertEvent], tmp_path: Path) -> None:
    """The fault names file and line, and says what to take."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(line(events[0]) + b"\n\n" + row + b"\n")
    reading = read_log(path)
    assert next(reading) == events[0]
    with pytest.raises(LogError, match=r"log\.jsonl:3: not an alert event .*--log"):
        next(reading)
