"""The call to an outside dead-man's switch: made while fresh heartbeats come through Kafka, silent when they do not.

Whoever is called rings when the calls cease; so a call is never made up for, repeated or delayed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from yarl import URL

from alerts.delivery.channels.calls import Answer, Caller
from alerts.delivery.schedule import Reply
from streams import metrics
from streams.guard import Refused, check_url, parse_allow
from streams.settings import Settings, SettingsError

FRESH: Final = timedelta(minutes=3)  # an older heartbeat says nothing about now: there was lag, or a clock is wrong

log = structlog.get_logger(__name__)


def is_due(heard: datetime, last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether a heartbeat made at `heard` is worth a call now, when the last one was made at `last`."""
    return abs(now - heard) < FRESH and (
        last is None or now - last >= every or now < last
    )  # or: the clock was set back


class Heart:
    """`hear` each heartbeat; `run` makes the calls, so that a slow switch holds up no alert."""

    def __init__(self, call: Callable[[], Awaitable[Reply]], every: float, now: Callable[[], datetime]) -> None:
        self._call = call
        self._every = timedelta(seconds=every)
        self._now = now
        self._last: datetime | None = None
        self._due = asyncio.Event()

    def hear(self, at: datetime) -> None:
        """A heartbeat came that was made at `at`."""
        now = self._now()
        if is_due(at, self._last, now, self._every):
            self._last = now
            self._due.set()

    async def run(self) -> None:
        """Call until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            reply = await self._call()
            metrics.HEARTBEATS.labels(reply.said).inc()
            if reply.said != "accepted":
                log.warning("heartbeat.failed", reply=str(reply), effect="the dead-man's switch may ring")


def read_switch(settings: Settings) -> tuple[Callable[[], Awaitable[Reply]], Caller] | None:
    """How the switch of TOCSIN_HEARTBEAT_URL is called, and what to close at the end; None when there is none."""
    address = settings.heartbeat_url.get_secret_value().strip()
    if not address:
        return None
    try:
        allow = parse_allow(settings.webhook_allow)
    except ValueError as error:
        raise SettingsError(f"TOCSIN_WEBHOOK_ALLOW: {error}") from None
    try:
        url = check_url(address, allow)
    except Refused:  # its words name the host, and the whole address is a secret
        raise SettingsError(
            "TOCSIN_HEARTBEAT_URL: write a public https:// address, or name the block of a private one in "
            "TOCSIN_WEBHOOK_ALLOW"
        ) from None
    caller = Caller(allow, settings.webhook_timeout, public=url.scheme == "https", headers={})
    return (lambda: _called(caller, url)), caller


async def _called(caller: Caller, url: URL) -> Reply:
    answer = await caller.post(url, b"")
    return Reply(answer.status) if isinstance(answer, Answer) else answer
