"""What takes a while to find out, found out once for all who ask within a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lately(Generic[T]):
    """`make` blocks, so it runs in a thread; never twice at once. Its answer is handed out for `seconds`."""

    def __init__(self, make: Callable[[], T], seconds: float, monotonic: Callable[[], float]) -> None:
        self._make = make
        self._seconds = seconds
        self._monotonic = monotonic
        self._alone = asyncio.Lock()
        self._found: tuple[float, T] | None = None

    async def get(self) -> T:
        """An answer that is no older than that. Raises what `make` raises."""
        async with self._alone:
            if self._found is None or self._monotonic() - self._found[0] >= self._seconds:
                value = await asyncio.to_thread(self._make)
                self._found = self._monotonic(), value
            return self._found[1]
