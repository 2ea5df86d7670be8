"""`tocsin top`: what flows, what waits and what rings, looked at again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from console.exits import told
from console.top.figures import Figures
from console.top.gather import Gatherer
from console.top.screen import line, screen
from streams.settings import load

BETWEEN: Final = 1.0  # seconds between the two looks of --once
QUIT: Final = b"qQ\x03\x04"


def top(
    every: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look, print it, end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a look, a line each.")] = False,
) -> None:
    """A live view: documents a second, lag by stage, Triton's latency, open alerts, sources, dead letters. `q` ends it.
    A line for each look where the output is no terminal. Works while parts are down."""
    with told():
        settings = load()
    logging.disable(logging.CRITICAL)  # clients log what is shown here in its place
    gatherer = Gatherer(settings)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        if once:
            asyncio.run(_once(gatherer, as_json))
        elif as_json or not sys.stdout.isatty():
            asyncio.run(_lines(gatherer, every, as_json))
        else:
            asyncio.run(_live(gatherer, every))


async def _once(gatherer: Gatherer, as_json: bool) -> None:
    await gatherer.begin()
    await asyncio.sleep(BETWEEN)  # rates need two looks
    figures = await gatherer.look()
    if as_json:
        typer.echo(_dumps(figures))
    elif sys.stdout.isatty():
        Console().print(screen(figures, keys=False))
    else:
        typer.echo(line(figures))


async def _lines(gatherer: Gatherer, every: float, as_json: bool) -> None:
    stopping = _stopping()
    await gatherer.begin()
    await _wait(stopping, BETWEEN)
    while not stopping.is_set():
        began = time.monotonic()
        figures = await gatherer.look()
        typer.echo(_dumps(figures) if as_json else line(figures))
        sys.stdout.flush()
        await _wait(stopping, began + every - time.monotonic())


async def _live(gatherer: Gatherer, every: float) -> None:
    stopping = _stopping()
    with _keys(stopping.set), Live(screen=True, auto_refresh=False, transient=True) as live:
        while not stopping.is_set():
            began = time.monotonic()
            live.update(screen(await gatherer.look(), keys=True), refresh=True)
            await _wait(stopping, began + every - time.monotonic())


def _stopping() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stopping.wait()


@contextlib.contextmanager
def _keys(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` when q is pressed; the terminal is as before afterwards."""
    if not sys.stdin.isatty():
        yield
        return
    import os
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        if set(os.read(descriptor, 64)) & set(QUIT):
            end()

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, pressed)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _dumps(figures: Figures) -> str:
    return json.dumps(figures.as_dict(), ensure_ascii=False)


def register(app: typer.Typer) -> None:
    """Add the command `top`."""
    app.command()(top)
