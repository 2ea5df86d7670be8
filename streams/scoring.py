"""The scorer as the settings want it, with its counters exported as metrics."""

from __future__ import annotations

from collections.abc import Mapping

from models.client import Scorer, check_repository
from models.registry import Served
from streams import metrics
from streams.settings import Settings


def create_scorer(settings: Settings, url: str, pinned: Mapping[str, Served] | None = None) -> Scorer:
    """A scorer for the Triton at `url`, not started yet. Raises ModelRefused when the model's folder is not right.

    `pinned`: the version that judges each language, whichever is active.
    """
    check_repository(settings.model_repository)  # told now, not when Triton and Kafka have answered
    scorer = Scorer(
        url,
        settings.model_repository,
        token_budget=settings.token_budget,
        token_limit=settings.token_limit,
        requests_in_flight=settings.requests_in_flight,
        cache_size=settings.score_cache,
        tls=settings.triton_tls,
        ca_file=settings.triton_ca_file,
        observe=_observe,
        pinned=pinned,
    )
    metrics.SCORE_PADDING.set_function(lambda: scorer.stats.padding_efficiency)
    metrics.SCORE_TEXTS.labels("model").set_function(lambda: scorer.stats.texts)
    metrics.SCORE_TEXTS.labels("cached").set_function(lambda: scorer.stats.cached)
    shadow = scorer.stats.shadow
    metrics.SCORE_SHADOW.labels("agreed").set_function(lambda: shadow.agreed)
    metrics.SCORE_SHADOW.labels("differed").set_function(lambda: shadow.differed)
    metrics.SCORE_SHADOW.labels("dropped").set_function(lambda: shadow.dropped)
    metrics.SCORE_SHADOW.labels("failed").set_function(lambda: shadow.failed)
    return scorer


def _observe(outcome: str, seconds: float) -> None:
    metrics.SCORE_REQUESTS.labels(outcome).inc()
    metrics.SCORE_SECONDS.observe(seconds)
