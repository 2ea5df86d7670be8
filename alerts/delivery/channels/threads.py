"""Blocking calls beside the event loop, each in a thread that holds up neither a shutdown nor another receiver."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final, TypeVar

MOST: Final = 4  # calls of one receiver that hang; further ones time out at once

T = TypeVar("T")


class Threads:
    """The threads of one receiver. A pool would be waited for at the exit of the process; daemon threads are not."""

    def __init__(self) -> None:
        self._running = 0
        self._lock = threading.Lock()

    async def call(self, work: Callable[[], T], seconds: float) -> T:
        """The result of `work`, or TimeoutError. A call that takes longer goes on unheard until its own limits."""
        with self._lock:
            if self._running >= MOST:
                raise TimeoutError
            self._running += 1
        future: Future[T] = Future()
        threading.Thread(target=self._run, args=(work, future), daemon=True).start()
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(future)

    def _run(self, work: Callable[[], T], future: Future[T]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            self._done(partial(future.set_exception, error))
        else:
            self._done(partial(future.set_result, result))

    def _done(self, settle: Callable[[], None]) -> None:
        with self._lock:
            self._running -= 1
        with contextlib.suppress(Exception):  # nobody waits any more: cancelled, or the loop is closed
            settle()
