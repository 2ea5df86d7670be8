"""F1 as the literature computes it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.data import Row
from models.measure import by_dataset, f1_scores, measure, table


def test_f1_of_a_worked_example() -> None:
    """Two of three hits for label 0, one false alarm."""
    truth, guess = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0])
    assert np.allclose(f1_scores(truth, guess, 3), [2 * 2 / 6, 2 * 1 / 3, 0.0])
    found = measure(truth, guess, 3)
    assert found == {"rows": 5, "macro_f1": 0.4444, "weighted_f1": 0.5333, "accuracy": 0.6}


def test_label_absent_from_the_truth_does_not_lower_macro_f1() -> None:
    """A two-class set judged by a three-class model is averaged over two classes."""
    assert measure(np.array([0, 2]), np.array([0, 2]), 3)["macro_f1"] == 1.0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_scores_lie_between_zero_and_one(pairs: list[tuple[int, int]]) -> None:
    """Whatever is guessed."""
    truth, guess = (np.array(column) for column in zip(*pairs, strict=True))
    assert all(0 <= value <= 1 for name, value in measure(truth, guess, 5).items() if name != "rows")


def test_each_data_set_is_measured_with_its_own_head() -> None:
    """Rows of several sets in any order; the table has a line for each."""
    rows = [Row("1", "a", "sentiment", 2, "s", "A"), Row("2", "b", "topic", 7, "t", "A")]
    out = {"sentiment": np.eye(3)[[2, 0]], "topic": np.eye(20)[[0, 7]]}
    results = by_dataset(rows, out)
    assert {name: found["macro_f1"] for name, found in results.items()} == {"s": 1.0, "t": 1.0}
    assert table(results).splitlines()[2].startswith("| s | 1 | 1.000 |")
