"""State as bytes."""

from __future__ import annotations

import pytest

from alerts import snapshots
from alerts.engine import Engine
from alerts.snapshots import EngineState, SnapshotError, pack, position, unpack
from tests.unit.alerts.signals import A, engine, fold, mention, rule, tick

RULE = rule("type: threshold, at_least: 2, window: 30m, keep_firing_for: 1h")


def full() -> Engine:
    """An engine with mentions, an open alert, and something waiting."""
    target = engine(RULE)
    fold(target, mention(1, "a"), mention(2, "b"), tick(5), mention(9, "c"))
    return target


def test_a_snapshot_knows_its_position_without_being_unpacked() -> None:
    """The newest of many is found cheaply."""
    assert position(full().snapshot()) == 4
    assert position(full().snapshot()[: snapshots.HEAD]) == 4


def test_a_restored_engine_makes_the_same_snapshot() -> None:
    """Nothing is lost on the way, and the bytes do not depend on how often."""
    once = full().snapshot()
    assert Engine.restore(once, [RULE], lateness=0, channels=[A]).snapshot() == once
    assert unpack(once).alerts[0].firing
    assert len(unpack(once).waiting) == 1


def test_a_snapshot_taken_twice_is_the_same() -> None:
    """Taking one changes nothing."""
    target = full()
    assert target.snapshot() == target.snapshot()


@pytest.mark.parametrize("version", [0, 1, 255])
def test_another_version_is_refused_by_name(version: int) -> None:
    """The message says which versions meet."""
    data = full().snapshot()
    with pytest.raises(SnapshotError, match=f"version {version}, this program reads {snapshots.VERSION}"):
        unpack(data[:6] + bytes([version]) + data[7:])


def test_a_state_too_large_for_the_topic_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter windows or more partitions."""
    monkeypatch.setattr(snapshots, "LARGEST", 10)
    with pytest.raises(SnapshotError, match="TOCSIN_PARTITIONS"):
        pack(EngineState())
