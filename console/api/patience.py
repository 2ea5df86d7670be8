"""The side of a connection that HTTP itself does not bound: how long a caller may take to say what it wants.

The server reads headers of 64 KiB at most, but waits for them for ever; a few hundred callers that begin a request and
say no more would keep everybody else out. Bodies and answers have limits of their own (`guard`, `command`).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WAIT: Final = 10.0  # seconds from the first byte, or from the beginning of the connection, to the last header


class PatientProtocol(H11Protocol):
    """Ends a connection on which no whole request has come in time; between two requests uvicorn's own limit holds."""

    wait = HEADERS_WAIT
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a request that has begun, and no longer for one that is here."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait()
        elif self.conn.their_state is not h11.IDLE:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.wait, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()
