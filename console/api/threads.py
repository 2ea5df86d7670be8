"""Work that would hold the event loop up, in a thread, speaking the caller's language.

What takes long has a few threads of its own and a short queue: however many ask, and however slow Elasticsearch is,
what is quick finds a thread. Whoever finds the queue full is told to come again.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from console.api.errors import AGAIN, ApiError
from console.messages import speaking

AT_ONCE: Final = 2
WAITING: Final = 8  # pieces of work
PATIENCE: Final = 30.0  # seconds somebody waits for one

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(lang: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns; sentences of the command line in it are in `lang`. For what is done in a moment."""
    with speaking(lang):
        return await asyncio.to_thread(work, *args, **kwargs)


class LongWork:
    """Runs what may take seconds, some at once; the methods belong to one event loop. `close` it at the end."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING, patience: float = PATIENCE) -> None:
        self._most = at_once + waiting
        self._patience = patience
        self._open = 0
        self._pool = ThreadPoolExecutor(at_once, "long-work")

    async def do(self, lang: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns, in the caller's language. Raises ApiError 503 `busy` when too much waits already, or its
        turn or end does not come in time.

        Work that has begun and nobody waits for any more has its thread until it ends, and counts until then.
        """
        if self._open >= self._most:
            raise ApiError(503, "busy", AGAIN)
        with speaking(lang):
            asked = partial(contextvars.copy_context().run, partial(work, *args, **kwargs))
        self._open += 1
        future = self._pool.submit(asked)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(self._ended))
        limit = asyncio.timeout(self._patience)
        try:
            async with limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if limit.expired():
                raise ApiError(503, "busy", AGAIN) from None
            raise  # of the work itself

    def _ended(self) -> None:
        self._open -= 1

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
