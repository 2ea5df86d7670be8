"""Feeds polled for ever: each by its own clock, each with its own troubles.

Effects of one poll, in the order that is the guarantee: new entries durable in Kafka, then the cursor saved. A crash
between the two reads the entries again, and their ids make them duplicates.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog
from msgspec.structs import replace

from streams import deadletter, metrics
from streams.kafka import Outgoing
from streams.records import RawItem, Reject
from streams.settings import Settings
from streams.sources import cursor
from streams.sources.feed import FeedError, Reading, item_mark, read_feed
from streams.sources.feedlist import Feed
from streams.sources.fetch import Answer, Fetcher, retry_after
from streams.sources.mapping import record_key, sealed
from streams.sources.ticks import Inflow
from streams.topics import RAW

log = structlog.get_logger(__name__)

SEEN: Final = 2000  # entries remembered per feed: four times what one answer may hold
LONGEST_PAUSE: Final = 6 * 3600.0
LONGEST_RETRY_AFTER: Final = 86_400.0
STAGE: Final = "collect"


@dataclass(slots=True)
class FeedState:
    """What is remembered about a feed between polls and restarts."""

    etag: str = ""
    modified: str = ""
    seen: list[str] = field(default_factory=list)  # oldest first
    failures: int = 0
    next_at: float = 0.0  # seconds since 1970
    gone: bool = False

    @classmethod
    def of(cls, saved: dict[str, Any]) -> FeedState:
        """The state in a cursor file; whatever is missing or damaged counts as never known."""
        state = cls()
        for name in cls.__dataclass_fields__:
            value = saved.get(name)
            if type(value) is type(getattr(state, name)):
                setattr(state, name, value)
        state.seen = [mark for mark in state.seen if isinstance(mark, str)][-SEEN:]
        return state

    def as_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def pause_after(feed: Feed, failures: int, asked: float | None, jitter: float) -> float:
    """Seconds until the next poll: the interval, doubled with each failure up to six hours, never less than asked.

    `jitter` in [0, 1) spreads feeds that failed together.
    """
    pause = float(feed.interval)
    if failures:
        pause = max(pause, min(LONGEST_PAUSE, feed.interval * 2.0 ** min(failures, 12)) * (0.75 + 0.5 * jitter))
    return max(pause, min(asked, LONGEST_RETRY_AFTER)) if asked else pause


class Poller:
    """Polls one feed. Every fault of the feed is logged, counted and waited out; none reaches another feed."""

    def __init__(
        self, feed: Feed, fetcher: Fetcher, inflow: Inflow, settings: Settings, now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:  # fmt: skip
        self._feed = feed
        self._fetcher = fetcher
        self._inflow = inflow
        self._settings = settings
        self._now = now
        self._jitter = jitter
        self.path = state_path(settings, feed.url)
        self.state = FeedState.of(cursor.load(self.path))

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until told to stop, or until the feed says that it is gone."""
        if self.state.gone:
            self._say_gone()
        while not stopping.is_set() and not self.state.gone:
            wait = self.state.next_at - self._now().timestamp()
            if wait > 0:
                try:
                    async with asyncio.timeout(min(wait, LONGEST_RETRY_AFTER)):
                        await stopping.wait()
                except TimeoutError:
                    continue
                return
            await self.poll()

    async def poll(self) -> str:
        """Ask once; returns what came of it: items, unchanged, gone, or the reason of a failure."""
        asked: float | None = None
        try:
            answer = await self._fetcher.get(self._feed.url, self._conditions())
            asked = retry_after(answer.headers, self._now())
            outcome = await self._take(answer)
            self.state.failures = 0
            metrics.SOURCE_SEEN.labels(self._feed.source).set(self._now().timestamp())
        except FeedError as error:
            self.state.failures += 1
            outcome = error.reason
            log.warning(
                "feed.failed", source=self._feed.source, reason=error.reason, detail=str(error),
                failures=self.state.failures,
            )  # fmt: skip
        metrics.SOURCE_POLLS.labels(self._feed.source, outcome).inc()
        pause = pause_after(self._feed, self.state.failures, asked, self._jitter())
        self.state.next_at = self._now().timestamp() + pause
        await asyncio.to_thread(cursor.save, self.path, self.state.as_dict())
        return outcome

    def _conditions(self) -> dict[str, str]:
        conditions = {"If-None-Match": self.state.etag, "If-Modified-Since": self.state.modified}
        return {name: value for name, value in conditions.items() if value}

    async def _take(self, answer: Answer) -> str:
        if answer.status == 304:
            return "unchanged"
        if answer.status == 410:
            self.state.gone = True
            self._say_gone()
            return "gone"
        if answer.status != 200:
            raise FeedError("throttled" if answer.status in (429, 503) else "status", f"HTTP {answer.status}")
        content_type = answer.headers.get("content-type", "")
        now = self._now()
        reading = await asyncio.to_thread(read_feed, answer.body, content_type, answer.url, self._feed, now)
        await self._send(reading)
        self.state.etag = _header(answer, "etag")
        self.state.modified = _header(answer, "last-modified")
        return "items"

    def _say_gone(self) -> None:
        detail = f"410: not asked again. Remove it from the list, or delete {self.path} to ask once more"
        log.warning("feed.gone", source=self._feed.source, detail=detail)

    async def _send(self, reading: Reading) -> None:
        known = set(self.state.seen)
        fresh = {mark: item for item in reading.items if (mark := item_mark(item)) not in known}
        refused = {mark: one for one in reading.rejected if (mark := f"!{one[0]}"[:80]) not in known}
        if fresh or refused:
            await self._inflow.send(lambda at: self._records(list(fresh.values()), list(refused.values()), at))
        self.state.seen = [*self.state.seen, *fresh, *refused][-SEEN:]
        metrics.SOURCE_ITEMS.labels(self._feed.source, "sent").inc(len(fresh))
        metrics.SOURCE_ITEMS.labels(self._feed.source, "rejected").inc(len(refused))
        metrics.SOURCE_ITEMS.labels(self._feed.source, "over_limit").inc(reading.cut)
        log.info("feed.read", source=self._feed.source, fresh=len(fresh), rejected=len(refused), cut=reading.cut)

    def _records(self, items: Sequence[RawItem], refused: Sequence[tuple[str, Reject]], at: datetime) -> list[Outgoing]:
        records = []
        letters = [entry_letter(self._feed, identity, reject, at) for identity, reject in refused]
        for item in items:
            stamped = replace(item, collected_at=at)
            try:
                value = sealed(stamped, self._settings.record_limit)
            except Reject as reject:
                letters.append(entry_letter(self._feed, item.native_id, reject, at))
                continue
            records.append(Outgoing(RAW[item.kind], value, key=record_key(item)))
        return [*records, *letters]


def entry_letter(feed: Feed, identity: str, reject: Reject, at: datetime) -> Outgoing:
    """Dead letter of an entry: origin `feed:<source>`, offset a number made of the entry's identity."""
    value = json.dumps({"url": feed.url, "entry": identity}).encode()
    offset = int.from_bytes(hashlib.blake2b(value, digest_size=6).digest(), "big")
    return deadletter.send(deadletter.letter(STAGE, f"feed:{feed.source}"[:256], 0, offset, value, reject, at))


def state_path(settings: Settings, url: str) -> Path:
    """Where the state of a feed lies; each namespace reads for itself."""
    return settings.state_dir / "feeds" / settings.namespace / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"


def _header(answer: Answer, name: str) -> str:
    """A validator to send back; absurd ones are not kept."""
    value = answer.headers.get(name, "")
    return value if len(value) <= 1024 and value.isprintable() else ""


async def poll_all(pollers: Sequence[Poller], stopping: asyncio.Event) -> None:
    """Poll all feeds until told to stop."""
    async with asyncio.TaskGroup() as group:
        for poller in pollers:
            group.create_task(poller.run(stopping))
