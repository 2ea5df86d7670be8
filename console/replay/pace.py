"""A replay at the pace of its events, for people who watch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

BEHIND: Final = 1.0  # seconds: more than that, and it goes on from here instead of catching up
LEAST: Final = 0.02  # seconds: shorter waits are not worth it


class Pace:
    """Waits until an event time has come. A process that was stopped for a while goes on where it was."""

    def __init__(
        self,
        speed: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`speed`: event seconds a second."""
        self._speed = speed
        self._monotonic = monotonic
        self._sleep = sleep
        self._anchor: tuple[datetime, float] | None = None

    async def wait(self, at: datetime) -> None:
        """Return when `at` has come; the first time asked for is now."""
        now = self._monotonic()
        if self._anchor is None:
            self._anchor = at, now
        since, began = self._anchor
        left = began + (at - since).total_seconds() / self._speed - now
        if left < -BEHIND:
            self._anchor = at, now
        elif left >= LEAST:
            await self._sleep(left)
