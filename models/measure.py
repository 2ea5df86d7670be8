"""How good verdicts are: F1 by data set and by label, what is confused with what, and how sure a score is. Pure.

A score's 95 % interval is the percentile bootstrap of Efron 1979, "Bootstrap methods: another look at the jackknife":
rows are drawn again with replacement. The macro F1 depends on counts only, so counts are drawn, from a multinomial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from models.data import Row
from models.labels import HEADS

DRAWS: Final = 2000  # of a bootstrap: its ends are then steady to about 0.001
SEED: Final = 20261125
PERCENTILES: Final = (2.5, 97.5)


def f1_scores(truth: np.ndarray, guess: np.ndarray, labels: int) -> np.ndarray:
    """F1 of each label, 0 where a label is neither true nor guessed."""
    return f1_of(confused(truth, guess, labels))


def confused(truth: np.ndarray, guess: np.ndarray, labels: int) -> np.ndarray:
    """Counts [true label, guessed label]."""
    counts: np.ndarray = np.bincount(truth * labels + guess, minlength=labels * labels).reshape(labels, labels)
    return counts


def f1_of(counts: np.ndarray) -> np.ndarray:
    """F1 of each label from counts [..., true label, guessed label], 0 where a label is neither true nor guessed."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    scores: np.ndarray = 2.0 * hits / np.maximum(total, 1)
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


def by_label(counts: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each label that is true or guessed somewhere."""
    hits, support, guessed = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    scores = f1_of(counts)
    return {
        name: {
            "precision": round(float(hits[at] / max(guessed[at], 1)), 4),
            "recall": round(float(hits[at] / max(support[at], 1)), 4),
            "f1": round(float(scores[at]), 4),
            "support": int(support[at]),
        }
        for at, name in enumerate(names)
        if support[at] or guessed[at]
    }


def interval(counts: np.ndarray) -> tuple[float, float]:
    """95 % interval of the macro F1 behind counts [true label, guessed label]; the same on every call."""
    return _ends(_macro(_drawn(counts.reshape(-1)).reshape(-1, *counts.shape)))


def _macro(tables: np.ndarray) -> np.ndarray:
    """Macro F1 of tables [draws, true label, guessed label], each over the labels that occur in it, as `measure`."""
    occurring = tables.sum(axis=2) > 0
    found: np.ndarray = (f1_of(tables) * occurring).sum(axis=1) / np.maximum(occurring.sum(axis=1), 1)
    return found


def difference(truth: np.ndarray, old: np.ndarray, new: np.ndarray, labels: int) -> tuple[float, float, float]:
    """Macro F1 of `new` less that of `old` on the same rows, and the 95 % interval of that (paired bootstrap)."""
    cells, counts = np.unique(np.stack([truth, old, new], axis=1), axis=0, return_counts=True)

    def macro(times: np.ndarray, guess: np.ndarray) -> np.ndarray:
        tables = np.zeros((len(times), labels * labels))
        for cell, at in enumerate(cells[:, 0] * labels + guess):
            tables[:, at] += times[:, cell]
        return _macro(tables.reshape(-1, labels, labels))

    found, drawn = counts[None, :], _drawn(counts)
    low, high = _ends(macro(drawn, cells[:, 2]) - macro(drawn, cells[:, 1]))
    return round(float((macro(found, cells[:, 2]) - macro(found, cells[:, 1]))[0]), 4), low, high


def _drawn(counts: np.ndarray) -> np.ndarray:
    total = int(counts.sum())
    drawn: np.ndarray = np.random.default_rng(SEED).multinomial(total, counts / total, size=DRAWS)
    return drawn


def _ends(scores: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(scores, PERCENTILES)
    return round(float(low), 4), round(float(high), 4)


def by_dataset(rows: Sequence[Row], probabilities: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Measures of every data set in `rows`; `probabilities[head]` is [rows, labels] in the order of `rows`.

    A set in several languages, or that labels several heads, has an entry for each (`sets_of`).
    """
    return {
        title: measure(
            np.array([rows[index].labels[head] for index in at]), probabilities[head][at].argmax(-1), len(HEADS[head])
        )
        for title, head, at in sets_of(rows)
    }


def sets_of(rows: Sequence[Row]) -> list[tuple[str, str, list[int]]]:
    """Title, head and row numbers of every data set, in the order of their first rows; each in one language.

    The title is the set's name, followed by `/<lang>` where it is in several languages and by `/<head>` where it
    labels several heads.
    """
    found: dict[str, dict[tuple[str, str], list[int]]] = {}
    for index, row in enumerate(rows):
        for head in row.labels:
            found.setdefault(row.dataset, {}).setdefault((row.lang, head), []).append(index)
    titled = []
    for name, parts in found.items():
        langs, heads = ({part[at] for part in parts} for at in (0, 1))
        for (lang, head), members in parts.items():
            title = "/".join([name, *([lang] if len(langs) > 1 else []), *([head] if len(heads) > 1 else [])])
            titled.append((title, head, members))
    return titled


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table, one data set a line."""
    lines = ["| data set | rows | macro F1 | weighted F1 | accuracy |", "|---|---|---|---|---|"]
    for name, found in results.items():
        scores = " | ".join(f"{found[key]:.3f}" for key in ("macro_f1", "weighted_f1", "accuracy"))
        lines.append(f"| {name} | {found['rows']:,} | {scores} |")
    return "\n".join(lines)
