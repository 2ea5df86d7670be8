"""The side of a connection that HTTP itself does not bound: how long a caller may take to say what it wants.

The server reads headers of 64 KiB at most, but waits for them for ever; a few hundred callers that begin a request and
say no more would keep everybody else out. Bodies and answers have limits of their own (`guard`, `command`). What is
refused here, before the application is asked, has the form of its refusals.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import h11
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from console.api.errors import ApiError, language_of, refusal
from console.api.guard import HEADERS

CONNECTIONS: Final = 256  # at once; more are told to come back
HEADERS_WAIT: Final = 10.0  # seconds from the first byte, or from the beginning of the connection, to the last header


class PatientProtocol(H11Protocol):
    """Ends a connection on which no whole request has come in time; between two requests uvicorn's own limit holds.
    With `most` connections or requests at once, those that come are refused."""

    wait = HEADERS_WAIT
    most = CONNECTIONS
    _waiting: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._whole, self.app = self.app, self._answer  # uvicorn's own limit would answer in plain text

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

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.connections) >= self.most or len(self.tasks) > self.most:  # this request is one of them
            error = ApiError(503, "crowded", {"Retry-After": "1", "Connection": "close"})
            await _told(error, language_of(Headers(scope=scope)))(scope, receive, send)
            return
        await self._whole(scope, receive, send)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - words of the server
        """Refuse what is no HTTP; whose language it is nobody can know."""
        told = _told(ApiError(400, "bad_http"), "en")
        headers = [*told.raw_headers, (b"connection", b"close")]
        with suppress(h11.LocalProtocolError):  # an answer is under way already, or is one without a body
            for event in (
                h11.Response(status_code=400, headers=headers, reason=HTTPStatus(400).phrase),
                h11.Data(data=bytes(told.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

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


def _told(error: ApiError, lang: str) -> Response:
    """The refusal with the headers that every answer has."""
    found = refusal(error, lang)
    for name, value in HEADERS.items():
        found.headers.setdefault(name, value)
    return found
