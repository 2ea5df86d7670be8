"""Mentions of the past through the engine that runs live.

What is promised: an alert of a minute is made of mentions that were collected by then, and of nothing else. The same
mentions give the same events, whatever the speed, the density of ticks, and wherever it was paused and continued.

An archive has no ticks: `mention` makes them. It takes the mentions in order of collection, and each one promises that
everything before it has come. All of them move one clock, that of the channel ARCHIVE: with one for each channel, a
channel that ends early would hold back all others for ever. A log of the topic `mentions` has its own ticks: `signal`
takes it as it is, with one engine for each of its partitions, as the live detector does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alerts.engine import NO_RATES, Engine
from alerts.moments import MINUTE, SECOND, micros, moment
from alerts.rules import Rule
from alerts.shares import Rates
from alerts.snapshots import SnapshotError
from streams.records import AlertEvent, Mention, Signal, Tick

ARCHIVE: Final = "archive/0"  # the channel whose ticks move time where mentions come without any


class OutOfOrder(ValueError):  # noqa: N818 - what happened
    """A mention of an archive is older than what was judged already; the message says by how much."""


class End(Struct):
    """How far the past has come, and the ticks that end it. Times are microseconds since 1970."""

    newest: int | None = None  # collection time of the newest mention of an archive
    ticked: int | None = None  # newest tick made, or seen in a log
    channels: tuple[str, ...] = ()  # that ticked in a log

    def see(self, at: int) -> None:
        """A mention of an archive has come."""
        self.newest = at if self.newest is None else max(self.newest, at)

    def tick(self, tick: Tick) -> None:
        """A tick of a log has come."""
        at = micros(tick.at)
        self.ticked = at if self.ticked is None else max(self.ticked, at)
        if tick.channel not in self.channels:
            self.channels = (*self.channels, tick.channel)

    def ticks(self, settle: float, lateness: int, expected: Collection[str]) -> list[Tick]:
        """The last ticks: what is left is judged, and `settle` seconds in which nothing more happened.

        Of an archive the minute of the last mention is always judged; of a log with `settle` 0 nothing that its own
        ticks do not say. `lateness`: microseconds; `expected`: channels of a log that may never have ticked.
        """
        extra = round(settle * SECOND)
        if self.newest is not None:
            end = -(-(self.newest + extra) // MINUTE) * MINUTE + lateness
            channels: Sequence[str] = (ARCHIVE,)
        elif self.ticked is not None and extra:
            end = self.ticked + extra
            channels = sorted({*expected, *self.channels})
        else:
            return []
        self.ticked = end
        return [Tick(channel=channel, offset=0, at=moment(end)) for channel in channels]


class PlaybackState(Struct):
    """Where a playback stands."""

    end: End
    engines: dict[int, bytes] = {}  # snapshots by partition


class Playback:
    """The past, played to one engine for each partition; every event is marked `replay`."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        lateness: float,
        rates: Mapping[str, Rates] = NO_RATES,
        channels: Collection[str] = (ARCHIVE,),
        every: float = 60.0,
        state: bytes | None = None,
    ) -> None:
        """`channels`: those that must have ticked before a log is judged; an archive needs none but its own.

        `every`: event seconds from one tick made for an archive to the next; changes no result. `state`: continue where
        `snapshot` was taken; SnapshotError when these bytes are none.
        """
        self._rules = tuple(rules)
        self._seconds = lateness
        self._lateness = round(lateness * SECOND)
        self._rates = rates
        self._expected = tuple(sorted(channels))
        self._every = round(every * SECOND)
        self._state = PlaybackState(End())
        self._engines: dict[int, Engine] = {}
        if state is not None:
            self._restore(state)

    def mention(self, mention: Mention) -> list[AlertEvent]:
        """The events known once this mention has come: those of the minutes before it.

        Mentions come in order of `collected_at`; one that is older than the newest by more than the allowed lateness
        raises OutOfOrder, and nothing was changed.
        """
        at = micros(mention.collected_at)
        newest = self._state.end.newest
        if newest is not None and at < newest - self._lateness:
            raise OutOfOrder(
                f"collected at {mention.collected_at.isoformat()}, which is {(newest - at) / SECOND:.0f} s before the "
                "mention ahead of it: sort by collected_at"
            )
        self._state.end.see(at)
        engine = self._engine(0)
        events = self._tick(engine, at - 1)
        events += engine.feed(mention, engine.next_offset)
        return [marked(event) for event in events] if events else events

    def signal(self, signal: Signal, partition: int = 0) -> list[AlertEvent]:
        """The events that the record of this partition of a log leads to. Records of a partition come in its order."""
        if isinstance(signal, Tick):
            self._state.end.tick(signal)
        engine = self._engine(partition)
        return [marked(event) for event in engine.feed(signal, engine.next_offset)]

    def finish(self, settle: float) -> list[AlertEvent]:
        """The events of what is left, and of `settle` seconds in which, it is promised, nothing happened (`End`)."""
        ticks = self._state.end.ticks(settle, self._lateness, self._expected)
        return [
            marked(event)
            for _, engine in sorted(self._engines.items())
            for tick in ticks
            for event in engine.feed(tick, engine.next_offset)
        ]

    def snapshot(self) -> bytes:
        """Everything needed to continue. SnapshotError when the state is larger than a snapshot may be."""
        engines = {partition: engine.snapshot() for partition, engine in sorted(self._engines.items())}
        return msgspec.msgpack.encode(replace(self._state, engines=engines))

    @property
    def evaluated(self) -> datetime | None:
        """Event time up to which every partition was judged: no event before it is to come."""
        judged = [engine.evaluated for engine in self._engines.values()]
        least = min((at for at in judged if at is not None), default=None)
        return None if least is None or None in judged else moment(least)

    @property
    def counters(self) -> Counter[str]:
        """Signals by outcome (`alerts.engine`), of all partitions together."""
        return sum((engine.counters for engine in self._engines.values()), Counter[str]())

    def _tick(self, engine: Engine, at: int) -> list[AlertEvent]:
        """Say that everything up to `at` has come, where that lets another minute be judged."""
        ticked = self._state.end.ticked
        if ticked is not None and (at - self._lateness) // self._every <= (ticked - self._lateness) // self._every:
            return []
        self._state.end.ticked = at
        return engine.feed(Tick(channel=ARCHIVE, offset=0, at=moment(at)), engine.next_offset)

    def _channels(self) -> Collection[str]:
        return self._expected if self._state.end.newest is None else (ARCHIVE,)

    def _engine(self, partition: int) -> Engine:
        engine = self._engines.get(partition)
        if engine is None:
            engine = self._engines[partition] = Engine(
                self._rules, lateness=self._seconds, channels=self._channels(), rates=self._rates
            )
        return engine

    def _restore(self, data: bytes) -> None:
        try:
            self._state = msgspec.msgpack.decode(data, type=PlaybackState)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SnapshotError(f"not the state of a playback: {error}") from None
        for partition, snapshot in self._state.engines.items():
            self._engines[partition] = Engine.restore(
                snapshot, self._rules, lateness=self._seconds, channels=self._channels(), rates=self._rates
            )
        self._state.engines = {}


def marked(event: AlertEvent) -> AlertEvent:
    """The event as one of a replay."""
    return replace(event, replay=True)
