"""Two versions of a model on the same texts: where they agree, what changed, and which is better where labels tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from models.batching import Limits, Pool
from models.labels import HEADS
from models.lanes import Judge
from models.measure import measure
from models.text import lead, prepare
from models.verdict import Verdict, leaning, verdicts

EXAMPLES: Final = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """A text to judge, and its labels where they are known: head -> name."""

    text: str
    lang: str
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""  # of source


async def judge_all(judge: Judge, samples: Sequence[Sample], tokens: int, limits: Limits) -> list[Verdict]:
    """One verdict for each sample from one version through Triton. Raises Unreachable, BadInput, ModelRefused.

    The samples are in languages that the version judges, and their texts not empty once prepared.
    """
    pool: Pool[tuple[int, np.ndarray]] = Pool(limits)
    rows = judge.encode([lead(prepare(sample.text), tokens) for sample in samples])
    for at, ids in sorted(enumerate(rows), key=lambda each: len(each[1])):
        pool.add((at, ids), len(ids), 0.0)
    found: dict[int, Verdict] = {}
    while batch := pool.take():
        answer = await judge.model.infer([ids for _, ids in batch])
        numbers = [at for at, _ in batch]
        sources = [(samples[at].lang, samples[at].kind) for at in numbers]
        found |= zip(numbers, verdicts(judge.served.metadata, sources, answer), strict=True)
    return [found[at] for at in range(len(samples))]


def compare(samples: Sequence[Sample], first: Sequence[Verdict], second: Sequence[Verdict]) -> dict[str, Any]:
    """What `tocsin models compare` tells, as data. `samples` must not be empty.

    agreement: share of texts whose likeliest label is the same, for the sentiment with abstentions counted as a label
    of their own; shift: mean absolute change of a probability; changed: the sentiments that changed, the surest change
    first; f1: macro F1 of both where samples are labelled.
    """
    agreement = {head: _mean([_name(a, head) == _name(b, head) for a, b in zip(first, second, strict=True)])
                 for head in HEADS}  # fmt: skip
    shift = {head: _mean([_shift(a, b, head) for a, b in zip(first, second, strict=True)]) for head in HEADS}
    changed: list[dict[str, Any]] = [
        {
            "text": sample.text,
            "lang": sample.lang,
            "from": leaning(a),
            "to": leaning(b),
            "shift": round(_shift(a, b, "sentiment"), 4),
            **({"label": sample.labels["sentiment"]} if "sentiment" in sample.labels else {}),
        }
        for sample, a, b in zip(samples, first, second, strict=True)
        if leaning(a) != leaning(b)
    ]
    return {
        "versions": [first[0].version, second[0].version],
        "texts": len(samples),
        "agreement": agreement,
        "shift": shift,
        "changed": len(changed),
        "examples": sorted(changed, key=lambda each: -each["shift"])[:EXAMPLES],
        "f1": {head: found for head in HEADS if (found := _f1(head, samples, (first, second)))},
    }


def _name(found: Verdict, head: str) -> str:
    probabilities: dict[str, float] = getattr(found, head)
    return leaning(found) if head == "sentiment" else max(probabilities, key=probabilities.__getitem__)


def _shift(a: Verdict, b: Verdict, head: str) -> float:
    one, other = getattr(a, head), getattr(b, head)
    return float(np.mean([abs(one[label] - other[label]) for label in HEADS[head]]))


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def _f1(head: str, samples: Sequence[Sample], both: Sequence[Sequence[Verdict]]) -> dict[str, Any]:
    """Rows and macro F1 of each version by the likeliest label, abstained or not; empty where nothing is labelled."""
    at = [index for index, sample in enumerate(samples) if head in sample.labels]
    if not at:
        return {}
    names = HEADS[head]
    truth = np.array([names.index(samples[index].labels[head]) for index in at])
    scores = []
    for found in both:
        likeliest = [list(getattr(found[index], head).values()) for index in at]
        scores.append(measure(truth, np.argmax(likeliest, axis=1), len(names))["macro_f1"])
    return {"rows": len(at), "macro_f1": scores}
