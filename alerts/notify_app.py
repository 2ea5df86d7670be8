"""Faust app: alerts in; signed webhooks and receipts out. Run it with `tocsin worker notify`."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import faust

from alerts.delivery.webhook import Webhooks, read_receivers
from alerts.notifier import STAGE, Decoded, Notifier
from streams import clock, kafka, metrics
from streams.endpoints import resolve
from streams.faust_app import create_app, raw_topic
from streams.safe_batches import SafeBatches
from streams.settings import Settings, load
from streams.topics import ALERTS, Topic


def build(settings: Settings) -> faust.App:
    """The wiring: alerts → rows in the outbox → acknowledge; from the outbox → receivers → receipts."""
    receivers = read_receivers(settings)
    app = create_app(STAGE, settings)
    bootstrap = resolve(settings, "kafka").kafka
    producer = kafka.Producer(settings, bootstrap)
    webhooks = Webhooks(settings)

    def read_topic(topic: Topic) -> AsyncIterator[kafka.Message]:
        return kafka.read_topic(settings, bootstrap, topic)

    notifier = Notifier(
        settings,
        receivers,
        post=webhooks.post,
        records=producer,
        read_topic=read_topic,
        now=clock.now,
        draw=random.random,
    )
    batches = SafeBatches[list[Decoded]](
        prepare=notifier.prepare,
        deliver=notifier.deliver,
        size=settings.batch_items,
        wait=settings.batch_wait,
        took=metrics.BATCH_SECONDS.labels(STAGE).observe,
    )

    @app.agent(raw_topic(app, settings, ALERTS), name="tocsin.notify", concurrency=1)
    async def notify(stream: Any) -> None:
        metrics.serve(settings, STAGE)
        try:
            await notifier.run(lambda: batches.run(stream))
        finally:
            await webhooks.close()
            await producer.stop()

    return app


app = build(load())
