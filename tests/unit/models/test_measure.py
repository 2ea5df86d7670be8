"""F1 as the literature computes it, and how sure it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data import Row
from models.measure import by_dataset, by_label, confused, difference, f1_scores, interval, measure, table

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1)


def test_f1_of_a_worked_example() -> None:
    """Two of three hits for label 0, one false alarm."""
    truth, guess = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0])
    assert np.allclose(f1_scores(truth, guess, 3), [2 * 2 / 6, 2 * 1 / 3, 0.0])
    found = measure(truth, guess, 3)
    assert found == {"rows": 5, "macro_f1": 0.4444, "weighted_f1": 0.5333, "accuracy": 0.6}


def test_precision_recall_and_support_of_each_label() -> None:
    """A label that is neither true nor guessed is left out; one that is only guessed stands with support 0."""
    found = by_label(confused(np.array([0, 0, 1]), np.array([0, 3, 1]), 5), "abcde")
    assert found["a"] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "support": 2}
    assert found["d"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert list(found) == ["a", "b", "d"]


def test_label_absent_from_the_truth_does_not_lower_macro_f1() -> None:
    """A two-class set judged by a three-class model is averaged over two classes."""
    assert measure(np.array([0, 2]), np.array([0, 2]), 3)["macro_f1"] == 1.0


@given(PAIRS)
def test_scores_lie_between_zero_and_one(pairs: list[tuple[int, int]]) -> None:
    """Whatever is guessed."""
    truth, guess = (np.array(column) for column in zip(*pairs, strict=True))
    assert all(0 <= value <= 1 for name, value in measure(truth, guess, 5).items() if name != "rows")


@settings(max_examples=20)
@given(PAIRS)
def test_counts_and_labels_give_the_same_macro_f1(pairs: list[tuple[int, int]]) -> None:
    """The interval, made of counts, has its ends in order and between zero and one."""
    truth, guess = (np.array(column) for column in zip(*pairs, strict=True))
    low, high = interval(confused(truth, guess, 5))
    assert 0 <= low <= high <= 1


def test_interval_narrows_with_the_rows() -> None:
    """Of 4,000 rows at 80 % the macro F1 is known to about 0.012, of 100 rows to about 0.08; it holds the score."""
    chance = np.random.default_rng(1)
    widths = []
    for rows in (100, 4000):
        truth = chance.integers(0, 3, rows)
        guess = np.where(chance.random(rows) < 0.8, truth, (truth + 1) % 3)
        low, high = interval(confused(truth, guess, 3))
        assert low < measure(truth, guess, 3)["macro_f1"] < high
        widths.append(high - low)
    assert widths[0] == pytest.approx(0.16, abs=0.04)
    assert widths[1] == pytest.approx(0.024, abs=0.005)


def test_a_perfect_judge_stays_perfect_in_every_draw() -> None:
    """A rare label that a draw lacks does not count as missed."""
    counts = np.diag([400, 3, 1, 0])
    assert interval(counts) == (1.0, 1.0)


def test_a_set_in_two_languages_is_measured_in_each() -> None:
    """The title says which."""
    rows = [Row("1", "a", {"sentiment": 2}, "s", "A", "en"), Row("2", "b", {"sentiment": 0}, "s", "A", "zh")]
    found = by_dataset(rows, {"sentiment": np.eye(3)[[2, 1]]})
    assert {name: each["accuracy"] for name, each in found.items()} == {"s/en": 1.0, "s/zh": 0.0}


def test_difference_is_that_of_the_two_scores_and_zero_against_itself() -> None:
    """Rows judged alike tell nothing about a difference, however many."""
    chance = np.random.default_rng(2)
    truth, old, new = (chance.integers(0, 3, 500) for _ in range(3))
    delta, low, high = difference(truth, old, new, 3)
    expected = measure(truth, new, 3)["macro_f1"] - measure(truth, old, 3)["macro_f1"]
    assert delta == pytest.approx(expected, abs=2e-4)
    assert low < delta < high
    assert difference(truth, old, old, 3) == (0.0, 0.0, 0.0)


def test_each_data_set_is_measured_with_its_own_head() -> None:
    """Rows of several sets in any order; a set with two heads has a line for each; the table has all."""
    rows = [
        Row("1", "a", {"sentiment": 2}, "s", "A", "en"),
        Row("2", "b", {"topic": 7, "sentiment": 0}, "t", "A", "en"),
    ]
    out = {"sentiment": np.eye(3)[[2, 0]], "topic": np.eye(20)[[0, 7]]}
    results = by_dataset(rows, out)
    assert {name: found["macro_f1"] for name, found in results.items()} == {
        "s": 1.0,
        "t/topic": 1.0,
        "t/sentiment": 1.0,
    }
    assert table(results).splitlines()[2].startswith("| s | 1 | 1.000 |")
