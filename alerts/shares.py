"""How certain a share is, from few stories, judged by a model that errs.

A model that calls some good news bad sees a negative share where there is none, and one that misses bad news sees less
than there is. Rogan and Gladen 1978 ("Estimating prevalence from the results of a screening test") invert that with the
model's own rates, measured on labelled rows it did not learn from. Those rates are themselves estimates: their part of
the variance is that of Lang and Reiczigel 2014 ("Confidence limits for prevalence of disease adjusted for estimated
sensitivity and specificity"), and it is joined with Wilson's bounds of the sample as Zou and Donner 2008 do
("Construction of confidence limits about effect measures: a general approach"): of a perfect model Wilson's remain.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Final

from models.labels import SENTIMENTS

NEGATIVE: Final = SENTIMENTS.index("negative")
LEAST_APART: Final = 0.3  # true positives less false positives (Youden's index): below, a model tells too little
LEAST_ROWS: Final = 30.0  # that a rate was measured on
# Metadata says how many rows a matrix rests on, not how many were negative: a fifth, as in ordinary financial news, is
# on the safe side (23 % and 50 % in the two shipped models).
NEGATIVE_ROWS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a model calls negative what is negative, and what is not, on so many judged rows of each."""

    true_positive: float
    false_positive: float
    positives: float  # truly negative rows behind `true_positive`
    negatives: float  # other rows behind `false_positive`

    @property
    def usable(self) -> bool:
        """Whether the rates differ enough, and rest on enough rows, for a correction to mean anything."""
        apart = self.true_positive - self.false_positive >= LEAST_APART
        return apart and min(self.positives, self.negatives) >= LEAST_ROWS

    def invert(self, seen: float) -> float:
        """The share that lets a model with these rates see `seen`; may lie outside [0, 1]."""
        return (seen - self.false_positive) / (self.true_positive - self.false_positive)

    def spread(self, share: float) -> float:
        """Standard error that ignorance of the rates adds to a share."""
        hit = share * share * _variance(self.true_positive, self.positives)
        miss = (1.0 - share) * (1.0 - share) * _variance(self.false_positive, self.negatives)
        return math.sqrt(hit + miss) / (self.true_positive - self.false_positive)


def _variance(rate: float, rows: float) -> float:
    """Of a rate measured on so many rows, one success and one failure added, so that a rate of 1 is not certain."""
    if math.isinf(rows):
        return 0.0
    near = (rate * rows + 1.0) / (rows + 2.0)
    return near * (1.0 - near) / (rows + 2.0)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A share with one-sided bounds; `corrected` when the model's errors were taken out of it."""

    share: float
    low: float
    high: float
    corrected: bool


def wilson(hits: float, of: float, confidence: float) -> tuple[float, float]:
    """One-sided Wilson score bounds of a share, below and above, each with this confidence; (0, 1) without data.

    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference.
    """
    if of <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(confidence)
    share = hits / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(max(0.0, share * (1 - share) / of + z * z / (4 * of * of)))
    scale = 1 + z * z / of
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def corrected(negative: int, judged: int, confidence: float, rates: Rates | None) -> Corrected:
    """The negative share of `judged` units, with the model's errors taken out, and bounds with this confidence each.

    Without rates, or with rates too close to each other, the share as it was seen with its Wilson bounds. No bound is
    surer than that of so many units of which a perfect model sees all, or none, negative.
    """
    share = negative / judged if judged else 0.0
    low, high = wilson(negative, judged, confidence)
    if rates is None or not rates.usable or not judged:
        return Corrected(share, low, high, corrected=False)
    surest = wilson(judged, judged, confidence)[0], wilson(0, judged, confidence)[1]
    middle, least, most = (rates.invert(seen) for seen in (share, low, high))
    z = NormalDist().inv_cdf(confidence)
    below, above = (z * rates.spread(_unit(bound)) for bound in (least, most))
    return Corrected(
        share=_unit(middle),
        low=min(surest[0], _unit(middle - math.hypot(middle - least, below))),
        high=max(surest[1], _unit(middle + math.hypot(most - middle, above))),
        corrected=True,
    )


def mixed(parts: Iterable[tuple[Rates | None, int]]) -> Rates | None:
    """The rates of several models that judged so many units each; None when those of one of them are not known."""
    known = [(rates, count) for rates, count in parts if count]
    total = sum(count for _, count in known)
    hit = miss = hits = misses = 0.0
    for rates, count in known:
        if rates is None:
            return None
        part = count / total
        hit, miss = hit + part * rates.true_positive, miss + part * rates.false_positive
        hits, misses = hits + part * part / rates.positives, misses + part * part / rates.negatives
    if not known:
        return None
    return Rates(hit, miss, 1.0 / hits if hits else math.inf, 1.0 / misses if misses else math.inf)


def rates_of(confusion: Sequence[Sequence[float]], rows: int) -> Rates:
    """The rates in a confusion matrix: rows the true sentiments, columns the judged ones, rows summing to one.

    Of the two sentiments that are not negative the one taken for negative more often counts: the mix of a window is not
    known, and the lower bound must hold for either. ValueError when the matrix has no such shape.
    """
    if len(confusion) != len(SENTIMENTS) or any(len(row) <= NEGATIVE for row in confusion):
        raise ValueError(f"expected a confusion matrix with a row for each of {', '.join(SENTIMENTS)}")
    others = [row[NEGATIVE] for label, row in enumerate(confusion) if label != NEGATIVE]
    return Rates(
        true_positive=confusion[NEGATIVE][NEGATIVE],
        false_positive=max(others),
        positives=max(1.0, rows * NEGATIVE_ROWS),
        negatives=max(1.0, rows * (1.0 - NEGATIVE_ROWS) / len(others)),
    )


def read_rates(repository: Path) -> dict[str, Rates]:
    """The rates of every version of every model in a model repository, keyed as mentions name them: name@version.

    Of a model with several languages the least favourable rates of all. A version without a measured confusion matrix
    is left out: its shares stay uncorrected. ValueError names a file that cannot be read.
    """
    found: dict[str, Rates] = {}
    for path in sorted(repository.glob("*/*/metadata.json")):
        try:
            metadata = json.loads(path.read_bytes())
            each = [rates_of(c["confusion"], c["rows"]) for c in metadata["calibration"].values() if c["rows"]]
            if each:
                found[f"{metadata['model']}@{metadata['version']}"] = Rates(
                    min(r.true_positive for r in each),
                    max(r.false_positive for r in each),
                    min(r.positives for r in each),
                    min(r.negatives for r in each),
                )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path}: no confusion matrix can be read ({error}); export the model again") from None
    return found


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
