"""Work that would hold the event loop up, in a thread, speaking the caller's language.

What takes long has a few threads of its own and a short queue: however many ask, and however slow Elasticsearch is,
what is quick finds a thread. Whoever finds the queue full is told to come again. Callers take turns, and none may have
all threads or the whole queue: one that asks for much waits for itself.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

from console.api.errors import AGAIN, ApiError
from console.messages import speaking

AT_ONCE: Final = 3
AT_ONCE_OF_ONE: Final = 2  # of one caller: another finds a thread
WAITING: Final = 8  # pieces of work
OPEN_OF_ONE: Final = 5  # of one caller, waiting or under way: others find room in the queue
PATIENCE: Final = 30.0  # seconds somebody waits for one
SOON: Final = {"Retry-After": "2"}  # a piece of work takes seconds

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(lang: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns; sentences of the command line in it are in `lang`. For what is done in a moment."""
    with speaking(lang):
        return await asyncio.to_thread(work, *args, **kwargs)


@dataclass(eq=False, slots=True)
class _Piece:
    """Work that somebody waits for."""

    caller: str
    work: Callable[[], Any]
    answer: asyncio.Future[Any]


class LongWork:
    """Runs what may take seconds, some at once; the methods belong to one event loop. `close` it at the end."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        patience: float = PATIENCE,
        at_once_of_one: int = AT_ONCE_OF_ONE,
        open_of_one: int = OPEN_OF_ONE,
    ) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._patience = patience
        self._at_once_of_one = at_once_of_one
        self._open_of_one = open_of_one
        # By caller; the first has waited longest for a turn.
        self._waiting: OrderedDict[str, deque[_Piece]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(at_once, "long-work")

    async def do(self, caller: str, lang: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns, in the caller's language. Raises ApiError 429 `too_much_at_once` when the caller has
        enough open already, 503 `busy` when all callers have, or when its turn or end does not come in time.

        Work that has begun and nobody waits for any more has its thread until it ends, and counts until then.
        """
        if self._open(caller) >= self._open_of_one:
            raise ApiError(429, "too_much_at_once", SOON, most=self._open_of_one)
        if self._running.total() + sum(map(len, self._waiting.values())) >= self._most:
            raise ApiError(503, "busy", AGAIN)
        with speaking(lang):
            asked = partial(contextvars.copy_context().run, partial(work, *args, **kwargs))
        piece = _Piece(caller, asked, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(caller, deque()).append(piece)
        self._begin()
        limit = asyncio.timeout(self._patience)
        try:
            async with limit:
                return cast(T, await piece.answer)
        except TimeoutError:
            if limit.expired():
                raise ApiError(503, "busy", AGAIN) from None
            raise  # of the work itself
        finally:
            self._leave(piece)

    def _open(self, caller: str) -> int:
        return self._running[caller] + len(self._waiting.get(caller, ()))

    def _begin(self) -> None:
        """Give free threads to those whose turn it is."""
        while self._running.total() < self._at_once:
            caller = next((each for each in self._waiting if self._running[each] < self._at_once_of_one), None)
            if caller is None:
                return
            piece = self._waiting[caller].popleft()
            if self._waiting[caller]:
                self._waiting.move_to_end(caller)
            else:
                del self._waiting[caller]
            self._run(piece)

    def _run(self, piece: _Piece) -> None:
        self._running[piece.caller] += 1
        loop = asyncio.get_running_loop()

        def ended(done: Future[Any]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._ended, piece, done)

        self._pool.submit(piece.work).add_done_callback(ended)

    def _ended(self, piece: _Piece, done: Future[Any]) -> None:
        self._running[piece.caller] -= 1
        if self._running[piece.caller] <= 0:
            del self._running[piece.caller]
        if done.cancelled():  # by `close`
            piece.answer.cancel()
        elif not piece.answer.done():
            error = done.exception()
            if error is None:
                piece.answer.set_result(done.result())
            else:
                piece.answer.set_exception(error)
        self._begin()

    def _leave(self, piece: _Piece) -> None:
        """Nobody waits for it any more: what was not begun is not done."""
        waiting = self._waiting.get(piece.caller, deque())
        if piece in waiting:
            waiting.remove(piece)
            if not waiting:
                del self._waiting[piece.caller]

    def close(self) -> None:
        """Begin nothing more."""
        for piece in [piece for waiting in self._waiting.values() for piece in waiting]:
            piece.answer.cancel()
        self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
