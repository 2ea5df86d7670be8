"""Word counting as a ruler beside the network."""

import json
from pathlib import Path

import numpy as np
import pytest

from models import baseline
from models.baseline import Baseline, baselines, fit
from models.data import Row
from models.truth import read_folder

pytestmark = pytest.mark.train
WORDS = {"negative": "plunge loss fraud", "neutral": "meeting agenda date", "positive": "surge profit record"}
SIGNS = {"negative": "暴跌 亏损 造假", "positive": "大涨 盈利 新高"}


def written(folder: Path, name: str, words: dict[str, str], rows: int) -> None:
    """Rows of a set whose labels hang on single words, in no pure order."""
    chance = np.random.default_rng(len(name))
    lines = []
    for at in range(rows):
        label = list(words)[at % len(words)]
        picked = chance.choice(words[label].split(), 2)
        lines.append(
            json.dumps({"text": f"{' '.join(picked)} number {at} {name}", "label": label, "dataset": name[:2]})
        )
    (folder / "labelled").mkdir(exist_ok=True)
    (folder / "labelled" / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_set_with_a_training_part_is_learnt_in_its_own_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set without one has only the permitted rows; what these cannot teach, they do not."""
    written(tmp_path, "ab.train", WORDS, 60)
    written(tmp_path, "ab.dev", WORDS, 12)
    written(tmp_path, "cd.dev", SIGNS, 8)
    permitted = [Row(str(at), f"{word} {at}", {"sentiment": at % 3}, "own", "A", "en")
                 for at in range(30) for word in [list(WORDS.values())[at % 3]]]  # fmt: skip
    monkeypatch.setattr(baseline, "read_part", lambda *_: permitted)
    found = baselines(read_folder(tmp_path), None)
    first, second = found["ab"], found["cd"]
    assert first.in_domain is not None
    assert first.in_domain["macro_f1"] == 1.0
    assert first.permitted is not None
    assert first.permitted["macro_f1"] == 1.0
    assert second == Baseline(None, None)  # Chinese, and nobody taught it


def test_chinese_is_read_by_characters() -> None:
    """Words have no spaces between them."""
    rows = [Row(str(at), f"公司{'亏损' if at % 2 else '盈利'}{at}万元", {"sentiment": 2 - 2 * (at % 2)}, "z", "A", "zh")
            for at in range(20)]  # fmt: skip
    predict = fit(rows, "sentiment", "zh")
    assert predict is not None
    assert predict(["全年大幅亏损的消息", "扭亏后盈利的消息"]).tolist() == [0, 2]
    assert fit(rows, "sentiment", "en") is None


def test_same_answer_every_time() -> None:
    """Seeded, and nothing is kept between two trainings."""
    chance = np.random.default_rng(0)
    rows = [
        Row(
            str(at),
            " ".join(chance.choice("ab cd ef gh ij kl".split(), 6)),
            {"topic": int(chance.integers(4))},
            "s",
            "A",
            "en",
        )
        for at in range(80)
    ]
    texts = [row.text for row in rows]
    first, second = fit(rows, "topic", "en"), fit(rows, "topic", "en")
    assert first is not None
    assert second is not None
    assert first(texts).tolist() == second(texts).tolist()
