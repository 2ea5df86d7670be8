"""What a model says about a text, made honest by the calibration that travels with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from models.labels import HEADS
from models.registry import Calibration, Metadata


@dataclass(frozen=True, slots=True)
class Verdict:
    """Calibrated probabilities by label, in the order of `models.labels`, and which version gave them."""

    model: str
    version: str
    sentiment: dict[str, float]
    topic: dict[str, float]
    risk: dict[str, float]
    abstained: bool  # the likeliest sentiment is more likely wrong than right: no judgement of direction


@dataclass(frozen=True, slots=True)
class Unjudged:
    """No verdict, and why: `no_model` for the language, or `no_text` left after preparation."""

    reason: str


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [..., labels] as the network would give them with its logits divided by `temperature`."""
    powered = np.maximum(probabilities, 1e-9) ** (1.0 / temperature)
    result: np.ndarray = powered / powered.sum(axis=-1, keepdims=True)
    return result


def heat_of(calibration: Calibration, head: str, kind: str) -> float:
    """The temperature of a head for a kind of source, or that of the language where the kind has none."""
    return calibration.temperature.get(f"{head}/{kind}", calibration.temperature[head])


def verdict(metadata: Metadata, lang: str, answer: Mapping[str, np.ndarray], kind: str = "") -> Verdict:
    """The verdict on one text in `lang` from the network's probabilities of each head [labels].

    `kind` of source (`news`, `chat`): has a temperature of its own where enough rows were there to fit one.
    """
    calibration = metadata.calibration[lang]
    honest = {head: scaled(answer[head], heat_of(calibration, head, kind)).tolist() for head in HEADS}
    named = {
        head: dict(zip(labels, (min(1.0, p) for p in honest[head]), strict=True)) for head, labels in HEADS.items()
    }
    abstained = max(honest["sentiment"]) < calibration.abstain_below
    return Verdict(metadata.model, metadata.version, **named, abstained=abstained)


def verdicts(metadata: Metadata, sources: Iterable[tuple[str, str]], answer: Mapping[str, np.ndarray]) -> list[Verdict]:
    """The verdict on each text of a request. `sources`: language and kind of each; `answer[head]`: [texts, labels]."""
    return [
        verdict(metadata, lang, {head: values[at] for head, values in answer.items()}, kind)
        for at, (lang, kind) in enumerate(sources)
    ]


def leaning(found: Verdict) -> str:
    """The likeliest sentiment, or `abstained` where the verdict leaves it open."""
    return "abstained" if found.abstained else max(found.sentiment, key=found.sentiment.__getitem__)
