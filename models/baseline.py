"""What plain counting of words achieves on the same rows: TF-IDF and logistic regression. Needs the extra `train`.

English in words and pairs of words, Chinese in one to three characters. Trained twice for each data set: on the set's
own training part (`in_domain`), and on the very rows that shipped weights learn from (`permitted`). Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.data import LANGUAGES, SHIPPABLE_TIERS, Row, clean, read_part
from models.labels import HEADS
from models.measure import measure, sets_of
from models.report import coarse
from models.truth import DEV, WHOLE, Truth, read_file

FEATURES: Final = 200_000  # the commonest; more changed no score by 0.002
STRENGTH: Final = 10.0  # inverse of the regularisation; 3 and 30 were no better
SEED: Final = 20261125
FEWEST: Final = 2  # labels, below which there is nothing to learn
Predict = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scores of one data set; None where there is nothing to learn from."""

    in_domain: dict[str, float] | None
    permitted: dict[str, float] | None


def fit(rows: Sequence[Row], head: str, lang: str) -> Predict | None:
    """Learn one head of one language; None when the rows hold fewer than two labels."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    known = [row for row in rows if row.lang == lang and head in row.labels]
    labels = [row.labels[head] for row in known]
    if len(set(labels)) < FEWEST:
        return None
    how: dict[str, Any] = {"analyzer": "char", "ngram_range": (1, 3)} if lang == "zh" else {"ngram_range": (1, 2)}
    words = TfidfVectorizer(**how, sublinear_tf=True, max_features=FEATURES, dtype=np.float32)
    # One label against the others, by liblinear: as good as all labels at once, and many times faster.
    one = LogisticRegression(C=STRENGTH, solver="liblinear", class_weight="balanced", random_state=SEED)
    judge = OneVsRestClassifier(one)
    judge.fit(words.fit_transform([row.text for row in known]), labels)

    def predict(texts: Sequence[str]) -> np.ndarray:
        answer: np.ndarray = judge.predict(words.transform(texts)).astype(int)
        return answer

    return predict


def baselines(truth: Truth, folder: Path | None) -> dict[str, Baseline]:
    """Title of a data set -> its baselines. `folder`: public data, for the permitted rows (none: only our corpus).

    Raises what reading raises.
    """
    rows = truth.rows
    permitted, _ = clean(read_part(folder, "train", LANGUAGES, SHIPPABLE_TIERS), rows)
    shared: dict[tuple[str, str], Predict | None] = {}
    found = {}
    for title, head, at in sets_of(rows):
        part = [rows[index] for index in at]
        name, lang = part[0].dataset, part[0].lang
        if name.endswith(WHOLE):
            continue
        if (head, lang) not in shared:
            shared[head, lang] = fit(permitted, head, lang)
        own = [row for row in _brother(truth, name) if row.dataset == name]
        learnt = fit(clean(own, part)[0], head, lang)
        found[title] = Baseline(
            *(_score(predict, part, head, coarse(truth, part[0], head)) for predict in (learnt, shared[head, lang]))
        )
    return found


def _brother(truth: Truth, name: str) -> list[Row]:
    """Rows of the training part beside the file that a data set was read from; none when there is no such part."""
    path = truth.origins.get(name)
    other = path.with_name(path.name.replace(DEV, ".train.")) if path and DEV in path.name else None
    return read_file(other).rows if other and other.exists() else []


def _score(predict: Predict | None, part: Sequence[Row], head: str, only_negative: bool) -> dict[str, float] | None:
    if predict is None:
        return None
    truth, judged = np.array([row.labels[head] for row in part]), predict([row.text for row in part])
    if only_negative:
        return measure((truth != 0).astype(int), (judged != 0).astype(int), 2)
    return measure(truth, judged, len(HEADS[head]))
