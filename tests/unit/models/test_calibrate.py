"""How far probabilities may be believed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec import structs

from models.calibrate import (
    calibrate,
    calibration_error,
    confusion,
    fit_temperature,
    log_loss,
    risk_area,
    risk_coverage,
)
from models.data import Row
from models.labels import HEADS
from models.verdict import scaled, verdict
from tests.unit.models.shelf import shelve


def honest(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and truths that come true as often as they say."""
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet([0.6, 0.6, 0.6], rows)
    truth = np.array([chance.choice(3, p=each) for each in probabilities])
    return probabilities, truth


def test_honest_probabilities_have_little_error_and_overconfident_ones_much() -> None:
    """The error of a model that says its true chances is small; sharpened ones are found out."""
    probabilities, truth = honest(4000)
    assert calibration_error(probabilities, truth) < 0.03
    assert calibration_error(scaled(probabilities, 0.3), truth) > 0.08


def test_error_of_a_worked_example() -> None:
    """Two rows at 0.9, one of them right: off by 0.4; two at 0.6, both right: off by 0.4."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert calibration_error(probabilities, np.array([0, 1, 0, 0])) == pytest.approx(0.4)


@pytest.mark.parametrize("sharpened", [0.5, 2.0])
def test_temperature_undoes_what_was_done(sharpened: float) -> None:
    """Probabilities raised to a power are found out and put right; the loss falls."""
    probabilities, truth = honest(3000)
    bent = scaled(probabilities, sharpened)
    found = fit_temperature(bent, truth)
    assert found == pytest.approx(1 / sharpened, rel=0.12)
    assert log_loss(scaled(bent, found), truth) < log_loss(bent, truth)


def test_too_few_rows_leave_the_temperature_alone() -> None:
    """Forty rows say nothing."""
    probabilities, truth = honest(40)
    assert fit_temperature(probabilities, truth) == 1.0


def test_risk_falls_and_coverage_with_it() -> None:
    """The surer the verdicts that count, the fewer they are and the fewer of them are wrong; none is no risk."""
    probabilities, truth = honest(3000)
    points = risk_coverage(probabilities, truth, [0.0, 0.6, 0.9, 1.1])
    assert points[0]["coverage"] == 1.0
    assert [point["coverage"] for point in points] == sorted((p["coverage"] for p in points), reverse=True)
    assert points[0]["risk"] > points[1]["risk"] > points[2]["risk"]
    assert points[3] == {"confidence": 1.1, "coverage": 0.0, "risk": 0.0}


def test_area_rewards_knowing_when_one_is_wrong() -> None:
    """One miss of four, the least sure one: 1/16; the surest one: about a half."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    assert risk_area(probabilities, np.array([0, 0, 0, 1])) == pytest.approx(0.0625)
    assert risk_area(probabilities, np.array([1, 0, 0, 0])) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, abs=1e-4)


@given(arrays(float, (20, 3), elements=st.floats(0.01, 1.0)), st.lists(st.integers(0, 2), min_size=20, max_size=20))
def test_confusion_holds_shares_and_never_a_zero(weights: np.ndarray, labels: list[int]) -> None:
    """Each row sums to one, and no share is nothing: what was not seen is still possible."""
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    matrix = confusion(probabilities, np.array(labels), 0.5)
    assert matrix.shape == (3, 4)
    assert np.allclose(matrix.sum(axis=1), 1.0)
    assert (matrix > 0).all()


def test_each_language_and_head_gets_its_own_numbers() -> None:
    """A language without rows of a head keeps temperature 1 for it; the confusion counts its sentiment rows."""
    probabilities, truth = honest(200)
    rows = [
        Row(str(at), "x", {"sentiment": int(label)}, "s", "A", "en" if at < 150 else "zh")
        for at, label in enumerate(truth)
    ]
    found = {head: np.full((200, len(names)), 1 / len(names)) for head, names in HEADS.items()}
    made = calibrate(rows, found | {"sentiment": scaled(probabilities, 0.5)})
    assert list(made) == ["en", "zh"]
    assert made["en"].rows == 150
    assert made["en"].temperature["sentiment"] > 1.5
    assert made["en"].temperature["topic"] == 1.0


def test_a_kind_of_source_gets_its_own_temperature_where_rows_suffice() -> None:
    """Chat that is judged far too surely is cooled more than news; few rows of a kind follow the language."""
    probabilities, truth = honest(600)
    sources = ["sentfin"] * 290 + ["tfns"] * 290 + ["fiqa"] * 20  # news, chat, mixed
    rows = [
        Row(str(at), "x", {"sentiment": int(label)}, source, "A", "en")
        for at, (label, source) in enumerate(zip(truth, sources, strict=True))
    ]
    bent = np.concatenate([probabilities[:290], scaled(probabilities[290:580], 0.4), probabilities[580:]])
    found = {head: np.full((600, len(names)), 1 / len(names)) for head, names in HEADS.items()} | {"sentiment": bent}
    heat = calibrate(rows, found)["en"].temperature
    assert heat["sentiment/chat"] > 1.5 * heat["sentiment/news"]
    assert "topic/chat" not in heat
    few = calibrate(rows[:340], {head: values[:340] for head, values in found.items()})["en"].temperature
    assert {name for name in few if "/" in name} == {"sentiment/news"}


def test_a_verdict_is_made_honest_by_the_kind_of_its_source(tmp_path: Path) -> None:
    """The temperature of the kind where there is one, else that of the language."""
    metadata = shelve(tmp_path).metadata
    calibration = structs.replace(
        metadata.calibration["en"], temperature=dict.fromkeys(HEADS, 1.0) | {"sentiment/chat": 4.0}
    )
    told = structs.replace(metadata, calibration={"en": calibration})
    answer = {head: np.full(len(names), 1 / len(names)) for head, names in HEADS.items()}
    answer["sentiment"] = np.array([0.9, 0.05, 0.05])
    sure, cool, other = (verdict(told, "en", answer, kind).sentiment["negative"] for kind in ("news", "chat", ""))
    assert sure == other == pytest.approx(0.9)
    assert cool == pytest.approx(0.9**0.25 / (0.9**0.25 + 2 * 0.05**0.25))


def test_every_data_set_weighs_the_same_in_a_temperature() -> None:
    """A small set that is judged too surely cools as much as a large one that is judged honestly holds."""
    probabilities, truth = honest(1100)
    names = ["large"] * 1000 + ["small"] * 100
    rows = [
        Row(str(at), "x", {"sentiment": int(label)}, name, "A", "en")
        for at, (label, name) in enumerate(zip(truth, names, strict=True))
    ]
    bent = np.concatenate([probabilities[:1000], scaled(probabilities[1000:], 0.3)])
    found = {head: np.full((1100, len(labels)), 1 / len(labels)) for head, labels in HEADS.items()}
    heat = calibrate(rows, found | {"sentiment": bent})["en"].temperature["sentiment"]
    assert heat > fit_temperature(bent, truth) + 0.2
