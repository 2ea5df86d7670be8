"""The looks of `tocsin top`: metrics of the processes here, and what Kafka and the engines tell. Writes nothing.

Each look is bounded and fails alone: what is not known is told as such, and what was known before is not shown as new.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from aiokafka.errors import KafkaError

from alerts.board import KEEP, Board
from console.messages import say
from console.running import present, scrape
from console.top.figures import Alerts, Figures, Look, latency, rate, sources, stage
from deploy.stack import Stack
from streams import clock
from streams.endpoints import EnginesDown, resolve
from streams.kafka import TopicMissing, read_topic
from streams.lag import lags
from streams.letters import Letters
from streams.records import AlertEvent, DeadLetter, Reject, decode
from streams.settings import Settings
from streams.topics import ALERTS, DEADLETTERS, Topic

PATIENCE: Final = 5.0  # seconds one look may take
FIRST: Final = 60.0  # seconds the first reading of a topic may take
T = TypeVar("T")


class Gatherer:
    """Looks again and again; keeps the last looks for rates, and how far the topics were read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._before: dict[int, Look] = {}
        self._board = Board(KEEP)
        self._letters = Letters()
        self._read = {ALERTS: 0, DEADLETTERS: 0}
        self._problems: list[str] = []

    async def begin(self) -> None:
        """Look at the metrics alone, so that the first figures have rates."""
        self._before = {look.pid: look for look in await asyncio.to_thread(self._scraped)}

    async def look(self) -> Figures:
        """Everything at once, now."""
        self._problems = []
        looks, engines = await asyncio.gather(
            asyncio.to_thread(self._scraped), self._bounded(say("top.engines"), self._engines)
        )
        lag, alerts, letters = None, None, None
        try:
            bootstrap = resolve(self._settings, "kafka").kafka
        except EnginesDown as error:
            self._problems.append(str(error))
        else:
            lag, alerts, letters = await asyncio.gather(
                self._bounded(say("top.lag"), lambda: lags(self._settings, bootstrap)),
                self._bounded(say("top.alerts"), lambda: self._alerts(bootstrap), self._patience(ALERTS)),
                self._bounded(say("top.letters"), lambda: self._dead(bootstrap), self._patience(DEADLETTERS)),
            )
        return self._figures(looks, engines or {}, lag, alerts, letters)

    def _figures(
        self,
        looks: list[Look],
        engines: dict[str, str],
        lag: dict[str, int] | None,
        alerts: Alerts | None,
        letters: int | None,
    ) -> Figures:
        at = clock.now()
        pairs = [(self._before.get(look.pid), look) for look in looks]
        judged = [pair for pair in pairs if pair[1].stage == "enrich"]
        # Ticks are records too, and no documents.
        rates = [rate(*pair, "tocsin_records_total", outcome="accepted") for pair in judged]
        known = [each for each in rates if each is not None]
        self._before = {look.pid: look for look in looks}
        return Figures(
            at=at,
            documents_per_second=round(sum(known), 1) if known else None,
            stages=tuple(stage(before, look, at.timestamp()) for before, look in pairs),
            lag=lag,
            triton=latency(judged),
            alerts=alerts,
            letters=letters,
            sources=sources(looks, at.timestamp()),
            engines=engines,
            problems=tuple(self._problems),
        )

    def _scraped(self) -> list[Look]:
        found = []
        for note in present(self._settings):
            samples = scrape(note["url"])
            found.append(Look(str(note["stage"]), int(note["pid"]), time.monotonic(), samples))
        return found

    async def _bounded(self, what: str, look: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T | None:
        """What a look finds; None, and a problem, where it fails or takes too long."""
        try:
            async with asyncio.timeout(seconds):
                return await look()
        except (KafkaError, OSError, TimeoutError, TopicMissing) as error:
            if not isinstance(error, TopicMissing):  # nothing was ever written there
                self._problems.append(say("top.unknown", what=what, error=type(error).__name__))
            return None

    async def _engines(self) -> dict[str, str]:
        found = await asyncio.to_thread(Stack(self._settings).status)
        return {each["name"]: each["state"] for each in found}

    def _patience(self, topic: Topic) -> float:
        return PATIENCE if self._read[topic] else FIRST

    async def _alerts(self, bootstrap: str) -> Alerts:
        async for message in read_topic(self._settings, bootstrap, ALERTS, start=self._read[ALERTS]):
            self._read[ALERTS] = message.offset + 1
            try:
                event: AlertEvent = decode(message.value, AlertEvent)
            except Reject:
                continue  # not of our making
            self._board.take(event, datetime.fromtimestamp(message.timestamp, UTC))
        self._board.trim(clock.now())
        events = [entry.event for entry in self._board.entries(clock.now())]
        about = [event for event in events if event.kind != "system"]
        firing = Counter(event.severity for event in about if event.state != "pending")
        pending = sum(event.state == "pending" for event in about)
        counts = {severity: firing[severity] for severity in ("critical", "warning", "info")}
        return Alerts(counts, pending, len(events) - len(about))

    async def _dead(self, bootstrap: str) -> int:
        async for message in read_topic(self._settings, bootstrap, DEADLETTERS, start=self._read[DEADLETTERS]):
            self._read[DEADLETTERS] = message.offset + 1
            try:
                self._letters.fold(decode(message.value, DeadLetter), message.offset)
            except Reject:
                continue
        return sum(1 for _ in self._letters.open())
