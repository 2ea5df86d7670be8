"""How far the probabilities may be believed: temperature, calibration error, abstention, confusion. Pure.

Sources: temperature scaling and expected calibration error, Guo et al. 2017, "On Calibration of Modern Neural
Networks"; risk and coverage, Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks"; correcting
class shares by the confusion matrix, Forman 2008, "Quantifying counts and costs via classification".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from models.data import Row
from models.labels import HEADS, SENTIMENTS
from models.registry import Calibration
from models.verdict import scaled

BINS: Final = 15
ABSTAIN_BELOW: Final = 0.5  # an honest probability below one half: the judgement is more likely wrong than right
KIND_ROWS: Final = 100  # fewer rows of a kind of source do not set a temperature of their own
TEMPERATURES: Final = np.exp(np.linspace(np.log(0.25), np.log(4.0), 193))


def log_loss(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean negative log-likelihood of the true labels, by the weights of the rows where there are any."""
    losses = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-9))
    return float(np.average(losses, weights=weights))


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The temperature with the least log-loss; 1 for too few rows to tell."""
    if len(truth) < 50:
        return 1.0
    losses = [log_loss(scaled(probabilities, float(each)), truth, weights) for each in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 3)


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over bins of confidence, by rows in them."""
    confidence, hit = probabilities.max(axis=-1), probabilities.argmax(axis=-1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[which == each].mean() - hit[which == each].mean()) * (which == each).mean()
        for each in range(bins)
        if (which == each).any()
    ]
    return round(float(sum(gaps)), 4)


def risk_coverage(probabilities: np.ndarray, truth: np.ndarray, least: Sequence[float]) -> list[dict[str, float]]:
    """For each least confidence: the share of rows judged at all and the share of those judged wrongly."""
    confidence, hit = probabilities.max(axis=-1), probabilities.argmax(axis=-1) == truth
    points = []
    for bound in least:
        kept = confidence >= bound
        risk = float(1.0 - hit[kept].mean()) if kept.any() else 0.0
        points.append({"confidence": bound, "coverage": round(float(kept.mean()), 4), "risk": round(risk, 4)})
    return points


def risk_area(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Area under the curve of risk over coverage, the surest rows first: the mean risk over all coverages."""
    order = np.argsort(-probabilities.max(axis=-1), kind="stable")
    missed = (probabilities.argmax(axis=-1) != truth)[order]
    return round(float((np.cumsum(missed) / np.arange(1, len(missed) + 1)).mean()), 4)


def confusion(probabilities: np.ndarray, truth: np.ndarray, abstain_below: float) -> np.ndarray:
    """[true sentiment, judged sentiment or abstained], rows summing to one; a half is added to each count."""
    judged = np.where(probabilities.max(axis=-1) < abstain_below, len(SENTIMENTS), probabilities.argmax(axis=-1))
    counts = np.full((len(SENTIMENTS), len(SENTIMENTS) + 1), 0.5)
    np.add.at(counts, (truth, judged), 1.0)
    result: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
    return result


def calibrate(rows: Sequence[Row], probabilities: Mapping[str, np.ndarray]) -> dict[str, Calibration]:
    """For each language of `rows`: temperatures of every head, also by kind of source; what is taken for what.

    Each data set weighs the same in a temperature, however many rows it has: the texts to come are of none of them, and
    a network is surest of the kind of text that it learnt most of.
    """
    found = {}
    for lang in sorted({row.lang for row in rows}):
        temperature, matrix, measured = {}, np.full((len(SENTIMENTS), len(SENTIMENTS) + 1), 0.25), 0
        for head in HEADS:
            at = [index for index, row in enumerate(rows) if row.lang == lang and head in row.labels]
            truth = np.array([rows[index].labels[head] for index in at], dtype=int)
            sizes = Counter(rows[index].dataset for index in at)
            alike = np.array([1 / sizes[rows[index].dataset] for index in at])
            temperature[head] = fit_temperature(probabilities[head][at], truth, alike)
            honest = scaled(probabilities[head][at], temperature[head])
            kinds = np.array([rows[index].kind for index in at])
            for kind in sorted(set(kinds.tolist()) - {""}):
                if (of_kind := kinds == kind).sum() >= KIND_ROWS:
                    given = probabilities[head][at][of_kind]
                    temperature[f"{head}/{kind}"] = fitted = fit_temperature(given, truth[of_kind], alike[of_kind])
                    honest[of_kind] = scaled(given, fitted)
            if head == "sentiment" and at:
                matrix = confusion(honest, truth, ABSTAIN_BELOW)
                measured = len(at)
        found[lang] = Calibration(
            temperature=temperature,
            abstain_below=ABSTAIN_BELOW,
            confusion=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in matrix.round(4).tolist()),
            rows=measured,
        )
    return found
