"""Shares judged by a model that errs."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.shares import Rates, corrected, mixed, rates_of, read_rates, wilson

PERFECT = Rates(1.0, 0.0, math.inf, math.inf)
REPOSITORY = Path(__file__).parents[3] / "models" / "repository"
EN = [[0.8, 0.11, 0.04, 0.05], [0.05, 0.84, 0.07, 0.04], [0.06, 0.09, 0.81, 0.04]]

RATES = st.builds(
    Rates,
    true_positive=st.floats(0.6, 1.0),
    false_positive=st.floats(0.0, 0.25),
    positives=st.floats(60, 5000),
    negatives=st.floats(60, 5000),
)
CONFIDENCE = st.floats(0.5, 0.99)


@given(st.integers(1, 400), st.data(), CONFIDENCE, RATES)
def test_bounds_enclose_the_share_and_more_negatives_raise_all_three(
    judged: int, data: st.DataObject, confidence: float, rates: Rates
) -> None:
    """Within [0, 1], and monotone in what was seen."""
    negative = data.draw(st.integers(0, judged - 1))
    less, more = (corrected(n, judged, confidence, rates) for n in (negative, negative + 1))
    for found in (less, more):
        assert found.corrected
        assert 0.0 <= found.low <= found.share + 1e-12
        assert found.share - 1e-12 <= found.high <= 1.0
    assert less.share <= more.share + 1e-12
    assert less.low <= more.low + 1e-12
    assert less.high <= more.high + 1e-12


@given(st.integers(1, 400), st.data(), CONFIDENCE)
def test_a_perfect_model_leaves_the_wilson_bounds(judged: int, data: st.DataObject, confidence: float) -> None:
    """Nothing to correct, nothing more to be unsure of."""
    negative = data.draw(st.integers(0, judged))
    found = corrected(negative, judged, confidence, PERFECT)
    assert found.share == pytest.approx(negative / judged)
    assert (found.low, found.high) == pytest.approx(wilson(negative, judged, confidence))


@given(st.integers(0, 100), st.floats(0.5, 0.99), st.floats(0.2, 0.6), st.floats(0.0, 0.35))
def test_a_model_that_tells_too_little_is_not_corrected(n: int, confidence: float, hit: float, miss: float) -> None:
    """Rates too close, too few rows, or none at all: the share as seen."""
    plain = corrected(n, 100, confidence, None)
    assert not plain.corrected
    assert (plain.low, plain.high) == wilson(n, 100, confidence)
    assert corrected(n, 100, confidence, Rates(0.9, 0.1, 12, 400)) == plain
    close = Rates(hit, max(miss, hit - 0.29), 500, 500)
    assert corrected(n, 100, confidence, close) == plain
    assert corrected(0, 0, confidence, PERFECT).low == 0.0


def test_what_a_model_invents_is_taken_out() -> None:
    """Six negative of sixty is what a model with 12 % false alarms shows when nothing is negative."""
    rates = Rates(0.8, 0.12, 100, 200)
    assert corrected(6, 60, 0.95, rates).share == 0.0
    assert corrected(30, 60, 0.95, rates).share == pytest.approx((0.5 - 0.12) / 0.68)
    assert corrected(12, 12, 0.95, rates).low == pytest.approx(wilson(12, 12, 0.95)[0])


@pytest.mark.parametrize(
    ("hit", "miss", "positives", "negatives"),
    [(0.8, 0.055, 500, 1000), (0.81, 0.128, 108, 217), (0.7, 0.2, 60, 100), (0.95, 0.02, 100, 200), (1, 0, 200, 200)],
)
def test_the_lower_bound_holds_as_often_as_it_says(hit: float, miss: float, positives: int, negatives: int) -> None:
    """Seeded: rates measured on so many rows, then a window of 12, 40 or 150 stories; 95 % within two points.

    Wilson's one-sided bound itself falls short by as much for small shares of few stories.
    """
    rng = random.Random(1)
    held = tries = 0
    for judged in (12, 40, 150):
        for share in (0.3, 0.5, 0.7):
            kept = 0
            for _ in range(600):
                measured = Rates(
                    _hits(rng, positives, hit) / positives,
                    _hits(rng, negatives, miss) / negatives,
                    positives,
                    negatives,
                )
                seen = _hits(rng, judged, share * hit + (1 - share) * miss)
                kept += corrected(seen, judged, 0.95, measured).low <= share
            assert kept / 600 > 0.91
            held, tries = held + kept, tries + 600
    assert held / tries > 0.94


def test_mixed_models_count_by_what_they_judged() -> None:
    """And one whose rates are not known makes the mixture unknown."""
    one, other = Rates(0.8, 0.1, 100, 200), Rates(0.6, 0.2, 100, 200)
    both = mixed([(one, 30), (other, 10), (None, 0)])
    assert both is not None
    assert both.true_positive == pytest.approx(0.75)
    assert both.false_positive == pytest.approx(0.125)
    assert both.positives == pytest.approx(100 / (0.75**2 + 0.25**2))
    alone = mixed([(one, 5)])
    assert alone is not None
    assert alone.positives == pytest.approx(100)
    assert alone.negatives == pytest.approx(200)
    assert mixed([(one, 5), (None, 1)]) is None
    assert mixed([]) is None
    assert mixed([(PERFECT, 3)]) == PERFECT


def test_the_least_favourable_of_the_other_sentiments_counts() -> None:
    """Positive taken for negative more often than neutral is."""
    rates = rates_of(EN, 2500)
    assert (rates.true_positive, rates.false_positive) == (0.8, 0.06)
    assert (rates.positives, rates.negatives) == (500, 1000)
    with pytest.raises(ValueError, match="a row for each of negative, neutral, positive"):
        rates_of(EN[:2], 2500)


def test_the_shipped_models_have_usable_rates() -> None:
    """Keyed as mentions name their model."""
    found = read_rates(REPOSITORY)
    assert {key.partition("@")[0] for key in found} == {"opinion-en", "opinion-zh"}
    assert all(rates.usable for rates in found.values())


def test_a_repository_is_read_version_by_version(tmp_path: Path) -> None:
    """Several languages count as the worst of them, an unmeasured version is left out, a damaged file is named."""
    worse = [[0.7, 0.2, 0.05, 0.05], *EN[1:]]
    calibration = {"en": {"confusion": EN, "rows": 2500}, "zh": {"confusion": worse, "rows": 500}}
    write(tmp_path / "both" / "1", {"model": "both", "version": "1-aa", "calibration": calibration})
    write(
        tmp_path / "new" / "2", {"model": "new", "version": "2-bb", "calibration": {"en": {"confusion": EN, "rows": 0}}}
    )
    assert read_rates(tmp_path) == {"both@1-aa": Rates(0.7, 0.06, 100.0, 200.0)}
    assert read_rates(tmp_path / "nowhere") == {}
    write(tmp_path / "bad" / "1", {"model": "bad"})
    with pytest.raises(ValueError, match=r"bad/1/metadata\.json: no confusion matrix.*export the model again"):
        read_rates(tmp_path)


def write(folder: Path, metadata: object) -> None:
    """A version folder with this metadata."""
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")


def _hits(rng: random.Random, of: int, rate: float) -> int:
    return sum(rng.random() < rate for _ in range(of))
