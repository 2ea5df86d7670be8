"""Faust app: alerts, operations, heartbeats, reports in; notifications and receipts out. See `tocsin worker notify`."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import faust

from alerts.delivery.channels_file import load_channels
from alerts.delivery.heart import Heart, read_switch
from alerts.evaluation.badges import Shelf
from alerts.links import links_for
from alerts.notifier import STAGE, Decoded, Notifier
from streams import clock, kafka, metrics
from streams.endpoints import resolve
from streams.faust_app import create_app, raw_topic
from streams.safe_batches import SafeBatches
from streams.settings import Settings, load
from streams.topics import ALERTS, FEEDBACK, HEALTH, REPORTS


def build(settings: Settings) -> faust.App:
    """The wiring: records → the policy → rows in the outbox → acknowledge; from the outbox → channels → receipts."""
    channels, routing = load_channels(settings)
    switch = read_switch(settings)
    links_for(settings, "0" * 32, "-", clock.now())  # a secret that is too short is refused now, not at the first alert
    app = create_app(STAGE, settings)
    bootstrap = resolve(settings, "kafka").kafka
    producer = kafka.Producer(settings, bootstrap)
    notifier = Notifier(
        settings,
        channels,
        routing,
        records=producer,
        read_topic=partial(kafka.read_topic, settings, bootstrap),
        now=clock.now,
        draw=random.random,
        links=partial(links_for, settings),
        badge_of=Shelf(settings).best,
        heart=Heart(switch[0], settings.heartbeat_every, clock.now) if switch else None,
    )
    batches = SafeBatches[list[Decoded]](
        prepare=notifier.prepare,
        deliver=notifier.deliver,
        size=settings.batch_items,
        wait=settings.batch_wait,
        took=metrics.BATCH_SECONDS.labels(STAGE).observe,
    )

    @app.agent(raw_topic(app, settings, ALERTS, FEEDBACK, HEALTH, REPORTS), name="tocsin.notify", concurrency=1)
    async def notify(stream: Any) -> None:
        metrics.serve(settings, STAGE)
        try:
            await notifier.run(lambda: batches.run(stream))
        finally:
            for channel in channels:
                await channel.close()
            if switch:
                await switch[1].close()
            await producer.stop()

    return app


app = build(load())
