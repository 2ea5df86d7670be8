"""Two versions compared on the same texts."""

from __future__ import annotations

import numpy as np
import pytest

from models.batching import Limits
from models.compare import EXAMPLES, Sample, compare, judge_all
from models.labels import HEADS, SENTIMENTS
from models.lanes import Judge
from models.registry import SHIPPED, read
from models.text import read_tokenizer
from models.triton import RemoteModel
from models.verdict import Verdict

NEGATIVE, NEUTRAL, POSITIVE = SENTIMENTS


def verdict(version: str, likely: str, probability: float = 0.8, abstained: bool = False) -> Verdict:
    """A verdict for a sentiment; topic and risk say nothing."""
    rest = (1 - probability) / (len(SENTIMENTS) - 1)
    sentiment = {name: probability if name == likely else rest for name in SENTIMENTS}
    others = {head: dict.fromkeys(labels, 1 / len(labels)) for head, labels in HEADS.items() if head != "sentiment"}
    return Verdict("opinion-en", version, sentiment=sentiment, **others, abstained=abstained)


def test_equal_versions_agree_on_everything() -> None:
    """No change, no shift, and the same F1."""
    samples = [Sample("a", "en", {"sentiment": POSITIVE}), Sample("b", "zh")]
    report = compare(samples, [verdict("1", POSITIVE)] * 2, [verdict("2", POSITIVE)] * 2)
    assert report["versions"] == ["1", "2"]
    assert (report["texts"], report["changed"], report["examples"]) == (2, 0, [])
    assert set(report["agreement"].values()) == {1.0}
    assert set(report["shift"].values()) == {0.0}
    assert report["f1"] == {"sentiment": {"rows": 1, "macro_f1": [1.0, 1.0]}}


def test_changes_are_shown_with_the_surest_first() -> None:
    """An abstention that comes or goes is a change too; labels stand beside the examples."""
    samples = [Sample("kept", "en"), Sample("open", "en"), Sample("turned", "en", {"sentiment": NEGATIVE})]
    first = [verdict("1", NEUTRAL), verdict("1", POSITIVE, 0.4), verdict("1", POSITIVE)]
    second = [verdict("2", NEUTRAL), verdict("2", POSITIVE, 0.4, abstained=True), verdict("2", NEGATIVE)]
    report = compare(samples, first, second)
    assert report["changed"] == 2
    assert [(each["text"], each["from"], each["to"]) for each in report["examples"]] == [
        ("turned", POSITIVE, NEGATIVE),
        ("open", POSITIVE, "abstained"),
    ]
    assert report["examples"][0]["label"] == NEGATIVE
    assert report["agreement"] == {"sentiment": 0.3333, "topic": 1.0, "risk": 1.0}
    assert report["shift"]["sentiment"] == pytest.approx(0.7 * 2 / 3 / 3, abs=1e-4)
    assert report["f1"]["sentiment"] == {"rows": 1, "macro_f1": [0.0, 1.0]}


def test_examples_are_bounded() -> None:
    """All changes are counted, few are shown."""
    samples = [Sample(str(n), "en") for n in range(50)]
    report = compare(samples, [verdict("1", POSITIVE)] * 50, [verdict("2", NEGATIVE)] * 50)
    assert report["changed"] == 50
    assert len(report["examples"]) == EXAMPLES
    assert report["f1"] == {}


async def test_every_sample_gets_its_own_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever order the batches of like length are sent in, verdicts come in the order of the samples."""
    served = read(SHIPPED / "opinion-en")
    tokenizer = read_tokenizer(served.tokenizer, 64)
    judge = Judge(served, tokenizer, RemoteModel(None, served, 1.0))
    samples = [Sample("up " * (n % 9 + 1) + "ab"[n % 2], "en") for n in range(40)]
    wanted = [tuple(tokenizer.encode(sample.text).ids) for sample in samples]
    sent = []

    async def infer(self: RemoteModel, rows: list[np.ndarray]) -> dict[str, np.ndarray]:
        sent.extend(tuple(row.tolist()) for row in rows)
        found = {head: np.full((len(rows), len(labels)), 1 / len(labels)) for head, labels in HEADS.items()}
        # Judged by the ids, so that a verdict that went to another sample is seen.
        found["sentiment"] = np.array([[0.9, 0.05, 0.05] if row.sum() % 2 else [0.05, 0.05, 0.9] for row in rows])
        return found

    monkeypatch.setattr(RemoteModel, "infer", infer)
    found = await judge_all(judge, samples, 64, Limits(tokens=128))
    assert sorted(sent) == sorted(wanted)
    assert [each.sentiment[NEGATIVE] > each.sentiment[POSITIVE] for each in found] == [sum(ids) % 2 for ids in wanted]
