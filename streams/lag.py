"""How far each stage has got in its topics: what it has still to acknowledge, since when, and who works on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupIdNotFound, for_code

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import ALERTS, CHAT_RAW, DOCUMENTS, FEEDBACK, HEALTH, MENTIONS, NEWS_RAW, REPORTS, Topic, group

READS: Final[dict[str, tuple[Topic, ...]]] = {
    "enrich": (NEWS_RAW, CHAT_RAW),
    "index": (DOCUMENTS, ALERTS),
    "detect": (MENTIONS,),
    "notify": (ALERTS, FEEDBACK, HEALTH, REPORTS),
}
PATIENCE: Final = 5000  # milliseconds Kafka gets to answer
FETCHING: Final = 5.0  # seconds
FIRST: Final = 20  # milliseconds that aiokafka waits, twice, before it tells anything of a topic it has not seen


@dataclass(frozen=True, slots=True)
class Backlog:
    """One partition as one stage sees it: the next offset to acknowledge, and the end."""

    done: int
    end: int

    @property
    def records(self) -> int:
        """Records still to acknowledge."""
        return self.end - self.done


Backlogs = Mapping[TopicPartition, Backlog]


@asynccontextmanager
async def asking(settings: Settings, bootstrap: str) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    """An admin client and a consumer without a group, closed at the end. Raises what they raise when Kafka is away."""
    options = client_options(settings, bootstrap) | {"retry_backoff_ms": FIRST}
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=PATIENCE)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, request_timeout_ms=2 * PATIENCE)
    try:
        await admin.start()
        await consumer.start()
        yield admin, consumer
    finally:
        await consumer.stop()
        await admin.close()


async def partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Number of partitions of every topic there is."""
    return {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}


async def backlogs(
    settings: Settings, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer
) -> dict[str, dict[TopicPartition, Backlog]]:
    """Every partition that each stage reads. A stage that never committed has everything there is before it."""
    made = await partitions(admin)
    found: dict[str, dict[TopicPartition, Backlog]] = {}
    for stage, topics in READS.items():
        names = [t.full(settings) for t in topics]
        tps = [TopicPartition(name, n) for name in names for n in range(made.get(name, 0))]
        if not tps:
            found[stage] = {}
            continue
        ends = await consumer.end_offsets(tps)
        begins = await consumer.beginning_offsets(tps)
        committed = await admin.list_consumer_group_offsets(group(settings, stage), partitions=tps)
        done = {tp: committed[tp].offset if tp in committed else -1 for tp in tps}
        found[stage] = {tp: Backlog(max(done[tp], begins[tp]), ends[tp]) for tp in tps}
    return found


async def lags(settings: Settings, bootstrap: str) -> dict[str, int]:
    """Records each stage has still to acknowledge. A stage that never committed lags by everything there is, and by
    nothing while its topics were never made."""
    async with asking(settings, bootstrap) as (admin, consumer):
        found = await backlogs(settings, admin, consumer)
    return {stage: sum(backlog.records for backlog in each.values()) for stage, each in found.items()}


async def oldest(consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, int]) -> float | None:
    """When the oldest of the records at these offsets was written, in seconds since 1970; None when none is there.

    Raises TimeoutError when Kafka does not hand them out in time.
    """
    consumer.assign(list(places))
    for tp, offset in places.items():
        consumer.seek(tp, offset)
    times: dict[TopicPartition, float] = {}
    async with asyncio.timeout(FETCHING):
        while len(times) < len(places):
            for tp, batch in (await consumer.getmany(timeout_ms=500)).items():
                times[tp] = batch[0].timestamp / 1000
                consumer.pause(tp)
    return min(times.values(), default=None)


async def written_since(consumer: AIOKafkaConsumer, tps: Iterable[TopicPartition], at: float) -> int:
    """Records written to the partitions at `at` (seconds since 1970) or later."""
    wanted = list(tps)
    if not wanted:
        return 0
    ends = await consumer.end_offsets(wanted)
    first: dict[TopicPartition, Any] = await consumer.offsets_for_times({tp: int(at * 1000) for tp in wanted})
    return sum(ends[tp] - place.offset for tp in wanted if (place := first[tp]) is not None)


async def members(settings: Settings, admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Processes of each stage that are members of its group now, wherever they run.

    Raises what Kafka says when it cannot tell, a coordinator that is still loading among it.
    """
    found = dict.fromkeys(READS, 0)
    for stage in READS:
        name = group(settings, stage)
        for answer in await admin.describe_consumer_groups([name]):
            for code, described, _, _, _, joined, *_ in answer.groups:
                if code not in (0, GroupIdNotFound.errno):
                    raise for_code(code)(name)
                if described == name:
                    found[stage] = len(joined)
    return found
