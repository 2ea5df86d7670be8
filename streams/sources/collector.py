"""The live sources together: feeds, the push endpoint and the ticker, on one inflow. Runs until told to stop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import structlog

from streams import clock
from streams.guard import Network, parse_allow
from streams.settings import Settings, SettingsError
from streams.sources.feedlist import Feed, load_feeds
from streams.sources.fetch import Fetcher
from streams.sources.poll import Poller, poll_all
from streams.sources.push import push_app, start, token_for
from streams.sources.ticks import Inflow, Sink

log = structlog.get_logger(__name__)

GRACE: Final = 8.0  # seconds what is under way gets to end


def allowed(settings: Settings) -> tuple[Network, ...]:
    """Private blocks that feeds may be read from. Raises SettingsError."""
    try:
        return parse_allow(settings.feeds_allow)
    except ValueError as error:
        raise SettingsError(f"TOCSIN_FEEDS_ALLOW: {error}") from None


def feeds_of(settings: Settings) -> tuple[Feed, ...]:
    """The feeds of the settings, checked. Raises SettingsError or FeedFileError."""
    return load_feeds(settings.feeds, allowed(settings)) if settings.feeds else ()


async def collect(
    settings: Settings, sink: Sink, stopping: asyncio.Event, listening: Callable[[str], None] = lambda _: None
) -> None:
    """Run all live sources until `stopping`; ends with a last tick once what was taken is written.

    `listening` is told the address of the push endpoint. Raises SettingsError, FeedFileError or PushError at once when
    something is set wrong.
    """
    feeds = feeds_of(settings)
    inflow = Inflow(settings, sink, clock.now)
    fetcher = Fetcher(allowed(settings), settings.contact, time.monotonic)
    runner, url = await start(push_app(settings, token_for(settings), inflow, time.monotonic), settings)
    if feeds and not settings.contact:
        log.warning("collect.no_contact", detail="set TOCSIN_CONTACT: sites block readers that do not say who they are")
    log.info("collect.started", feeds=len(feeds), push=url)
    listening(url)
    polls = asyncio.Event()
    try:
        async with fetcher:
            pollers = [Poller(feed, fetcher, inflow, settings, clock.now, random.random) for feed in feeds]
            await _until(stopping, polls, [inflow.run(polls), poll_all(pollers, polls)], runner.cleanup)
    finally:
        await runner.cleanup()
    log.info("collect.stopped")


async def _until(
    stopping: asyncio.Event,
    stopped: asyncio.Event,
    parts: Sequence[Coroutine[Any, Any, None]],
    close_door: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Run the parts until `stopping` or until one breaks; then close the door, let the parts end, cancel the rest."""
    tasks = [asyncio.create_task(part) for part in parts]
    waiting = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a broken part ends the collector, loudly
            tasks = [task for task in tasks if not task.done()]
        await close_door()
        stopped.set()
        if tasks:
            ended, late = await asyncio.wait(tasks, timeout=GRACE)
            for part in ended:
                part.result()
            if late:
                log.warning("collect.gave_up", parts=len(late), detail="Kafka did not answer; feeds are read again")
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)
