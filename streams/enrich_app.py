"""Faust app: raw items in; documents, mentions and ticks out.

Run it with `tocsin worker enrich`; or, once the topics exist, with `faust -A streams.enrich_app worker`.
"""

from __future__ import annotations

from typing import Any

import faust

from models.client import Scorer
from streams import clock, metrics
from streams.document import Pipeline
from streams.drift import DriftWatch
from streams.endpoints import resolve
from streams.enrich import STAGE, Enrich, Enriched
from streams.entities import Gazetteer
from streams.faust_app import create_app, raw_topic
from streams.kafka import Producer
from streams.pseudonyms import pseudonym_key
from streams.safe_batches import SafeBatches
from streams.scoring import create_scorer
from streams.settings import Settings, load
from streams.topics import CHAT_RAW, NEWS_RAW
from streams.version import VERSION


def build(settings: Settings) -> faust.App:
    """The wiring: raw topics → decode, clean, mask, sign, link, score → documents and mentions → acknowledge."""
    app = create_app(STAGE, settings)
    endpoints = resolve(settings, "kafka", "triton")
    producer = Producer(settings, endpoints.kafka)
    scorer: Scorer = create_scorer(settings, endpoints.triton)
    pipeline = Pipeline(settings, Gazetteer.load(settings.watchlist), pseudonym_key(settings), VERSION)
    stage = Enrich(settings, pipeline, scorer, producer, clock.now, DriftWatch(settings))
    batches = SafeBatches[list[Enriched]](
        prepare=stage.prepare,
        deliver=stage.deliver,
        size=settings.batch_items,
        wait=settings.batch_wait,
        in_flight=settings.batches_in_flight,
        took=metrics.BATCH_SECONDS.labels(STAGE).observe,
    )

    @app.agent(raw_topic(app, settings, NEWS_RAW, CHAT_RAW), name="tocsin.enrich", concurrency=1)
    async def enrich(stream: Any) -> None:
        metrics.serve(settings, STAGE)
        await scorer.start()  # waits for Triton; refuses a model that is not what it says
        try:
            await batches.run(stream)
        finally:
            await scorer.stop()
            await producer.stop()

    return app


app = build(load())
