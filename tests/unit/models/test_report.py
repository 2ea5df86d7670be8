"""The report: every score of every set, by the rule that its labels ask for."""

import json

import numpy as np
import pytest

from models.data import Row
from models.labels import HEADS, SENTIMENTS
from models.report import describe, digest, one_set, read_spelt, spelt
from models.truth import WHOLE, Case, Truth

BELOW = {"en": 0.5, "zh": 0.5}


def row(label: int, dataset: str = "s", head: str = "sentiment", lang: str = "en", register: str = "") -> Row:
    """A row with one label."""
    return Row(f"{dataset}{label}", f"text {label}", {head: label}, dataset, "A", lang, register)


def sentiments(*rows: tuple[float, float, float]) -> np.ndarray:
    """Probabilities of the three sentiments."""
    return np.array(rows)


def test_two_sentiments_are_judged_among_three_and_among_two() -> None:
    """A neutral verdict is wrong by the first rule; the second asks which of the two is likelier."""
    rows = [row(0), row(2), row(2)]
    found = one_set(rows, "sentiment", sentiments((0.6, 0.3, 0.1), (0.1, 0.5, 0.4), (0.1, 0.2, 0.7)), BELOW, False)
    assert found["handled"] == "two"
    assert found["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["among_two"]["accuracy"] == 1.0
    assert found["by_label"]["neutral"]["support"] == 0


def test_negative_or_not_is_judged_by_both_rules() -> None:
    """0.45 negative is the likeliest of three, yet less than a half."""
    rows = [row(0), row(1), row(1)]
    found = one_set(rows, "sentiment", sentiments((0.45, 0.3, 0.25), (0.1, 0.2, 0.7), (0.2, 0.7, 0.1)), BELOW, True)
    assert found["handled"] == "coarse"
    assert found["accuracy"] == 1.0
    assert found["among_two"]["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["confusion"] == {"labels": ["negative", "non-negative"], "counts": [[1, 0], [0, 2]]}


def test_other_sets_are_judged_among_all_labels() -> None:
    """Two of three sentiments, one of them neutral, are no special case; nor are topics."""
    probabilities = sentiments((0.6, 0.3, 0.1), (0.1, 0.5, 0.4))
    assert one_set([row(0), row(1)], "sentiment", probabilities, BELOW, False)["handled"] == "all"
    topics = np.eye(len(HEADS["topic"]))[[3, 4]]
    found = one_set([row(3, head="topic"), row(4, head="topic")], "topic", topics, BELOW, False)
    assert (found["handled"], found["macro_f1"]) == ("all", 1.0)
    assert "abstention" not in found


def test_abstention_is_measured_at_the_model_s_own_bound() -> None:
    """Two of three verdicts are sure enough, one of these is wrong."""
    probabilities = sentiments((0.8, 0.1, 0.1), (0.4, 0.35, 0.25), (0.1, 0.2, 0.7))
    found = one_set([row(0), row(1), row(0)], "sentiment", probabilities, BELOW, False)
    assert found["abstention"] == {"below": 0.5, "coverage": 0.6667, "risk": 0.5}


def test_languages_pool_what_is_comparable() -> None:
    """Coarse sets and the second reading of a set do not count twice; registers stand for themselves."""
    truth = Truth(
        [
            Case(row(0, "a", register="flash")),
            Case(row(2, "a" + WHOLE)),
            Case(row(1, "b", lang="zh")),
            Case(row(0, "c", lang="zh")),
        ],
        coarse={"c"},
    )
    found = {head: np.full((4, len(names)), 1 / len(names)) for head, names in HEADS.items()}
    found["sentiment"] = sentiments((0.8, 0.1, 0.1), (0.8, 0.1, 0.1), (0.1, 0.8, 0.1), (0.8, 0.1, 0.1))
    report = describe(truth, found, BELOW, {"en": {"a/A": 5}, "zh": {}})
    assert list(report["data_sets"]) == ["a", "a" + WHOLE, "b", "c"]
    assert [each["learnt"] for each in report["data_sets"].values()] == [True, True, False, False]
    assert {lang: heads["sentiment"]["rows"] for lang, heads in report["languages"].items()} == {"en": 1, "zh": 1}
    assert {lang: heads["sentiment"]["mean_macro_f1_of_sets"] for lang, heads in report["languages"].items()} == {
        "en": 1.0, "zh": 1.0,
    }  # fmt: skip
    assert report["registers"]["en/flash"]["sentiment"]["accuracy"] == 1.0
    json.dumps(report)


def test_answers_can_be_read_again_and_rows_told_apart() -> None:
    """One letter a row; a changed text or order is another digest."""
    labels = np.array([0, 21, 9, 10])
    assert read_spelt(spelt(labels)).tolist() == labels.tolist()
    rows = [row(0), row(1)]
    assert digest(rows) == digest([row(0, "other name"), row(1)])
    assert digest(rows) != digest(rows[::-1])
    assert max(len(names) for names in HEADS.values()) <= 36
    assert SENTIMENTS[0] == "negative"  # the coarse rule rests on it
