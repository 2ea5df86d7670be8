"""Faust app: mentions and ticks in; alert events out.

Run it with `tocsin worker detect`; or, once the topics exist, with `faust -A alerts.detect_app worker`.
"""

from __future__ import annotations

from typing import Any

import faust

from alerts.detector import STAGE, Decoded, Detector
from alerts.detector_log import KafkaLog
from alerts.rule_files import SHIPPED, load_rules
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
    rules = load_rules(settings.rules or SHIPPED)
    app = create_app(STAGE, settings)
    bootstrap = resolve(settings, "kafka").kafka
    producer = Producer(settings, bootstrap)
    detector = Detector(settings, rules, KafkaLog(settings, bootstrap), producer, clock.now)
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
        try:
            await batches.run(stream)
        finally:
            await producer.stop()

    return app


app = build(load())
