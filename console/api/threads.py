"""Work that would hold the event loop up, in a thread, speaking the caller's language."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from console.messages import speaking

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(lang: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns; sentences of the command line in it are in `lang`."""
    with speaking(lang):
        return await asyncio.to_thread(work, *args, **kwargs)
