"""Scales put values where they belong, ticks are round, and what belongs to one rule looks like no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.report import charts
from alerts.evaluation.report.charts import Scale


def test_a_scale_is_even() -> None:
    """Half the way is in the middle, either way round."""
    assert [Scale(0, 10, 100, 200)(value) for value in (0, 5, 10)] == [100, 150, 200]
    assert [Scale(0, 1, 300, 20)(value) for value in (0, 0.5, 1)] == [300, 160, 20]


def test_ten_times_as_much_is_as_far_everywhere() -> None:
    """On a logarithmic scale decades are of one width, and zero stands apart from what is small."""
    scale = Scale(0.001, 1, 0, 100, log=True)
    places = [scale(value) for value in (0.001, 0.01, 0.1, 1)]
    assert [round(b - a, 1) for a, b in pairwise(places)] == [30.0, 30.0, 30.0]
    assert scale(0) == 0
    assert places[0] == 10


@given(st.floats(-1e12, 1e12), st.booleans())
def test_nothing_is_drawn_outside(value: float, log: bool) -> None:
    """A value beyond the ends of an axis lies at its end."""
    assert 10 <= Scale(0.01, 10, 10, 90, log=log)(value) <= 90


def test_a_scale_without_extent_is_a_point() -> None:
    """Where all values are one, they lie at the start."""
    assert Scale(3, 3, 10, 90)(3) == 10


@given(st.lists(st.floats(1e-9, 1e6), max_size=20))
def test_decades_hold_every_value(values: list[float]) -> None:
    """The ends are powers of ten with all values between them, at least a decade apart."""
    low, high = charts.decades(values)
    assert high >= low * 9.99
    assert all(low * 0.9999 <= value <= high * 1.0001 for value in values)
    ticks = charts.log_ticks(low, high)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 7
    assert low * 0.9999 <= ticks[0] <= low * 1e3
    assert ticks[-1] == pytest.approx(high)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)), st.integers(0, 9000))
def test_dates_are_few_and_round(begin: datetime, days: int) -> None:
    """At most as many as asked for, in order, within the period, at the beginning of a day."""
    start = begin.replace(tzinfo=UTC)
    end = start + timedelta(days=days)
    ticks = charts.month_ticks(start, end, 8)
    assert len(ticks) <= 9
    assert ticks == sorted(ticks)
    assert all(start <= at <= end and (at.hour, at.minute, at.second) == (0, 0, 0) for at in ticks)
    if days > 62:
        assert ticks
        assert all(at.day == 1 or days <= 24 for at in ticks)


def test_rules_differ_by_more_than_colour() -> None:
    """Two rules of one colour have another mark or another line; 280 rules are all different."""
    styles = [charts.style(n) for n in range(280)]
    assert len(set(styles)) == 280
    assert len({(s.mark, s.dash) for s in styles[:35]}) == 35
    assert [charts.letter(n) for n in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]


def test_counts_are_steps() -> None:
    """A day's count is as wide as the day, and equal neighbours are one step."""
    path = charts.steps([0, 2, 2, 0], Scale(0, 4, 0, 40), Scale(0, 2, 10, 0))
    assert path == "M0 10H10V0H30V10H40V10Z"
    assert charts.steps([], Scale(0, 1, 0, 40), Scale(0, 1, 10, 0)) == "M0 10V10Z"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_labels_do_not_lie_on_each_other(places: list[tuple[int, int]]) -> None:
    """Labels of marks in one place are moved apart, and none is lost."""
    moved = charts.spread([(float(x), float(y)) for x, y in places])
    assert len(moved) == len(places)
    for n, (x, y) in enumerate(moved):
        assert x == places[n][0]
        assert all(abs(x - a) >= 13 or abs(y - b) >= 10.3 for a, b in moved[n + 1 :])


def test_words_in_a_drawing_are_text() -> None:
    """Markup in a name is escaped where it is drawn, also in titles."""
    assert "<b>" not in charts.text(0, 0, "<b>")
    assert "&lt;b&gt;" in charts.mark(0, 0, charts.CIRCLE, 1, "c0", "<b>")
    assert '"><b' not in charts.drawing(1, 1, '"><b', [])
