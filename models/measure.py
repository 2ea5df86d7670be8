"""F1 by data set. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.data import Row
from models.labels import HEADS


def f1_scores(truth: np.ndarray, guess: np.ndarray, labels: int) -> np.ndarray:
    """F1 of each label, 0 where a label is neither true nor guessed."""
    hits = np.bincount(truth[truth == guess], minlength=labels).astype(float)
    total = np.bincount(truth, minlength=labels) + np.bincount(guess, minlength=labels)
    scores: np.ndarray = 2 * hits / np.maximum(total, 1)
    return scores


def measure(truth: np.ndarray, guess: np.ndarray, labels: int) -> dict[str, float]:
    """Rows, macro F1 over the labels that occur in the truth, weighted F1, accuracy."""
    support = np.bincount(truth, minlength=labels)
    scores = f1_scores(truth, guess, labels)
    return {
        "rows": int(support.sum()),
        "macro_f1": round(float(scores[support > 0].mean()), 4),
        "weighted_f1": round(float((scores * support).sum() / support.sum()), 4),
        "accuracy": round(float((truth == guess).mean()), 4),
    }


def by_dataset(rows: Sequence[Row], probabilities: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Measures of every data set in `rows`; `probabilities[head]` is [rows, labels] in the order of `rows`."""
    results: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(row.dataset for row in rows):
        at = [index for index, row in enumerate(rows) if row.dataset == name]
        head = rows[at[0]].head
        truth = np.array([rows[index].label for index in at])
        results[name] = measure(truth, probabilities[head][at].argmax(-1), len(HEADS[head]))
    return results


def table(results: Mapping[str, Mapping[str, float]]) -> str:
    """A Markdown table, one data set a line."""
    lines = ["| data set | rows | macro F1 | weighted F1 | accuracy |", "|---|---|---|---|---|"]
    for name, found in results.items():
        scores = " | ".join(f"{found[key]:.3f}" for key in ("macro_f1", "weighted_f1", "accuracy"))
        lines.append(f"| {name} | {found['rows']:,} | {scores} |")
    return "\n".join(lines)
