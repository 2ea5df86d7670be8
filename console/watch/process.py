"""`tocsin worker watch`: looks at Tocsin itself, writes what is wrong into the topic `alerts`, and heartbeats.

The effects of one round, in the order that is the guarantee:

1. What was seen is folded into the book, and the book is saved, with the events that are not yet written.
2. The events are durable in Kafka.
3. The book is saved without them.

A crash between 1 and 3 writes the same events again, with the same ids. While Kafka is away the book holds them. Run
one for each namespace, with a state folder that lasts.
"""

from __future__ import annotations

import asyncio
import fcntl
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import structlog
from aiokafka.errors import KafkaError

from alerts.checks import Probe, checks, settle
from alerts.watch import LEVELS, Book, decode_book, encode_book, firing, restore, step
from console.watch.engines import Engines
from console.watch.kafka import Kafka
from console.watch.prober import Prober, blind
from console.watch.sources import HABITS, Sources, write_whole
from console.watch.workers import Workers
from streams import clock, metrics
from streams.kafka import FATAL, LONGEST_PAUSE, Outgoing, Producer, read_topic, refused, wait_for_kafka
from streams.records import AlertEvent, Heartbeat, Reject, decode, encode
from streams.settings import Settings, SettingsError
from streams.topics import ALERTS, HEALTH

log = structlog.get_logger(__name__)

STAGE: Final = "watch"
PATIENCE: Final = 20.0  # seconds one prober gets; each has shorter ones within
WRITING: Final = 10.0  # seconds Kafka gets to take what there is to say, before the next look
HEARTBEAT_EVERY: Final = 30.0
TAKEOVER: Final = 15.0  # seconds a watcher that was told to stop gets before its successor gives up
TRY_EVERY: Final = 0.25


class Sink(Protocol):
    """Where records go: returns when every one is durable (`streams.kafka.Producer`)."""

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Write the records."""


def folder(settings: Settings) -> Path:
    """Where the watcher of this namespace keeps what it remembers."""
    return settings.state_dir / "watch" / (settings.namespace or "_")


def read_book(settings: Settings) -> Book:
    """The book as it was saved; empty when there is none."""
    try:
        return decode_book((folder(settings) / "book.json").read_bytes())
    except OSError:
        return Book()


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[None]:
    """While it lasts, no other watcher works with this namespace and state folder: two would tell everything twice.

    Waits a while for one that is about to end. Raises SettingsError when it does not.
    """
    path = folder(settings) / "watch.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("ab")
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}. Choose another TOCSIN_STATE_DIR") from None
    with lock:
        for _ in range(int(TAKEOVER / TRY_EVERY)):
            if _locked(lock.fileno()):
                break
            await asyncio.sleep(TRY_EVERY)
        else:
            raise SettingsError(
                f"another watcher of this namespace runs with {path.parent}. Run one for each namespace: end the other "
                "one, or set another TOCSIN_NAMESPACE"
            )
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Watcher:
    """One round after the other; everything from outside is handed in."""

    def __init__(
        self, settings: Settings, book: Book, lanes: Sequence[Sequence[Prober]], sink: Sink,
        now: Callable[[], datetime] = clock.now, written: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        """`lanes` look side by side, the probers of one lane in turn. `written` is asked after each look: up to where
        the topic of alerts is contained in the book."""
        self.book = book
        self._settings = settings
        self._table = checks(settings)
        self._lanes = lanes
        self._sink = sink
        self._now = now
        self._written = written
        self._beaten: datetime | None = None
        self._holding = False

    async def round(self) -> None:
        """Look at everything, remember it, say it."""
        probes = await self.look()
        now = self._now()
        events = step(self.book, settle(probes, self._table), self._table, now)
        self.book.offset = self._written() or self.book.offset
        for event in events:
            metrics.ALERTS.labels(event.state, event.severity).inc()
            log.warning("watch.said", subject=event.subject, state=event.state, reason=event.reason,
                        severity=event.severity, text=event.annotations["en"])  # fmt: skip
        self._measure(now)
        self._save()
        if await self._say():
            self._save()

    async def look(self) -> list[Probe]:
        """One round of all probers. Whatever goes wrong in one is unknown, and the others go on."""
        now = self._now()
        found = await asyncio.gather(*(self._look(lane, now) for lane in self._lanes))
        return [probe for probes in found for probe in probes]

    async def _look(self, lane: Sequence[Prober], now: datetime) -> list[Probe]:
        return [probe for prober in lane for probe in await self._ask(prober, now)]

    async def _ask(self, prober: Prober, now: datetime) -> list[Probe]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await prober.look(now)
        except Exception as error:  # noqa: BLE001 - a fault of one prober, ours included, must not blind the others
            name = type(error).__name__
            log.warning("watch.blind", what=", ".join(prober.whats), error=name, detail=str(error))
            return blind(prober.whats, name)

    def _measure(self, now: datetime) -> None:
        levels = [event.severity for event in firing(self.book)]
        for level in LEVELS:
            metrics.WATCH_OPEN.labels(level).set(levels.count(level))
        metrics.WATCH_LOOKED.set(now.timestamp())

    def _save(self) -> None:
        try:
            write_whole(folder(self._settings) / "book.json", encode_book(self.book))
        except OSError as error:  # what is in the topic is read again then; looking goes on
            log.error("watch.not_saved", error=error.strerror)

    async def _say(self) -> bool:
        """Write what is to be said, and the heartbeat when it is due; False while Kafka does not take it."""
        now = self._now()
        due = self._beaten is None or (now - self._beaten).total_seconds() >= HEARTBEAT_EVERY
        records = [Outgoing(ALERTS, encode(event), key=event.alert.encode()) for event in self.book.unsent]
        if due:
            beat = Heartbeat(at=now, open=len(firing(self.book)))
            records.append(Outgoing(HEALTH, encode(beat), key=STAGE.encode()))
        if not records:
            return False
        try:
            async with asyncio.timeout(WRITING):
                await self._sink.send_all(records)
        except FATAL as error:
            raise refused(error) from None
        except TimeoutError:
            if not self._holding:
                log.warning("watch.holding", events=len(self.book.unsent), effect="Kafka takes nothing: nobody is told")
            self._holding = True
            return False
        if self._holding:
            log.info("watch.written", events=len(self.book.unsent))
        self._holding = False
        self._beaten = now if due else self._beaten
        self.book.unsent = []
        return True


async def recover(settings: Settings, bootstrap: str) -> Book:
    """The saved book, made to agree with the topic; waits out outages."""
    while True:
        book = read_book(settings)
        try:
            events = [
                event
                async for message in read_topic(settings, bootstrap, ALERTS, start=book.offset)
                if (event := _event(message.value)) is not None
            ]
        except FATAL as error:
            raise refused(error) from None
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("watch.waiting", error=type(error).__name__)
            await asyncio.sleep(LONGEST_PAUSE)
            continue
        restore(book, events, checks(settings))
        log.info("watch.recovered", open=len(book.open), unsent=len(book.unsent), read=len(events))
        return book


def _event(value: bytes | None) -> AlertEvent | None:
    try:
        event: AlertEvent = decode(value, AlertEvent)
    except Reject:
        return None  # `notify` answers it
    return event


async def watch(settings: Settings, bootstrap: str, stopping: asyncio.Event) -> None:
    """The wiring: look, fold, save, write, every `watch_every` seconds until told to stop; the only one to do so."""
    async with alone(settings):
        await wait_for_kafka(settings, bootstrap)
        table = checks(settings)
        kafka = Kafka(settings, bootstrap, table)
        workers = Workers(settings, table)
        sources = Sources(settings, table, workers.collectors, folder(settings) / HABITS)
        producer = Producer(settings, bootstrap)
        watcher = Watcher(
            settings,
            await recover(settings, bootstrap),
            ((kafka,), (Engines(settings),), (workers, sources)),  # the sources are seen through the workers
            producer,
            written=lambda: kafka.alerts_end,
        )
        metrics.serve(settings, STAGE)
        log.info("watch.started", every=settings.watch_every, open=len(watcher.book.open))
        try:
            while not stopping.is_set():
                await watcher.round()
                try:
                    async with asyncio.timeout(settings.watch_every):
                        await stopping.wait()
                except TimeoutError:
                    continue
        finally:
            await producer.stop()


def run(settings: Settings, bootstrap: str) -> None:
    """Watch until SIGTERM or Ctrl-C. Raises SettingsError when Kafka refuses us."""

    async def until_signal() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(watch(settings, bootstrap, stopping))

        def stop() -> None:
            stopping.set()
            task.cancel()  # a look or an outage may take long; what it did is repeated after the restart

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await task
        except asyncio.CancelledError:
            if not stopping.is_set():
                raise

    asyncio.run(until_signal())
