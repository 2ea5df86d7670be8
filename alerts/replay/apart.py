"""The past played to one engine for each subject, where many rules are tried and few subjects are of interest.

A subject's alerts depend on no other subject (`alerts.engine`), so the events are those of `Playback`, byte for byte.
They come later, with the next mention of their subject or at the end, and in that order. What is gained: a subject is
judged at the minutes of its own mentions and alerts, not at everybody's, and what nobody asks about costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from alerts.engine import NO_RATES, Engine
from alerts.moments import SECOND, micros, moment
from alerts.replay.playback import ARCHIVE, End, marked
from alerts.rules import Rule
from alerts.shares import Rates
from alerts.snapshots import SnapshotError
from streams.records import AlertEvent, Mention, Signal, Tick

Place = tuple[int, str]  # partition and subject


class ApartState(Struct):
    """Where it stands."""

    end: End
    ticks: dict[int, dict[str, Tick]] = {}  # newest by partition and channel of a log
    engines: list[tuple[int, str, bytes]] = []  # partition, subject, snapshot


class Apart:
    """As `Playback`, with an engine for each subject of a partition."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        lateness: float,
        rates: Mapping[str, Rates] = NO_RATES,
        channels: Collection[str] = (ARCHIVE,),
        subjects: Collection[str] | None = None,
        state: bytes | None = None,
    ) -> None:
        """`subjects`: only these; None: all. `state`: continue where `snapshot` was taken; SnapshotError when these
        bytes are none. The rest is as for `Playback`."""
        self._rules: Final = tuple(rules)
        self._lateness: Final = lateness
        self._rates: Final = rates
        self._expected: Final = tuple(sorted(channels))
        self._subjects: Final = subjects
        self._wanted: dict[str, bool] = {}
        self._engines: dict[Place, Engine] = {}
        self._state = ApartState(End())
        if state is not None:
            self._restore(state)

    def mention(self, mention: Mention) -> list[AlertEvent]:
        """The events of the mention's subject that are known once it has come. Mentions come in order of
        `collected_at`, as `Playback.mention` demands, which refuses others."""
        at = micros(mention.collected_at)
        self._state.end.see(at)
        if not self._heeds(mention.subject):
            return []
        engine = self._engine((0, mention.subject))
        return _feed(engine, (Tick(channel=ARCHIVE, offset=0, at=moment(at - 1)), mention))

    def signal(self, signal: Signal, partition: int = 0) -> list[AlertEvent]:
        """The events that the record of this partition of a log leads to. Ticks are kept until their turn: whatever
        their density, an engine gives the same events."""
        ticks = self._state.ticks.setdefault(partition, {})
        if isinstance(signal, Tick):
            self._state.end.tick(signal)
            known = ticks.get(signal.channel)
            if known is None or signal.at > known.at:
                ticks[signal.channel] = signal
            return []
        if not self._heeds(signal.subject):
            return []
        return _feed(self._engine((partition, signal.subject)), (*ticks.values(), signal))

    def finish(self, settle: float) -> list[AlertEvent]:
        """The events of what is left, as `Playback.finish`."""
        last = self._state.end.ticks(settle, round(self._lateness * SECOND), self._expected)
        return [
            event
            for (partition, _), engine in sorted(self._engines.items())
            for event in _feed(engine, (*self._state.ticks.get(partition, {}).values(), *last))
        ]

    def snapshot(self) -> bytes:
        """Everything needed to continue."""
        self._state.engines = [(*place, engine.snapshot()) for place, engine in sorted(self._engines.items())]
        data = msgspec.msgpack.encode(self._state)
        self._state.engines = []
        return data

    def _heeds(self, subject: str) -> bool:
        """Whether a rule looks at a subject that is of interest."""
        wanted = self._wanted.get(subject)
        if wanted is None:
            asked = self._subjects is None or subject in self._subjects
            wanted = self._wanted[subject] = asked and any(rule.covers(subject) for rule in self._rules)
        return wanted

    def _channels(self) -> Collection[str]:
        return (ARCHIVE,) if self._state.end.newest is not None else self._expected

    def _engine(self, place: Place) -> Engine:
        engine = self._engines.get(place)
        if engine is None:
            engine = self._engines[place] = Engine(
                self._rules, lateness=self._lateness, channels=self._channels(), rates=self._rates
            )
        return engine

    def _restore(self, data: bytes) -> None:
        try:
            self._state = msgspec.msgpack.decode(data, type=ApartState)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SnapshotError(f"not the state of a playback: {error}") from None
        for partition, subject, snapshot in self._state.engines:
            self._engines[partition, subject] = Engine.restore(
                snapshot, self._rules, lateness=self._lateness, channels=self._channels(), rates=self._rates
            )
        self._state.engines = []


def _feed(engine: Engine, signals: Sequence[Signal]) -> list[AlertEvent]:
    return [marked(event) for signal in signals for event in engine.feed(signal, engine.next_offset)]
