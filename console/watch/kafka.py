"""Kafka itself, and what it knows of the stages, wherever they run: members, progress, what waits, dead letters."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from alerts.checks import Check, Probe, Stretches, letters_bound
from console.watch.prober import blind
from streams.kafka import read_topic
from streams.lag import READS, Backlog, asking, backlogs, members, oldest, partitions, written_since
from streams.letters import RETRIED
from streams.records import DeadLetter, Reject, decode
from streams.settings import Settings
from streams.topics import ALERTS, DEADLETTERS, DOCUMENTS, Topic

log = structlog.get_logger(__name__)

AWAY: Final = (KafkaError, OSError, TimeoutError)
LOOKING: Final = 15.0  # seconds for everything; what was not measured by then is unknown
LETTERS_READ: Final = 200  # newest dead letters that are looked into when there are many
Measure = Callable[[AIOKafkaAdminClient, AIOKafkaConsumer, float], Awaitable[list[Probe]]]


class Kafka:
    """Looks at everything that Kafka knows. `alerts_end`: where the topic of alerts ended at the last look."""

    whats: Sequence[str] = ("kafka", "worker", "standstill", "lag", "deadletters")

    def __init__(self, settings: Settings, bootstrap: str, table: Mapping[str, Check]) -> None:
        self._settings = settings
        self._bootstrap = bootstrap
        self._table = table
        self._still = Stretches()
        self._ends: dict[TopicPartition, dict[str, int]] = {}  # per stage, at the look before
        self.alerts_end = 0

    async def look(self, now: datetime) -> list[Probe]:
        """Whether Kafka answers; if so, everything else, each by itself."""
        found: list[Probe] = []
        measures: dict[tuple[str, ...], Measure] = {
            ("worker",): self._members,
            ("standstill", "lag"): self._backlogs,
            ("deadletters",): self._letters,
        }
        left = {what: "TimeoutError" for whats in measures for what in whats}
        try:
            async with asyncio.timeout(LOOKING), asking(self._settings, self._bootstrap) as (admin, consumer):
                found.append(Probe("kafka", value=0.0))
                for whats, measure in measures.items():
                    try:
                        found += await measure(admin, consumer, now.timestamp())
                    except AWAY as error:
                        log.warning("watch.blind", what=", ".join(whats), error=type(error).__name__, detail=str(error))
                        left |= dict.fromkeys(whats, type(error).__name__)
                    else:
                        left = {what: why for what, why in left.items() if what not in whats}
        except AWAY as error:
            if not found:
                found.append(Probe("kafka", value=1.0, facts={"detail": type(error).__name__}))
        return [*found, *(probe for what, why in left.items() for probe in blind([what], why))]

    async def _members(self, admin: AIOKafkaAdminClient, _: AIOKafkaConsumer, __: float) -> list[Probe]:
        at_work = await members(self._settings, admin)
        return [Probe("worker", stage, 0.0 if at_work.get(stage) else 1.0) for stage in READS]

    async def _backlogs(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, now: float) -> list[Probe]:
        found: list[Probe] = []
        for stage, places in (await backlogs(self._settings, admin, consumer)).items():
            waiting = {tp: place for tp, place in places.items() if place.records > 0}
            records = sum(place.records for place in waiting.values())
            progress = sum(place.done for place in places.values()) if waiting else None
            found.append(self._still.probe(self._table["standstill"], stage, progress, now, records=records))
            found.append(await self._lag(consumer, stage, waiting, records, now))
            for tp, place in places.items():
                self._ends.setdefault(tp, {})[stage] = place.end
                if tp.topic == ALERTS.full(self._settings):
                    self.alerts_end = place.end
        return found

    async def _lag(
        self, consumer: AIOKafkaConsumer, stage: str, waiting: Mapping[TopicPartition, Backlog], records: int,
        now: float,
    ) -> Probe:  # fmt: skip
        """Age of the oldest record that waits. What had not come yet at the last look is young: it is not read."""
        old = {tp: place.done for tp, place in waiting.items() if place.done < self._end_before(tp, stage, place.end)}
        written = await oldest(consumer, old) if old else None
        age = 0.0 if written is None else max(0.0, now - written)
        return Probe("lag", stage, age, facts={"records": records})

    def _end_before(self, tp: TopicPartition, stage: str, end: int) -> int:
        return self._ends.get(tp, {}).get(stage, end)

    async def _letters(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, now: float) -> list[Probe]:
        check = self._table["deadletters"]
        made = await partitions(admin)

        async def since(topic: Topic) -> int:
            name = topic.full(self._settings)
            tps = [TopicPartition(name, n) for n in range(made.get(name, 0))]
            return await written_since(consumer, tps, now - check.window)

        letters, documents = await since(DEADLETTERS), await since(DOCUMENTS)
        bound = letters_bound(check, letters, documents)
        most = ""
        if letters >= bound:
            letters, most = await self._look_into(letters)
        facts: dict[str, str | int] = {"documents": documents, "most": most}
        return [Probe("deadletters", value=float(letters), bound=bound, facts=facts)]

    async def _look_into(self, letters: int) -> tuple[int, str]:
        """How many of them are new ones, not marks of a retry, judged by the newest; and their most frequent reason."""
        reasons: Counter[str] = Counter()
        read = 0
        async for message in read_topic(self._settings, self._bootstrap, DEADLETTERS, last=min(letters, LETTERS_READ)):
            try:
                letter = decode(message.value, DeadLetter)
            except Reject:
                continue
            read += 1
            reasons[RETRIED if letter.reason == RETRIED else f"{letter.stage} {letter.reason}"] += 1
        retried = reasons.pop(RETRIED, 0)
        most = reasons.most_common(1)
        return round(letters * (1 - retried / read)) if read else letters, most[0][0] if most else ""
