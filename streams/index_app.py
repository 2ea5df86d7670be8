"""Faust app: documents and alert events into Elasticsearch, and out of it again when their retention is over.

Run it with `tocsin worker index`; or, once the topics exist, with `faust -A streams.index_app worker`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import faust

from streams import clock, metrics
from streams.elastic import client
from streams.endpoints import resolve
from streams.expiry import keep_removing
from streams.faust_app import create_app, raw_topic, reads
from streams.index import STAGE, Action, Index
from streams.kafka import Outgoing, Producer
from streams.safe_batches import SafeBatches
from streams.settings import Settings, load
from streams.topics import ALERTS, DOCUMENTS

BULK_ITEMS = 500  # Elasticsearch spends 2 to 5 times less on an item of a large bulk request than of a small one
BULK_WAIT = 0.2  # seconds; small against the second until a refresh makes a document searchable


def build(settings: Settings) -> faust.App:
    """The wiring: documents and alerts → bulk request → one outcome per item → acknowledge."""
    app = create_app(STAGE, settings)
    endpoints = resolve(settings, "kafka", "elasticsearch")
    producer = Producer(settings, endpoints.kafka)
    elastic = client(settings, endpoints.elasticsearch)
    stage = Index(settings, elastic, producer, clock.now)
    batches = SafeBatches[tuple[list[Action], list[Outgoing]]](
        prepare=stage.prepare,
        deliver=stage.deliver,
        size=BULK_ITEMS,
        wait=BULK_WAIT,
        in_flight=2,
        took=metrics.BATCH_SECONDS.labels(STAGE).observe,
    )

    @app.agent(raw_topic(app, settings, DOCUMENTS, ALERTS), name="tocsin.index", concurrency=1)
    async def index(stream: Any) -> None:
        metrics.serve(settings, STAGE)
        try:
            await batches.run(stream)
        finally:
            await elastic.close()
            await producer.stop()

    @app.task  # type: ignore[untyped-decorator]  # Faust gives it no types
    async def expiry() -> None:
        mine = partial(reads, app, DOCUMENTS.full(settings), 0)  # of one worker of the group at a time
        await keep_removing(settings, endpoints.elasticsearch, clock.now, mine)

    return app


app = build(load())
