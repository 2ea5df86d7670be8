"""The job as a plain aiokafka loop: poll, judge, index, commit. `python -m tests.bench.loop`."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer

from streams.endpoints import resolve
from streams.kafka import client_options
from streams.settings import Settings, load
from streams.topics import CHAT_RAW, NEWS_RAW
from tests.bench.job import BATCH, WITHIN, Job


async def run(settings: Settings) -> None:
    """Read both raw topics until the process is told to end."""
    job = Job(settings)
    await job.start()
    consumer = AIOKafkaConsumer(
        NEWS_RAW.full(settings),
        CHAT_RAW.full(settings),
        **client_options(settings, resolve(settings).kafka),
        group_id=f"loop-{settings.namespace}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        while True:
            polled = await consumer.getmany(timeout_ms=int(WITHIN * 1000), max_records=BATCH)
            batch = [(r.value, "") for records in polled.values() for r in records]
            if batch:
                await job.run(batch)
                await consumer.commit()
    finally:
        await consumer.stop()
        await job.stop()


if __name__ == "__main__":
    asyncio.run(run(load()))
