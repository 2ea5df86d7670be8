"""A negative control: one handler that fails once, written with Faust's `take()` or with our safe batches.

The process writes the offsets it handled, one a line, to the file named by LOSSY_FILE. It is started by
`test_negative_control.py`, which counts what the oracle must see: records lost by the one, none by the other.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from streams.faust_app import create_app, raw_topic
from streams.kafka import Message
from streams.safe_batches import SafeBatches
from streams.settings import load
from streams.topics import NEWS_RAW

SEEN = Path(os.environ["LOSSY_FILE"])
FAULT_AT = b"12"
STOPPING = 2.5  # seconds: two of Faust's commits
settings = load()
app = create_app(f"lossy-{os.environ['LOSSY_STYLE']}", settings)


def handle(values: list[bytes]) -> None:
    """Note the values; fail on the marked one, the first time only."""
    marker = SEEN.with_suffix(".failed")
    if FAULT_AT in values and not marker.exists():
        marker.touch()
        raise RuntimeError("a fault in the handler")
    with SEEN.open("a") as file:
        file.writelines(f"{value.decode()}\n" for value in values)


if os.environ["LOSSY_STYLE"] == "take":

    @app.agent(raw_topic(app, settings, NEWS_RAW), name="lossy.take", concurrency=1)
    async def take(stream: Any) -> None:
        """Faust's ordinary idiom."""
        async for values in stream.take(5, within=0.2):
            handle(values)

else:

    async def prepare(messages: list[Message]) -> list[bytes]:
        """The values of a batch."""
        return [m.value or b"" for m in messages]

    async def deliver(values: list[bytes]) -> bool:
        """Handle a batch; its effect is durable at once."""
        handle(values)
        return True

    @app.agent(raw_topic(app, settings, NEWS_RAW), name="lossy.safe", concurrency=1)
    async def safe(stream: Any) -> None:
        """The safe pattern, with a part that takes a moment to stop: Faust commits meanwhile."""
        try:
            await SafeBatches(prepare=prepare, deliver=deliver, size=5, wait=0.2, in_flight=3).run(stream)
        finally:
            await asyncio.sleep(STOPPING)
