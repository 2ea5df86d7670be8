"""The sources: whether they are collected, whether each answers, and whether it is silent against its own habit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog

from alerts import habits
from alerts.checks import Check, Probe, Seconds, holds, most_sources, silence_bound, source_bound
from alerts.habits import Habit
from console.running import Samples, by_label, values
from console.watch.prober import blind
from streams.settings import Settings
from streams.sources import cursor
from streams.sources.collector import feeds_of
from streams.sources.feedlist import Feed
from streams.sources.poll import FeedState, state_path

log = structlog.get_logger(__name__)

HABITS: Final = "habits.json"  # in the watcher's folder
PUSH: Final = "push"  # everything that is pushed counts as one source
SAVE_EVERY: Final = 60.0  # seconds


class Sources:
    """Looks at what `tocsin collect` tells. `collectors` gives the metrics of those seen in this round, and how many
    processes there are, which may be more: some may not answer."""

    whats: Sequence[str] = ("collect", "sources", "source", "quiet", "silent")

    def __init__(
        self, settings: Settings, table: Mapping[str, Check], collectors: Callable[[], tuple[list[Samples], int]],
        path: Path,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._table = table
        self._collectors = collectors
        self._path = path
        self._habits = read_habits(path)
        self._seen = False
        self._saved = 0.0
        self._feeds: tuple[Feed, ...] = ()
        self._read: tuple[int, int] | None = None

    async def look(self, now: datetime) -> list[Probe]:
        """One round. Nothing where no source is set and none was ever seen."""
        feeds = await asyncio.to_thread(self._list)
        told, processes = self._collectors()
        self._seen = self._seen or processes > 0
        if not (feeds or self._seen):
            return []
        collect = Probe("collect", value=0.0 if processes else 1.0)
        if not told:
            return [collect, *blind(self.whats[1:], "no collect tells")]
        at = now.timestamp()
        answering = self._answering(feeds, told, at)
        return [collect, *answering, *await self._silence(feeds, told, at)]

    def _list(self) -> tuple[Feed, ...]:
        """The feeds, read again when their file has changed. Raises what is wrong with it."""
        path = self._settings.feeds
        if path is not None:
            state = path.stat()
            mark = (state.st_mtime_ns, state.st_size)
            if mark != self._read:
                self._feeds = feeds_of(self._settings)
                self._read = mark
        return self._feeds

    def _answering(self, feeds: Sequence[Feed], told: Sequence[Samples], now: float) -> list[Probe]:
        started = max(max(values(samples, "process_start_time_seconds"), default=now) for samples in told)
        seen: dict[str, float] = {}
        for samples in told:
            for name, at in by_label(samples, "tocsin_source_last_success_timestamp_seconds", "source").items():
                seen[name] = max(at, seen.get(name, 0.0))
        slowest: dict[str, Feed] = {}
        for feed in feeds:
            slowest[feed.source] = max(slowest.get(feed.source, feed), feed, key=lambda one: one.interval)
        found = []
        for name, feed in slowest.items():
            bound = source_bound(feed.interval)
            age = max(0.0, now - seen.get(name, started))
            if age >= bound and self._asked_to_wait(feed, now):
                age = 0.0
            found.append(Probe("source", name, age, bound))
        return [self._together("sources", found), *found]

    def _together(self, what: str, found: Sequence[Probe]) -> Probe:
        """How many of them are bad: when they are most, that is told instead of each."""
        failing = sum(holds(probe, self._table[probe.what]) for probe in found)
        return Probe(what, value=float(failing), bound=most_sources(len(found)), facts={"total": len(found)})

    def _asked_to_wait(self, feed: Feed, now: float) -> bool:
        """Whether the feed answered last time and asked not to be asked again yet."""
        state = FeedState.of(cursor.load(state_path(self._settings, feed.url)))
        return not state.failures and not state.gone and state.next_at > now

    async def _silence(self, feeds: Sequence[Feed], told: Sequence[Samples], now: float) -> list[Probe]:
        watched = {feed.source for feed in feeds} | {PUSH}
        for samples in told:
            began = max(values(samples, "process_start_time_seconds"), default=0.0)
            sent = by_label(samples, "tocsin_source_items_total", "source", outcome="sent")
            for name in watched & sent.keys():
                habit = self._habits.setdefault(name, Habit())
                habits.look(habit, now)
                habits.take(habit, sent[name], began, now)
        for name in self._habits.keys() - watched:
            del self._habits[name]
        if (
            now - self._saved >= SAVE_EVERY
        ):  # with when it was looked at: what is missed while we are away is no silence
            self._saved = now
            await asyncio.to_thread(write_whole, self._path, msgspec.json.encode(self._habits))
        check = self._table["silent"]
        probes = (silence_of(check, name, habit, now) for name, habit in sorted(self._habits.items()))
        found = [probe for probe in probes if probe is not None]
        return [self._together("quiet", found), *found]


def silence_of(check: Check, name: str, habit: Habit, now: float) -> Probe | None:
    """How silent a source is against its own habit; None before it has one."""
    gap = habits.gap(habit)
    if gap is None:
        return None
    bound = silence_bound(check, gap)
    facts = {"usual": Seconds(gap), "quiet": Seconds(max(0.0, now - habit.arrivals[-1]))}
    return Probe("silent", name, habits.silence(habit, now, bound), bound, facts)


def read_habits(path: Path) -> dict[str, Habit]:
    """The habits as they were saved; none when there is no file, or a damaged one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Habit])
    except (OSError, msgspec.DecodeError):
        return {}


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(data)
    aside.replace(path)
