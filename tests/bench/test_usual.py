"""The comparison of baselines, in small."""

from __future__ import annotations

from tests.bench.usual import compared


def test_the_new_baseline_rings_less_for_nothing_at_equal_recall() -> None:
    """Twelve invented subjects with twelve stories a day, seeded."""
    first, _, equal = compared(12.0, 12)
    assert first.recall > 0.1
    assert equal.recall >= first.recall
    assert equal.false <= first.false
