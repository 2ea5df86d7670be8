"""What a replay works with, opened from its choices."""

from __future__ import annotations

from typing import BinaryIO, Final

from alerts.evaluation.observed import Observed
from alerts.replay.apart import Apart
from alerts.replay.log import AlertLog
from alerts.replay.playback import Playback
from alerts.shares import read_rates
from console.messages import say
from console.replay.choices import Choices
from console.replay.elastic import ElasticSource
from console.replay.files import Files
from console.replay.fold import Fold
from console.replay.kafka import kafka_source
from console.replay.runs import LOG, VARIANTS, Checkpoint, Run
from console.replay.source import Source, SourceError
from console.replay.variants import Variants
from models.registry import SHIPPED
from streams.endpoints import resolve
from streams.settings import Settings

KAFKA: Final = "kafka:"
ELASTIC: Final = "elasticsearch:"


def open_source(choices: Choices, settings: Settings, stdin: BinaryIO | None) -> Source:
    """Files as one archive, or a range of Kafka, or an index. Raises SourceError, EnginesDown."""
    words = choices.sources
    if (choices.span.first or choices.span.stop) and not any(word.startswith(KAFKA) for word in words):
        raise SourceError(say("replay_kafka.offsets"))
    if not any(word.startswith((KAFKA, ELASTIC)) for word in words):
        return Files(words, choices.reading, settings, stdin)
    if len(words) > 1:
        raise SourceError(say("replay.source.alone"))
    word = words[0]
    if word.startswith(KAFKA):
        bootstrap = resolve(settings, "kafka").kafka
        return kafka_source(settings, bootstrap, word.removeprefix(KAFKA), choices.span)
    url = resolve(settings, "elasticsearch").elasticsearch
    return ElasticSource(settings, url, word.removeprefix(ELASTIC), choices.span, choices.query)


def open_fold(
    choices: Choices, variants: Variants, settings: Settings, source: Source, checkpoint: Checkpoint, run: Run
) -> Fold:
    """The engines and logs as the checkpoint left them. Raises SnapshotError."""
    observed = Observed(choices.truth, choices.matching)
    if checkpoint.observed:
        observed.restore(checkpoint.observed)
    rates = read_rates(settings.model_repository or SHIPPED)
    lateness, channels = settings.allowed_lateness, source.channels
    fold = Fold(
        Playback(choices.rules, lateness=lateness, rates=rates, channels=channels, state=checkpoint.engine or None),
        AlertLog(run.folder / LOG, checkpoint.log),
        observed,
        subjects=choices.subjects,
    )
    if variants.rules:
        fold.variants = Apart(
            variants.rules, lateness=lateness, rates=rates, channels=channels, subjects=variants.subjects,
            state=checkpoint.variants or None,
        )  # fmt: skip
        fold.variants_log = AlertLog(run.folder / VARIANTS, checkpoint.variants_log)
    return fold
