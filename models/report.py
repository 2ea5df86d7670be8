"""From judged rows to the report of an evaluation: plain dictionaries, fit for JSON. Pure.

`answers` of a data set holds the true and the judged label of each row, one letter a row, and a digest of the rows:
with it `models.gate` compares two reports row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from models.calibrate import calibration_error, risk_area, risk_coverage
from models.data import Row
from models.labels import HEADS, SENTIMENTS
from models.measure import by_label, confused, interval, measure, sets_of
from models.truth import WHOLE, Truth

LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
NEGATIVE_OR_NOT: Final = ("negative", "non-negative")
LEAST_CONFIDENCES: Final = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
HANDLED: Final = {
    "all": "judged among all labels of the head",
    "two": "the set has two of the three sentiments: judged among all three, so a verdict of the third is wrong; "
    "`among_two`: judged among the two",
    "coarse": "the set says negative or not: the likeliest of three sentiments is negative or not; `among_two`: "
    "negative where its probability is at least one half",
}
Probabilities = Mapping[str, np.ndarray]


def describe(
    truth: Truth, found: Probabilities, below: Mapping[str, float], learnt: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """`data_sets`, `languages` and `registers` of a report.

    `found[head]`: calibrated probabilities [rows, labels] in the order of the rows; `below`: language -> the confidence
    under which a sentiment is no judgement; `learnt`: language -> "<data set>/<tier>" -> rows its model learnt from.
    """
    rows = truth.rows
    known = {lang: {name.rpartition("/")[0] for name in each} for lang, each in learnt.items()}
    sets = {}
    for title, head, at in sets_of(rows):
        part = [rows[index] for index in at]
        name, lang = part[0].dataset, part[0].lang
        sets[title] = {
            "head": head,
            "lang": lang,
            "tier": "/".join(sorted({row.tier for row in part})),
            "learnt": name.removesuffix(WHOLE) in known.get(lang, ()),
            **one_set(part, head, found[head][at], below, coarse(truth, part[0], head)),
        }
    once = [at for at, row in enumerate(rows) if not row.dataset.endswith(WHOLE)]
    languages = _groups(truth, once, found, below, lambda row: row.lang)
    for lang, heads in languages.items():
        for head, measured in heads.items():
            macro = [
                each["macro_f1"]
                for title, each in sets.items()
                if (each["lang"], each["head"]) == (lang, head) and each["handled"] != "coarse" and WHOLE not in title
            ]
            if macro:
                measured["mean_macro_f1_of_sets"] = round(float(np.mean(macro)), 4)
    registers = _groups(truth, once, found, below, lambda row: f"{row.lang}/{row.register}" if row.register else "")
    return {"data_sets": sets, "languages": languages, "registers": registers}


def coarse(truth: Truth, row: Row, head: str) -> bool:
    """Whether the row's set says of this head only negative or not."""
    return head == "sentiment" and row.dataset in truth.coarse


def _groups(
    truth: Truth, at: Sequence[int], found: Probabilities, below: Mapping[str, float], name_of: Any
) -> dict[str, dict[str, dict[str, Any]]]:
    """Name -> head -> scores, of the rows `at` whose name is not empty and whose labels are not coarse."""
    rows = truth.rows
    groups: dict[str, dict[str, list[int]]] = {}
    for index in at:
        for head in rows[index].labels if name_of(rows[index]) else ():
            if not coarse(truth, rows[index], head):
                groups.setdefault(name_of(rows[index]), {}).setdefault(head, []).append(index)
    return {
        name: {
            head: scores([rows[index] for index in members], head, found[head][members], below)
            for head, members in sorted(heads.items(), key=lambda each: list(HEADS).index(each[0]))
        }
        for name, heads in sorted(groups.items())
    }


def scores(part: Sequence[Row], head: str, probabilities: np.ndarray, below: Mapping[str, float]) -> dict[str, Any]:
    """Everything about rows that are judged among all labels of a head."""
    truth = np.array([row.labels[head] for row in part])
    names = HEADS[head]
    result = _scores(truth, probabilities.argmax(-1), probabilities, names)
    if head == "sentiment":
        result["abstention"] = _abstention(part, truth, probabilities, below)
    return result


def _scores(truth: np.ndarray, judged: np.ndarray, probabilities: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    counts = confused(truth, judged, len(names))
    return {
        **measure(truth, judged, len(names)),
        "macro_f1_interval": list(interval(counts)),
        "calibration_error": calibration_error(probabilities, truth),
        "risk_area": risk_area(probabilities, truth),
        "risk_coverage": risk_coverage(probabilities, truth, LEAST_CONFIDENCES),
        "by_label": by_label(counts, names),
        "confusion": {"labels": list(names), "counts": counts.tolist()},
    }


def _abstention(
    part: Sequence[Row], truth: np.ndarray, probabilities: np.ndarray, below: Mapping[str, float]
) -> dict[str, float]:
    """At the bounds that the model itself uses: the share of rows judged, and the share of those judged wrongly."""
    bounds = np.array([below[row.lang] for row in part])
    kept = probabilities.max(axis=-1) >= bounds
    missed = probabilities.argmax(axis=-1) != truth
    risk = float(missed[kept].mean()) if kept.any() else 0.0
    return {"below": float(bounds.max()), "coverage": round(float(kept.mean()), 4), "risk": round(risk, 4)}


def one_set(
    part: Sequence[Row], head: str, probabilities: np.ndarray, below: Mapping[str, float], only_negative: bool
) -> dict[str, Any]:
    """Everything about one data set, by the rule that its labels ask for."""
    truth = np.array([row.labels[head] for row in part])
    judged = probabilities.argmax(-1)
    if only_negative:
        negative = probabilities[:, :1]
        halves = np.concatenate([negative, 1.0 - negative], axis=1)
        truth, judged = (truth != 0).astype(int), (judged != 0).astype(int)
        result = _scores(truth, judged, halves, NEGATIVE_OR_NOT)
        result |= {"handled": "coarse", "among_two": measure(truth, halves.argmax(-1), 2)}
    else:
        result = scores(part, head, probabilities, below) | {"handled": "all"}
        occurring = np.unique(truth)
        if head == "sentiment" and len(occurring) == 2 and SENTIMENTS.index("neutral") not in occurring:
            forced = occurring[probabilities[:, occurring].argmax(-1)]
            result |= {"handled": "two", "among_two": measure(truth, forced, len(SENTIMENTS))}
    result["answers"] = {"rows": digest(part), "truth": spelt(truth), "judged": spelt(judged)}
    return result


def digest(rows: Sequence[Row]) -> str:
    """Stands for these rows in this order, as the model reads them."""
    found = hashlib.sha256()
    for row in rows:
        found.update(f"{row.lang}\0{row.text}\0".encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:16]


def spelt(labels: np.ndarray) -> str:
    """One letter a label."""
    return "".join(LETTERS[label] for label in labels.tolist())


def read_spelt(letters: str) -> np.ndarray:
    """The labels behind `spelt`. Raises ValueError."""
    return np.array([LETTERS.index(letter) for letter in letters], dtype=int)
