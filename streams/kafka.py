"""Kafka outside Faust: connection arguments, topic creation, a producer that waits out outages, a log reader."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    for_code,
)

from streams.settings import Settings, SettingsError
from streams.topics import MIB, TOPICS, Topic

log = structlog.get_logger(__name__)

# Waiting does not mend these: the record or the permissions must change.
FATAL: Final = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    MessageSizeTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
# Only closed segments are compacted: small ones, closed often, keep a topic of snapshots small.
COMPACTION: Final = {
    "segment.bytes": str(128 * MIB),
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": "600000",
}
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0
CLOSING: Final = 5.0  # seconds a client gets to flush and close


class TopicMissing(RuntimeError):  # noqa: N818 - reads as what it says
    """A topic that was never made; the message says what makes it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One consumed record, as bytes. `timestamp` is the broker's, in seconds since 1970."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float

    @property
    def channel(self) -> str:
        """`topic/partition`: one ordered log."""
        return f"{self.topic}/{self.partition}"

    @property
    def origin(self) -> str:
        """`topic/partition@offset`: this very record."""
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to write. Without a partition the key decides."""

    topic: Topic
    value: bytes
    key: bytes | None = None
    partition: int | None = None


def tls_context(ca_file: Any) -> ssl.SSLContext:
    """A verifying TLS context with the given CA bundle, or the system's."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


def client_options(settings: Settings, bootstrap: str) -> dict[str, Any]:
    """Arguments every aiokafka client here is built with: address, TLS, SASL, short back-offs."""
    options: dict[str, Any] = {
        "bootstrap_servers": bootstrap,
        "client_id": "tocsin",
        "retry_backoff_ms": 200,
        "metadata_max_age_ms": 30_000,  # new partitions are seen within half a minute
    }
    protocol = "SSL" if settings.kafka_tls else "PLAINTEXT"
    if settings.kafka_user:
        protocol = f"SASL_{protocol}"
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    options["security_protocol"] = protocol
    if settings.kafka_tls:
        options["ssl_context"] = tls_context(settings.kafka_ca_file)
    return options


def _new_topic(settings: Settings, topic: Topic) -> NewTopic:
    return NewTopic(
        name=topic.full(settings),
        num_partitions=topic.count(settings),
        replication_factor=settings.replication,
        topic_configs=(COMPACTION if topic.compacted else {})
        | {
            "retention.ms": str(topic.retention_ms),
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "max.message.bytes": str(topic.max_bytes + MIB),  # the record plus its envelope
            "min.insync.replicas": str(2 if settings.replication >= 3 else 1),
        },
    )


async def ensure_topics(settings: Settings, bootstrap: str) -> None:
    """Create the topics that are missing and add partitions where the settings ask for more. Never removes any.

    Raises SettingsError when a topic has more: writers would leave some of them without ticks, and nothing in those
    would ever ring.
    """
    admin = AIOKafkaAdminClient(**client_options(settings, bootstrap), request_timeout_ms=20_000)
    try:
        await admin.start()
        existing = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
        _refuse_more(settings, existing)
        missing = [t for t in TOPICS if t.full(settings) not in existing]
        if missing:
            await _create(admin, settings, missing)
        grown = {
            t.full(settings): NewPartitions(total_count=t.count(settings))
            for t in TOPICS
            if 0 < existing.get(t.full(settings), 0) < t.count(settings)
        }
        if grown:
            await admin.create_partitions(grown)
    finally:
        await admin.close()


def _refuse_more(settings: Settings, existing: Mapping[str, int]) -> None:
    for topic in TOPICS:
        found = existing.get(topic.full(settings), 0)
        if topic.partitions is None and found > settings.partitions:
            raise SettingsError(
                f"the topic {topic.full(settings)} has {found} partitions and TOCSIN_PARTITIONS is "
                f"{settings.partitions}: set it to {found} for every command and worker, or take another "
                "TOCSIN_NAMESPACE"
            )


async def _create(admin: AIOKafkaAdminClient, settings: Settings, missing: Sequence[Topic]) -> None:
    try:
        response = await admin.create_topics([_new_topic(settings, t) for t in missing])
    except TopicAlreadyExistsError:
        return  # another worker was faster
    for name, code, *rest in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            kind = for_code(code)
            if kind.retriable:
                raise kind(name)  # a controller that is just being elected, say
            raise RuntimeError(f"Kafka refused to create the topic {name}: {rest[0] if rest else code}")


def refused(error: BaseException) -> SettingsError:
    """What to say when a broker does not let us in."""
    return SettingsError(
        f"Kafka refuses us ({type(error).__name__}): check TOCSIN_KAFKA_USER, TOCSIN_KAFKA_PASSWORD, "
        "TOCSIN_KAFKA_SASL_MECHANISM and what that user may do"
    )


async def wait_for_kafka(settings: Settings, bootstrap: str) -> None:
    """Return when topics exist on an answering broker; waits for ever, raises SettingsError only when it is refused."""
    pause = FIRST_PAUSE
    while True:
        try:
            await ensure_topics(settings, bootstrap)
            break
        except FATAL as error:
            raise refused(error) from None
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("kafka.waiting", bootstrap=bootstrap, error=type(error).__name__, pause=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


class Producer:
    """Writes records durably (all in-sync replicas) and waits out broker outages.

    At-least-once: after a fault the whole list is written again, so a reader may see a record twice, never not at all.
    """

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        self._settings = settings
        self._options = client_options(settings, bootstrap) | {
            "acks": "all",
            "enable_idempotence": True,  # keeps the order within a partition across the client's own retries
            "linger_ms": 2,
            "max_batch_size": 256 * 1024,
            "max_request_size": 65 * MIB,
            "request_timeout_ms": 30_000,
        }
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Connect; raises what the client raises when no broker answers."""
        await self._running()

    async def _running(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Flush and close; bounded, so that a dead broker cannot hold up a shutdown."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        """Close this one and no other: a second caller may have started the next already."""
        if self._producer is producer:
            self._producer = None
        try:
            async with asyncio.timeout(CLOSING):  # wait_for may swallow a cancellation on Python 3.11
                await producer.stop()
        except (TimeoutError, KafkaError) as error:
            log.warning("kafka.producer_stop", error=type(error).__name__)

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Return when every record is durable. Waits out outages for ever; raises for records Kafka never takes."""
        pause = FIRST_PAUSE
        while records:
            producer: AIOKafkaProducer | None = None
            try:
                producer = await self._running()
                await self._send_once(producer, records)
                break
            except FATAL:
                raise
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("kafka.send_retry", error=type(error).__name__, records=len(records), pause=pause)
                if producer is not None:  # one that lost its sequence numbers never recovers by itself
                    await self._discard(producer)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _send_once(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        futures: list[asyncio.Future[Any]] = []
        try:
            for r in records:
                topic = r.topic.full(self._settings)
                futures.append(await producer.send(topic, r.value, key=r.key, partition=r.partition))
        except BaseException:
            for future in futures:  # nobody will ask them: that is no fault to report
                future.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise
        results = await asyncio.gather(*futures, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


async def read_topic(
    settings: Settings,
    bootstrap: str,
    topic: Topic,
    *,
    partition: int | None = None,
    start: int | None = None,
    stop: Mapping[int, int] | None = None,
    last: int | None = None,
) -> AsyncIterator[Message]:
    """The log of one topic, or one partition of it, from `start` (default: its beginning) to where it ends now.

    `stop` gives the end offset per partition instead (exclusive), `last` limits it to so many offsets before the end.
    Order holds within a partition. No consumer group is involved and nothing is committed. Raises TopicMissing.
    """
    name = topic.full(settings)
    consumer = AIOKafkaConsumer(
        **client_options(settings, bootstrap), enable_auto_commit=False, max_partition_fetch_bytes=8 * MIB
    )
    try:
        await consumer.start()
        numbers = [partition] if partition is not None else sorted(await _partitions(consumer, name))
        tps = [TopicPartition(name, n) for n in numbers]
        consumer.assign(tps)
        begins = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
        left = {}
        for tp in tps:
            first = max(begins[tp], start if start is not None else 0)
            end = min(ends[tp], stop.get(tp.partition, 0)) if stop is not None else ends[tp]
            first = first if last is None else max(first, end - last)
            if first < end:
                consumer.seek(tp, first)
                left[tp] = end
            else:
                consumer.pause(tp)
        async for message in _read(consumer, left):
            yield message
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, name: str) -> set[int]:
    for _ in range(50):  # metadata of a fresh client arrives a moment after its start
        found = consumer.partitions_for_topic(name)
        if found:
            return set(found)
        await consumer._client.force_metadata_update()
        await asyncio.sleep(0.1)
    raise TopicMissing(
        f"Kafka has no topic {name}: nothing was taken in yet. The first worker, collect or ingest makes it"
    )


async def _read(consumer: AIOKafkaConsumer, left: dict[TopicPartition, int]) -> AsyncIterator[Message]:
    while left:
        for tp, batch in (await consumer.getmany(timeout_ms=500, max_records=2000)).items():
            end = left.get(tp)
            for r in batch:
                if end is not None and r.offset < end:
                    yield Message(tp.topic, tp.partition, r.offset, r.key, r.value, r.timestamp / 1000)
        # Positions, not the last record, say when a partition is done: compaction leaves gaps.
        for tp in list(left):
            if await consumer.position(tp) >= left[tp]:
                del left[tp]
                consumer.pause(tp)
