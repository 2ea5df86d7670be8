"""The job as an ordinary Faust app: `take(32, within=0.05)`. `python -m tests.bench.take32`."""

from __future__ import annotations

from typing import Any

import faust

from streams.faust_app import create_app, raw_topic
from streams.settings import Settings, load
from streams.topics import CHAT_RAW, NEWS_RAW
from tests.bench.job import BATCH, WITHIN, Job


def build(settings: Settings) -> faust.App:
    """The app, with the connection settings of the workers."""
    app = create_app("take32", settings)
    job = Job(settings)

    @app.agent(raw_topic(app, settings, NEWS_RAW, CHAT_RAW), name="bench.take32")
    async def judge(stream: Any) -> None:
        await job.start()
        async for batch in stream.take(BATCH, within=WITHIN):
            await job.run([(value, "") for value in batch])

    return app


if __name__ == "__main__":
    faust.Worker(
        build(load()), override_logging=False, quiet=True, loglevel="WARNING", console_port=0
    ).execute_from_commandline()
