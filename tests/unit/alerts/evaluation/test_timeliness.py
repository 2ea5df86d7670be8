"""The delay-weighted score, against values computed by hand from the paper's formula."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.result import Matching
from alerts.evaluation.timeliness import LOW_FALSE, LOW_MISS, STANDARD, sigma
from tests.unit.alerts.evaluation.cases import BOLT, alert, event, measured

TWO = [event(100), event(300)]  # windows of a day from the onset
EDGE = 2 / (1 + exp(-5)) - 1


@pytest.mark.parametrize(
    ("place", "value"), [(-1, 0.98661), (-0.5, 0.84828), (0, 0.0), (0.5, -0.84828), (1, -0.98661), (3, -1), (9, -1)]
)
def test_the_sigmoid_is_the_paper_s(place: float, value: float) -> None:
    """The values that the benchmark's own code states."""
    assert sigma(place) == pytest.approx(value, abs=1e-5)


def test_all_at_once_and_nothing_else_is_one() -> None:
    """In every profile; ringing earlier earns no more."""
    for alerts in ([alert(100), alert(300)], [alert(98), alert(299)]):
        found = measured(alerts, TWO)
        assert (found.score, found.score_low_false, found.score_low_miss) == (1.0, 1.0, 1.0)


def test_silence_is_nothing() -> None:
    """In every profile."""
    found = measured([], TWO)
    assert (found.score, found.score_low_false, found.score_low_miss) == (0.0, 0.0, 0.0)


def test_one_of_two_found_halfway_with_a_false_alarm_far_away() -> None:
    """Half a window late, one missed, one false alarm on a subject without events."""
    found = measured([alert(112), alert(112, BOLT)], TWO)
    earned = 0.848284 / EDGE
    assert found.score == pytest.approx((earned - 1 - 0.11 + 2) / 4, abs=1e-5)
    assert found.score_low_false == pytest.approx((earned - 1 - 0.22 + 2) / 4, abs=1e-5)
    assert found.score_low_miss == pytest.approx((earned - 2 - 0.11 + 4) / 6, abs=1e-5)


def test_a_false_alarm_soon_after_a_window_costs_less() -> None:
    """A tenth of a width after the end it costs a quarter of a whole one: 1 - 2 / (1 + exp(0.5))."""
    found = measured([alert(100), alert(124 + 2.4), alert(300)], TWO)
    assert found.score == pytest.approx(1 - 0.11 * (1 - 2 / (1 + exp(0.5))) / 4)


def test_at_the_very_end_an_event_earns_what_no_miss_costs() -> None:
    """Found at the right edge: nothing but the missing penalty."""
    assert measured([alert(124)], [event(100)]).score == pytest.approx(0.5)


def test_a_window_without_length_is_found_at_once() -> None:
    """An event and a matching that give no time after the onset."""
    instant = Matching(before_s=60, after_s=0)
    assert measured([alert(100)], [event(100)], matching=instant).score == 1.0
    assert measured([alert(100), alert(101)], [event(100)], matching=instant).score == pytest.approx(1 - 0.11 / 2)


@given(late=st.floats(0, 24), later=st.floats(0, 24))
def test_earlier_is_never_worse(late: float, later: float) -> None:
    """In every profile."""
    first, second = (measured([alert(100 + each)], TWO) for each in sorted((late, later)))
    for name in ("score", "score_low_false", "score_low_miss"):
        assert getattr(first, name) >= getattr(second, name)


def test_the_profiles_are_the_benchmark_s() -> None:
    """A false alarm weighs double in one, a miss in another."""
    assert (STANDARD.false, STANDARD.miss) == (0.11, 1.0)
    assert (LOW_FALSE.false, LOW_FALSE.miss) == (0.22, 1.0)
    assert (LOW_MISS.false, LOW_MISS.miss) == (0.11, 2.0)
