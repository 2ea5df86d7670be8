"""All of Faust's settings that safety depends on, in one place. Each was measured; the comments say what goes wrong."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import faust
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from streams import metrics
from streams.endpoints import resolve
from streams.kafka import tls_context
from streams.log import configure
from streams.settings import Settings
from streams.topics import Topic, group

BUFFERED: Final = 1024  # records a stream holds; smaller starves the worker (Faust sleeps a second when it is full)


def _broker(bootstrap: str) -> list[str]:
    return [f"kafka://{address.strip()}" for address in bootstrap.split(",")]


def _credentials(settings: Settings) -> Any:
    """TLS and SASL in Faust's own types, or None."""
    context = tls_context(settings.kafka_ca_file) if settings.kafka_tls else None
    if settings.kafka_user:
        return faust.SASLCredentials(
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_user,
            password=settings.kafka_password.get_secret_value(),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def create_app(stage: str, settings: Settings) -> faust.App:
    """A Faust app for one stage: raw bytes, no tables, no web server, no leader, a crash instead of a lost record."""
    configure(settings, stage)
    bootstrap = resolve(settings, "kafka").kafka
    name = group(settings, stage)
    datadir = settings.state_dir / "faust" / name
    datadir.parent.mkdir(parents=True, exist_ok=True)  # Faust makes only the last folder
    app = faust.App(
        name,
        env={},  # else BROKER_URL and a hundred names like it, other programs' too, win over what is said here
        broker=_broker(bootstrap),
        broker_credentials=_credentials(settings),
        autodiscover=False,  # a module that fails to import would be dropped with exit code 0
        store="memory://",
        datadir=str(datadir),
        topic_disable_leader=True,
        topic_allow_declare=False,  # topics are created by streams.kafka.ensure_topics, with our settings
        topic_replication_factor=settings.replication,
        web_enabled=False,  # would bind 0.0.0.0 without authentication
        processing_guarantee="at_least_once",
        stream_wait_empty=False,  # True freezes the whole group while a handler waits for an engine
        stream_buffer_maxsize=BUFFERED,
        broker_session_timeout=15,
        broker_heartbeat_interval=3,
        broker_rebalance_timeout=60,
        broker_commit_interval=1,  # seconds of work repeated after a crash
        broker_max_poll_records=500,
        broker_max_poll_interval=86_400,  # a stage may wait for an engine far longer than the default five minutes
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_request_timeout=30,  # the default is twenty minutes
        agent_supervisor="mode.CrashingSupervisor",  # others go on after an exception and skip what was buffered
        worker_redirect_stdouts=False,
        loghandlers=[],
    )

    @app.on_partitions_assigned.connect
    async def measure(*sent: Any, **_: Any) -> None:
        metrics.LAG.clear()
        for tp in sent[1]:  # the app, and what is assigned to it now
            metrics.LAG.labels(stage, tp.topic, str(tp.partition)).set_function(partial(_lag, app, tp))

    return app


def _lag(app: faust.App, tp: Any) -> float:
    """Records between the last committed one and the end of a partition; NaN while nobody knows."""
    consumer: Any = app.consumer
    try:
        end = consumer.highwater(tp)
    except (AssertionError, ConsumerNotStarted):  # it was just revoked, or everything is stopping
        return float("nan")
    return float("nan") if end is None else max(0, end - (consumer._committed_offset.get(tp) or 0))


def reads(app: faust.App, topic: str, partition: int) -> bool:
    """Whether this worker reads the partition now; of a group at most one does, but for the moments of a change."""
    try:
        return TP(topic, partition) in app.consumer.assignment()
    except ConsumerNotStarted:
        return False


def raw_topic(app: faust.App, settings: Settings, *topics: Topic) -> Any:
    """Topics as bytes: Faust's own decoding loses or hangs on records it cannot read."""
    return app.topic(
        *[t.full(settings) for t in topics],
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
