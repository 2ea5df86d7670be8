"""Where the API of a state folder serves: noted while it runs, for `tocsin console` and for the demo."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.settings import Settings

FILE: Final = "api.address"
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a program on this machine reaches it there


def place(settings: Settings) -> Path:
    """The file of the note."""
    return settings.state_dir / FILE


def address_of(listening: socket.socket) -> str:
    """The address at which this machine reaches the socket."""
    host, port = listening.getsockname()[:2]
    host = ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def noted(settings: Settings, address: str) -> Iterator[None]:
    """Keep the note while it serves. Of two that serve from one state folder the later is noted."""
    path = place(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(address, encoding="ascii")
    try:
        yield
    finally:
        if note(settings) == address:
            path.unlink(missing_ok=True)


def note(settings: Settings) -> str:
    """What the note says; empty without one. Whoever wrote it may have been killed since."""
    try:
        return place(settings).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
