"""Faust app: mentions and ticks in; alert events out.

Run it with `tocsin worker detect`; or, once the topics exist, with `faust -A alerts.detect_app worker`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import faust

from alerts.detector import STAGE, Decoded, Detector
from alerts.detector_log import KafkaLog
from alerts.rulebook import Rulebook
from alerts.shares import read_rates
from models.registry import SHIPPED
from streams import clock, metrics
from streams.endpoints import resolve
from streams.faust_app import create_app, raw_topic
from streams.kafka import Producer
from streams.safe_batches import SafeBatches
from streams.settings import Settings, load
from streams.topics import MENTIONS

RECORDS = 256  # folding costs microseconds a record: batches are as large as Faust buffers


def build(settings: Settings) -> faust.App:
    """The wiring: mentions → fold → alerts durable → snapshot durable → acknowledge."""
    rulebook = Rulebook(settings)
    rules = rulebook.read()
    app = create_app(STAGE, settings)
    bootstrap = resolve(settings, "kafka").kafka
    producer = Producer(settings, bootstrap)
    rates = read_rates(settings.model_repository or SHIPPED)
    detector = Detector(settings, rules, KafkaLog(settings, bootstrap), producer, clock.now, rates=rates)
    batches = SafeBatches[Decoded](
        prepare=detector.prepare,
        deliver=detector.deliver,
        size=RECORDS,
        wait=settings.batch_wait,
        flush=detector.flush,
        took=metrics.BATCH_SECONDS.labels(STAGE).observe,
    )

    @app.on_partitions_revoked.connect
    async def forget(*_: Any, **__: Any) -> None:
        detector.forget()

    @app.agent(raw_topic(app, settings, MENTIONS), name="tocsin.detect", concurrency=1)
    async def detect(stream: Any) -> None:
        metrics.serve(settings, STAGE)
        metrics.RULES.set(len(rules))
        watching = asyncio.create_task(rulebook.watch(detector.use), name="rules")
        try:
            await batches.run(stream)
        finally:
            watching.cancel()
            await producer.stop()

    return app


app = build(load())
