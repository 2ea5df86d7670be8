"""`tocsin api`: serves the console and the HTTP API until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
import uvicorn

from console.api.address import address_of, noted
from console.api.app import Application, build
from console.api.feed import Feed
from console.api.known import Known
from console.api.patience import PatientProtocol
from console.api.tokens import FILE, callers
from console.exits import told
from console.messages import say
from console.workers import PARENT, follow
from streams import clock
from streams.endpoints import resolve
from streams.kafka import Producer, wait_for_kafka
from streams.log import configure
from streams.settings import Settings, SettingsError, load

IDLE: Final = 15  # seconds a connection may wait for its next request
UNTAKEN: Final = 60_000  # milliseconds after which a connection ends whose other side takes nothing
CLOSING: Final = 5  # seconds requests get to end


def listen(settings: Settings) -> socket.socket:
    """A listening socket. Raises SettingsError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET
    # The protocol is named, or asyncio leaves Nagle's algorithm on and answers of two writes wait for 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; each connection inherits it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN)
    try:
        listening.bind((settings.api_host, settings.api_port))
        listening.listen()  # who connects from now on waits for the server instead of being refused
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {settings.api_host}:{settings.api_port}: {error.strerror}. "
            "Choose another: TOCSIN_API_PORT (0 takes a free one)"
        ) from None
    return listening


class Server(uvicorn.Server):
    """A server that leaves signals to its caller: uvicorn's own would end the process by the signal it was sent."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would go on for ever first, then wait for the rest."""
        self._ending()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def server_of(app: Application) -> Server:
    """The server: no log of requests (links are credentials), no words about itself, no trust in forwarded headers."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        http=PatientProtocol,  # the other one that uvicorn knows reads headers of any length
        ws="none",
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=CLOSING,
    )
    return Server(config, app.end)


async def serve(settings: Settings, bootstrap: str, listening: socket.socket) -> None:
    """Serve until a signal comes. A fault of the feed ends the server and is raised."""
    known, producer = Known(), Producer(settings, bootstrap)
    feed = Feed(settings, bootstrap, known, clock.now)
    app = build(settings, known, feed, producer, now=clock.now, monotonic=time.monotonic)
    server = server_of(app)

    def end() -> None:
        server.should_exit = True

    async def fill() -> None:
        try:
            await wait_for_kafka(settings, bootstrap)
            await feed.run()
        finally:
            end()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    filling = asyncio.create_task(fill())
    try:
        await server.serve(sockets=[listening])
    finally:
        filling.cancel()
        await asyncio.wait([filling])
        await producer.stop()
        await app.close()
    if not filling.cancelled():
        filling.result()


def api() -> None:
    """Serve the console for people, the HTTP API and signed links. Until Ctrl-C or SIGTERM."""
    if (parent := os.environ.get(PARENT, "")).isdigit():
        follow(int(parent))
    with told():
        settings = load()
        configure(settings, "api")
        callers(settings)  # what is set wrong is told before anything listens
        bootstrap = resolve(settings, "kafka").kafka
        with listen(settings) as listening:
            url = address_of(listening)
            typer.echo(say("api.listening", page=f"{url}/", url=f"{url}/api/v1/"), err=True)
            if not settings.api_tokens.get_secret_value():
                typer.echo(say("api.token", path=settings.state_dir / FILE), err=True)
            with noted(settings, url):
                asyncio.run(serve(settings, bootstrap, listening))


def register(app: typer.Typer) -> None:
    """Add the command `api`."""
    app.command()(api)
