"""What a run of the demo left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from console.demo import traces
from streams.kafka import Message
from streams.records import encode
from streams.settings import Settings
from tests.unit.console.test_demo_verdict import event


async def test_what_tocsin_says_of_itself_is_no_part_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher writes into the same topic; each event of the day comes once, in order."""
    fired, over = event("quenlith", "firing", "11:44", 0), event("quenlith", "resolved", "14:30", 1)
    own = replace(fired, id=f"{0:032x}.0", alert=f"{0:032x}", kind="system", subject="system:worker/index", demo=False)

    async def read(*_: Any) -> AsyncIterator[Message]:
        for offset, each in enumerate((own, fired, fired, over)):
            yield Message("alerts", 0, offset, None, encode(each), 0.0)

    monkeypatch.setattr(traces, "read_topic", read)
    assert await traces.events(Settings(), "") == [fired, over]
