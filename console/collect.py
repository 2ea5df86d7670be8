"""`tocsin collect`: the live sources as a process."""

from __future__ import annotations

import asyncio
import signal

import typer

from console.exits import UNAVAILABLE, WRONG_SETTINGS
from console.messages import say
from streams import metrics
from streams.endpoints import EnginesDown, resolve
from streams.kafka import Producer, wait_for_kafka
from streams.log import configure
from streams.settings import Settings, SettingsError, load
from streams.sources.collector import collect as run_sources
from streams.sources.collector import feeds_of
from streams.sources.feedlist import FeedFileError
from streams.sources.push import PushError, token_file, token_for


def tell(settings: Settings, url: str) -> None:
    """Where items can be pushed to, and where the token is; never the token itself."""
    typer.echo(say("collect.listening", url=url), err=True)
    if not settings.push_token.get_secret_value():
        typer.echo(say("collect.token", path=token_file(settings)), err=True)


async def run(settings: Settings, bootstrap: str, stopping: asyncio.Event) -> None:
    """Wait for Kafka, then collect until `stopping`."""
    waiting = asyncio.create_task(wait_for_kafka(settings, bootstrap))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([waiting, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            return
        waiting.result()
        producer = Producer(settings, bootstrap)
        try:
            await run_sources(settings, producer, stopping, lambda url: tell(settings, url))
        finally:
            await producer.stop()
    finally:
        waiting.cancel()
        stopped.cancel()


async def _until_signal(settings: Settings, bootstrap: str) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await run(settings, bootstrap, stopping)


def collect() -> None:
    """Read feeds, take pushed items and tick, until Ctrl-C or SIGTERM. Needs no feed: push and ticks go on alone."""
    try:
        settings = load()
        feeds_of(settings)  # what is set wrong is told before anything is waited for
        token_for(settings)
        bootstrap = resolve(settings, "kafka").kafka
        configure(settings, "collect")
        metrics.serve(settings, "collect")
        asyncio.run(_until_signal(settings, bootstrap))
    except (SettingsError, FeedFileError, PushError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    except EnginesDown as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNAVAILABLE) from None


def register(app: typer.Typer) -> None:
    """Add the command `collect`."""
    app.command()(collect)
