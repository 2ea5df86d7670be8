"""The log of what was refused: who asked for what, and why not. Never a token, and no more than a disk can bear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from starlette.types import Scope

from streams.sources.push import Bucket

LINES: Final = 10.0  # a second, bursts of twice that

log = structlog.get_logger(__name__)


class Refusals:
    """Writes a line for each, and in a flood of them only some: the next line says how many were left out."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lines = Bucket(LINES)
        self._unlogged = 0

    def tell(self, code: str, scope: Scope) -> None:
        """Note that the request was refused with this code."""
        if self._lines.take(self._monotonic()) > 0:
            self._unlogged += 1
            return
        caller = scope.get("caller")
        log.info(
            "api.refused",
            code=code,
            method=scope["method"],
            path=shown_path(scope["path"]),
            caller=caller.name if caller else "",
            address=address_of(scope),
            unlogged=self._unlogged,
        )
        self._unlogged = 0


def shown_path(path: str) -> str:
    """A path as it may be logged: a link's token is a credential, whatever a proxy has put before it."""
    before, link, _ = path.partition("/act/")
    return f"{before[:100]}/act/..." if link else path[:200]


def address_of(scope: Scope) -> str:
    """Where the request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
