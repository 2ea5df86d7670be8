"""Numbers, lengths and times as the report writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.report import wording
from alerts.evaluation.result import Interval


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.0, "0"), (0.00123, "0.0012"), (0.015, "0.015"), (0.0996, "0.100"), (3.44, "3.4"), (12.0, "12"),
     (1234.0, "1,234"), (float("inf"), "∞"), (4e-7, "0.00000040")],
)  # fmt: skip
def test_a_rate_has_two_digits_that_count(value: float | None, said: str) -> None:
    """Small and large numbers are written out, never in powers of ten."""
    assert wording.rate(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.0, "0 s"), (59.4, "59 s"), (61.0, "1 min 1 s"), (2295.0, "38 min"), (7500.0, "2 h 5 min"),
     (86_399.0, "1 d"), (90_000.0, "1 d 1 h"), (86_400.0 + 300, "1 d"), (-2157.0, "−36 min"), (-0.2, "0 s")],
)  # fmt: skip
def test_a_length_has_its_two_largest_units(seconds: float | None, said: str) -> None:
    """Units are next to each other, small ones are left out of long times, a minus says early."""
    assert wording.length(seconds, "en") == said


def test_lengths_in_chinese() -> None:
    """Units have their own words."""
    assert wording.length(7500.0, "zh") == "2 小时 5 分钟"


def test_bounds_and_settings() -> None:
    """An interval by its bounds; a setting as one would write it."""
    assert wording.between(Interval(low=0.2, high=0.81)) == "0.20–0.81"
    assert wording.between(Interval(low=0.0009, high=0.003), small=True) == "0.00090–0.0030"
    assert wording.between(None) == ""
    assert [wording.setting(v) for v in (0.0001, 1e-9, 4.0, None)] == ["0.0001", "0.000000001", "4", "–"]
    assert [wording.share(v) for v in (0.412, -0.001, -0.25, None)] == ["0.41", "0.00", "−0.25", "–"]


def test_times_say_their_zone() -> None:
    """A moment is told in UTC, and says so."""
    assert wording.stamp(datetime(2014, 7, 24, 20, 5, tzinfo=UTC)) == "2014-07-24 20:05 UTC"
    assert wording.stamp(None) == "–"


def test_groups_have_names() -> None:
    """A topic by its name in the reader's language; what has none stands as it is."""
    assert wording.group("topic", "legal", "zh") == "法律与监管"
    assert wording.group("lang", "en", "zh") == "en"
    assert wording.group("topic", "", "en") == "–"


@given(st.text(), st.integers(1, 80))
def test_text_from_outside_is_one_short_line(text: str, limit: int) -> None:
    """No line breaks, no more than the limit."""
    said = wording.told(text, limit)
    assert len(said) <= limit
    assert "\n" not in said
