"""The detector around the engines: one engine per partition of `mentions`, restored, folded, snapshotted.

Order of effects:

1. The first record of a partition makes its engine: the snapshot that contains the most, then the log from there up to
   that record (and likewise after any gap), sending again what it sent before: same ids, so readers see nothing new.
2. A batch is folded; its alert events and dead letters are made durable.
3. Now and then all changed engines are snapshotted; only then are the records acknowledged.

A crash, a rebalance or a paused process that wakes up (its snapshots contain less, so they lose) at any point repeats
some of these steps and changes no result.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog

from alerts import calendars, snapshots
from alerts.engine import NO_RATES, Engine
from alerts.moments import SECOND, moment
from alerts.rules import Rule
from alerts.shares import Rates
from alerts.snapshots import SnapshotError
from streams import metrics
from streams.deadletter import Breaker, dead_letter
from streams.kafka import Message, Outgoing, Producer
from streams.records import AlertEvent, Reject, Signal, Tick, decode, encode
from streams.settings import Settings
from streams.topics import ALERTS, DETECTOR_STATE, RAW

STAGE: Final = "detect"
RECORDS_PER_SNAPSHOT: Final = 20_000  # bounds how much a restart folds again when records come fast
SHARE_OF_TIME: Final = 0.1  # of the process that snapshots of a large state may take
EVENTS_AT_ONCE: Final = 500
STALLED: Final = 60.0  # seconds in which records come and mentions wait while event time stands still

log = structlog.get_logger(__name__)
Decoded = list[tuple[Message, Signal | Reject]]


class Log(Protocol):
    """What the detector reads back. `alerts.detector_log.KafkaLog` is the real one."""

    def snapshots(self, partition: int) -> AsyncIterator[bytes]:
        """Recent snapshots of a partition, in any order."""

    def mentions(self, partition: int, start: int, stop: int) -> AsyncIterator[Message]:
        """The records of a partition of `mentions` in [start, stop), in order."""


def expected_channels(settings: Settings) -> frozenset[str]:
    """The raw partitions that must all have ticked before rules are evaluated."""
    return frozenset(f"{t.full(settings)}/{p}" for t in RAW.values() for p in range(t.count(settings)))


def read_signal(message: Message) -> Signal | Reject:
    """The mention or tick in a record, or why it is none."""
    try:
        signal: Signal = decode(message.value, Signal)
    except Reject as reject:
        return reject
    return signal


class Detector:
    """`prepare` decodes (no effects), `deliver` folds and makes the outcome durable, `flush` snapshots."""

    def __init__(
        self,
        settings: Settings,
        rules: Sequence[Rule],
        log: Log,
        producer: Producer,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
        rates: Mapping[str, Rates] = NO_RATES,
    ) -> None:
        self._settings = settings
        self._rules = tuple(rules)
        self._rates = rates
        self._lock = asyncio.Lock()  # rules do not change within a batch
        self._channels = expected_channels(settings)
        self._log = log
        self._producer = producer
        self._clock = clock
        self._timer = timer
        self._engines: dict[int, Engine] = {}
        self._counted: dict[int, Counter[str]] = {}  # what the metrics hold already
        self._unsaved: set[int] = set()
        self._records = 0  # since the last snapshot
        self._due = timer() + settings.snapshot_every
        self._breaker = Breaker()
        self._told_calendars: set[str] = set()
        self._moved: dict[int, tuple[int | None, float]] = {}  # how far time had got, and since when it stands there

    async def prepare(self, messages: list[Message]) -> Decoded:
        """Decode the records of a batch."""
        metrics.BATCH_RECORDS.labels(STAGE).observe(len(messages))
        return [(message, read_signal(message)) for message in messages]

    async def deliver(self, batch: Decoded) -> bool:
        """Fold a batch and send what it led to. True when everything delivered so far is in durable snapshots."""
        async with self._lock:
            return await self._deliver(batch)

    async def _deliver(self, batch: Decoded) -> bool:
        outgoing: list[Outgoing] = []
        for message, signal in batch:
            engine = await self._engine(message.partition, message.offset)
            if message.offset < engine.next_offset:
                continue
            if isinstance(signal, Reject):
                metrics.REJECTS.labels(STAGE, signal.reason).inc()
                outgoing.append(dead_letter(STAGE, message, signal, self._clock()))
                engine.skip(message.offset + 1)
            else:
                outgoing += _records(engine.feed(signal, message.offset))
            self._unsaved.add(message.partition)
        await self._producer.send_all(outgoing)
        self._account(batch)
        if self._timer() >= self._due or self._records >= RECORDS_PER_SNAPSHOT:
            await self._flush()
        return not self._unsaved

    async def flush(self) -> None:
        """Make the state of every changed engine durable."""
        async with self._lock:
            await self._flush()

    async def use(self, rules: Sequence[Rule]) -> None:
        """Other rules from here on; alerts of rules that are gone or changed are resolved.

        The state before and after is made durable: after a crash nothing is judged again under other rules than then.
        """
        async with self._lock:
            await self._flush()
            self._rules = tuple(rules)
            self._engines = {p: self._restored(engine.snapshot()) for p, engine in self._engines.items()}
            self._unsaved.update(self._engines)
            await self._flush()
        metrics.RULES.set(len(rules))

    def _restored(self, snapshot: bytes) -> Engine:
        lateness = self._settings.allowed_lateness
        return Engine.restore(snapshot, self._rules, lateness=lateness, channels=self._channels, rates=self._rates)

    async def _flush(self) -> None:
        started = self._timer()
        taken = {p: self._engines[p].snapshot() for p in sorted(self._unsaved) if p in self._engines}
        await self._producer.send_all(
            [Outgoing(DETECTOR_STATE, data, key=str(p).encode(), partition=0) for p, data in taken.items()]
        )
        for partition, data in taken.items():
            metrics.SNAPSHOTS.inc()
            metrics.SNAPSHOT_BYTES.labels(str(partition)).set(len(data))
        self._unsaved.clear()
        self._records = 0
        took = self._timer() - started
        self._due = self._timer() + max(self._settings.snapshot_every, took / SHARE_OF_TIME)

    def forget(self) -> None:
        """Drop all engines: partitions were revoked. Each comes back from its snapshot if its records do."""
        self._engines.clear()
        self._unsaved.clear()

    async def _engine(self, partition: int, offset: int) -> Engine:
        """The engine of a partition with everything before `offset` folded in, from the log where it was missed."""
        engine = self._engines.get(partition)
        if engine is None:
            engine = self._engines[partition] = await self._newest(partition)
            self._counted[partition] = engine.counters.copy()
        if engine.next_offset < offset:
            await self._catch_up(engine, partition, offset)
        return engine

    async def _catch_up(self, engine: Engine, partition: int, offset: int) -> None:
        start = engine.next_offset
        pending: list[Outgoing] = []
        async for message in self._log.mentions(partition, start, offset):
            signal = read_signal(message)
            if not isinstance(signal, Reject):  # a rejected record was dead-lettered when it was first delivered
                pending += _records(engine.feed(signal, message.offset))
            if len(pending) >= EVENTS_AT_ONCE:
                await self._producer.send_all(pending)
                pending.clear()
        await self._producer.send_all(pending)
        engine.skip(offset)
        log.info("detector.caught_up", partition=partition, contained=start, upto=offset)

    async def _newest(self, partition: int) -> Engine:
        """The engine from the snapshot that contains the most; a fresh one, to be folded anew, without a usable one."""
        best: tuple[int, bytes] | None = None
        async for data in self._log.snapshots(partition):
            try:
                contained = snapshots.position(data)
            except SnapshotError as error:
                log.warning("detector.snapshot_refused", partition=partition, error=str(error))
                continue
            if best is None or contained > best[0]:
                best = contained, data
        if best is not None:
            try:
                return self._restored(best[1])
            except SnapshotError as error:
                log.warning("detector.snapshot_refused", partition=partition, error=str(error))
        lateness = self._settings.allowed_lateness
        return Engine(self._rules, lateness=lateness, channels=self._channels, rates=self._rates)

    def _account(self, batch: Decoded) -> None:
        now = self._clock().timestamp()
        self._records += len(batch)
        rejected = sum(isinstance(signal, Reject) for _, signal in batch)
        ticks = sum(isinstance(signal, Tick) for _, signal in batch)
        metrics.RECORDS.labels(STAGE, "tick").inc(ticks)
        metrics.RECORDS.labels(STAGE, "rejected").inc(rejected)
        metrics.RECORDS.labels(STAGE, "accepted").inc(len(batch) - ticks - rejected)
        for message, _ in batch:
            metrics.LATENCY.labels(STAGE).observe(max(0.0, now - message.timestamp))
        for partition, engine in self._engines.items():
            if engine.evaluated is not None:
                metrics.WATERMARK.labels(str(partition)).set(engine.evaluated / SECOND)
            metrics.WAITING.labels(str(partition)).set(engine.waiting)
            for outcome, count in (engine.counters - self._counted.get(partition, Counter())).items():
                metrics.DETECT.labels(outcome).inc(count)
            self._counted[partition] = engine.counters.copy()
        metrics.LAST_DELIVERY.labels(STAGE).set(now)
        self._tell_stalls()
        self._tell_calendars()
        self._breaker.count(len(batch) - rejected, rejected)

    def _tell_stalls(self) -> None:
        """Say, once a minute, which raw partitions bring no ticks: until they do, nothing can ring."""
        now = self._timer()
        for partition, engine in self._engines.items():
            evaluated, since = self._moved.get(partition, (engine.evaluated, now))
            if evaluated != engine.evaluated or not engine.waiting:
                since = now
            elif now - since >= STALLED:
                since = now
                log.warning(
                    "detector.time_stands_still",
                    partition=partition,
                    waiting=engine.waiting,
                    channels=", ".join(engine.behind[:5]),
                    remedy="start tocsin collect again, with the TOCSIN_PARTITIONS of the workers",
                )
            self._moved[partition] = engine.evaluated, since

    def _tell_calendars(self) -> None:
        """Say once of each market that its calendar ends before the time that is judged."""
        newest = max((e.evaluated for e in self._engines.values() if e.evaluated is not None), default=None)
        if newest is None:
            return
        for market in calendars.ZONES:
            late = market != "none" and calendars.local_day(market, moment(newest)) > calendars.horizon(market)
            if late and market not in self._told_calendars:
                self._told_calendars.add(market)
                log.warning(
                    "calendar.ended",
                    market=market,
                    horizon=calendars.horizon(market).isoformat(),
                    effect="weekdays count as trading days",
                    remedy="update Tocsin, or run python -m alerts.calendars.build",
                )


def _records(events: Sequence[AlertEvent]) -> list[Outgoing]:
    for event in events:
        metrics.ALERTS.labels(event.state, event.severity).inc()
    return [Outgoing(ALERTS, encode(event), key=event.alert.encode()) for event in events]
