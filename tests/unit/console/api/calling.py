"""The application called in this process, without a socket: each request as a server would hand it on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    query: Sequence[tuple[str, str]] = (),
    *,
    token: str = "",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes | None = None,
) -> Answer:
    """Ask for a path, whose characters are as a server gives them: decoded."""
    given = [("host", "localhost"), *headers]
    if token:
        given.append(("authorization", f"Bearer {token}"))
    if body is not None:
        given += [("content-type", "application/json"), ("content-length", str(len(body)))]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": quote(path).encode(), "root_path": "", "client": ("127.0.0.1", 9),
        "query_string": urlencode(query, errors="surrogatepass").encode(), "server": ("127.0.0.1", 80),
        "headers": [(name.encode("latin-1"), value.encode("utf-8")) for name, value in given],
    }  # fmt: skip
    messages: list[Message] = [{"type": "http.request", "body": body or b"", "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(message.get("body", b"") for message in sent))
