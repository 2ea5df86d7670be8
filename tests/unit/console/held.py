"""Topics that a test holds, in place of Kafka, for the commands that read and write the log of alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from console import alert_log
from streams import clock
from streams.kafka import Message, Outgoing
from streams.settings import Settings
from streams.topics import Topic
from tests.ringing import Logs


class Writer:
    """What is sent lies on the topic."""

    logs = Logs()

    def __init__(self, *_: Any) -> None: ...

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            Writer.logs.append(record.topic, record.value, clock.now())

    async def stop(self) -> None: ...


def hold(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Logs:
    """Empty topics in memory; the clock stands still."""
    Writer.logs = found = Logs()

    async def read(_: Any, __: str, topic: Topic) -> AsyncIterator[Message]:
        async for message in found.read(topic):
            yield message

    async def nothing(*_: Any) -> None: ...

    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(alert_log, "load", Settings)
    monkeypatch.setattr(alert_log, "resolve", lambda *_: SimpleNamespace(kafka=""))
    monkeypatch.setattr(alert_log, "ensure_topics", nothing)
    monkeypatch.setattr(alert_log, "read_topic", read)
    monkeypatch.setattr(alert_log, "Producer", Writer)
    monkeypatch.setattr(clock, "now", lambda: now)
    return found
