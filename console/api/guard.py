"""What stands before every request: Host, rate, size, type; and what goes with every answer.

The order matters. A name that is not ours is refused first (DNS rebinding); then callers are known by their token and
limited by it, others by their address, and without a token nothing below /api/v1 is asked; then the body is read, no
more of it than the limit.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.errors import ApiError, language_of, refusal
from console.api.refusals import Refusals, address_of
from console.api.tokens import Caller, caller_of
from console.api.web import is_page
from streams.hosts import answers_to
from streams.sources.push import Bucket

PREFIX: Final = "/api/v1"  # what needs a token
BODY_LIMIT: Final = 64 * 1024
BODY_PATIENCE: Final = 10.0  # seconds a sender gets for its body
PAGE_RATE: Final = 100.0  # files of the page a second and address: it is some fifty small ones, kept by the browser
BUCKETS: Final = 10_000  # callers and addresses whose rate is remembered
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


class _BrokenOff(Exception):  # noqa: N818 - what happened
    """The sender left before its request was whole."""


class Guard:
    """ASGI middleware around the whole application. Sets `scope["caller"]`: a Caller, or None."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: frozenset[str],
        bound: str,
        callers: Sequence[Caller],
        rate: float,
        monotonic: Callable[[], float],
        patience: float = BODY_PATIENCE,
    ) -> None:
        self._app = app
        self._names = names
        self._bound = bound
        self._callers = callers
        self._rate = rate
        self._monotonic = monotonic
        self._patience = patience
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._refusals = Refusals(monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there is nothing else here: an unanswered handshake is refused by the server

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        scope["refusals"] = self._refusals
        try:
            scope["caller"] = self._admit(scope, headers)
            body = await self._body(headers, receive)
        except _BrokenOff:
            return  # nobody waits for an answer, and half a request asks for nothing
        except ApiError as error:
            self._refusals.tell(error.code, scope)
            await refusal(error, language_of(headers))(scope, receive, guarded)
            return
        await self._app(scope, _replay(body, receive), guarded)

    def _admit(self, scope: Scope, headers: Headers) -> Caller | None:
        if len(headers.getlist("host")) != 1 or not answers_to(headers["host"], self._names, self._bound):
            raise ApiError(421, "bad_host")
        caller = caller_of(headers.get("authorization", ""), self._callers)
        rate = PAGE_RATE if is_page(scope["path"]) else self._rate
        who = f"token {caller.name}" if caller else f"address {address_of(scope)}"
        wait = self._bucket(f"page {address_of(scope)}" if is_page(scope["path"]) else who, rate)
        if wait > 0:
            raise ApiError(429, "too_fast", {"Retry-After": str(int(wait) + 1)}, rate=f"{rate:g}")
        if caller is None and scope["path"].startswith(PREFIX):  # whoever has no token does not learn what there is
            raise ApiError(401, "unauthorized", {"WWW-Authenticate": "Bearer"})
        return caller

    def _bucket(self, who: str, rate: float) -> float:
        bucket = self._buckets.pop(who, None) or Bucket(rate)
        self._buckets[who] = bucket
        if len(self._buckets) > BUCKETS:
            self._buckets.popitem(last=False)
        return bucket.take(self._monotonic())

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body. Raises ApiError for one that is too large, too slow or in another form than it may have."""
        if headers.get("content-encoding"):
            raise ApiError(415, "bad_type")  # a compressed body could unfold in memory
        declared = headers.get("content-length", "0")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > BODY_LIMIT:
            raise ApiError(413, "too_large")
        body = bytearray()
        try:
            async with asyncio.timeout(self._patience):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _BrokenOff
                    more = message.get("more_body", False)
                    body += message.get("body", b"")
                    if len(body) > BODY_LIMIT:
                        raise ApiError(413, "too_large")
        except TimeoutError:
            raise ApiError(408, "too_slow", {"Connection": "close"}) from None
        return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then whatever the server says next."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
