"""The local Kafka: one broker and controller in one process (KRaft), on loopback."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.engine import Check, Launch, Ports
from deploy.faults import EngineError
from deploy.jvm import LOCALE, OPTIONS, cached, check_java, checks, libraries
from deploy.logs import log4j
from deploy.properties import render
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import MIB, TOPICS

NODE: Final = 1


class Kafka:
    """Kafka 4 from its published libraries.

    Data survives `kill -9` of the process (the operating system holds the pages), not a power cut: flushing each
    record to the disk would cost most of the throughput of one node, and replication is what real clusters rely on.
    """

    name = "kafka"
    ports: ClassVar[Ports] = {"broker": 9092, "controller": 9093}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def install(self, say: Callable[[str], None]) -> Path:
        """Folder of the libraries."""
        return libraries(self._settings.cache_dir, say) / "kafka"

    def checks(self) -> dict[str, Check]:
        """Java and, before the first download, its compiler and Maven."""
        return checks(self._settings.cache_dir)

    def cached(self) -> bool:
        """Whether the libraries are here."""
        return cached(self._settings.cache_dir)

    def launch(self, home: Path, data: Path, ports: Ports) -> Launch:
        """Java command; a new data folder is formatted first."""
        java = check_java()
        properties = data / "server.properties"
        logging = data / "log4j2.properties"
        content = _properties(data / "log", ports)
        if not (data / "log" / "meta.properties").exists():
            properties.write_text(content, encoding="utf-8")
            _format(java, home, properties)
        heap = f"{self._settings.kafka_heap}m"
        argv = (
            *(java, f"-Xms{heap}", f"-Xmx{heap}", *OPTIONS),
            *(f"-Dlog4j2.configurationFile={logging}", "-Dlog4j2.disable.jmx=true"),
            *("-cp", f"{home}/*", "kafka.Kafka", str(properties)),
        )
        files = {properties: content, logging: log4j(self._settings.state_dir, self.name)}
        return Launch(argv, env=LOCALE, files=files)

    def addresses(self, ports: Ports) -> dict[str, str]:
        """`kafka`: host:port."""
        return {"kafka": f"127.0.0.1:{ports['broker']}"}

    def external(self) -> str:
        """The setting `kafka_bootstrap`."""
        return self._settings.kafka_bootstrap

    async def probe(self, address: str) -> str:
        """Ready when a broker of the cluster answers and is registered with its controller."""
        if refusal := await _refused(address):
            return refusal  # the client would log a line for each of its own tries
        options = client_options(self._settings, address)
        admin = AIOKafkaAdminClient(**options, request_timeout_ms=5000)
        with _heard() as causes:
            try:
                await admin.start()
                cluster = await admin.describe_cluster()
            except (KafkaError, OSError, TimeoutError) as error:
                return causes[-1] if causes else f"{type(error).__name__}: {error}"
            finally:
                await admin.close()
        return "" if cluster.get("brokers") else "no broker has joined yet"


class _Ear(logging.Handler):
    """Keeps the messages of warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def _heard() -> Iterator[list[str]]:
    """What the client logs meanwhile: it raises that it could not connect, and only logs why."""
    ear = _Ear()
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.WARNING)
    logger.addHandler(ear)
    try:
        yield ear.messages
    finally:
        logger.removeHandler(ear)
        logger.setLevel(level)


async def _refused(address: str) -> str:
    """Why no server of a `host:port[,host:port...]` list can be connected to; empty when one can."""
    answer = "no address"
    for server in address.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), timeout=5)
        except (OSError, ValueError, TimeoutError) as error:
            answer = f"{server}: {error or type(error).__name__}"
        else:
            writer.close()
            return ""
    return answer


def _properties(log: Path, ports: Ports) -> str:
    largest = max(topic.max_bytes for topic in TOPICS) + MIB
    values = {
        "process.roles": "broker,controller",
        "node.id": NODE,
        "controller.quorum.voters": f"{NODE}@127.0.0.1:{ports['controller']}",
        "listeners": f"PLAINTEXT://127.0.0.1:{ports['broker']},CONTROLLER://127.0.0.1:{ports['controller']}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{ports['broker']}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": log,
        # A misspelt topic is an error, not a new topic.
        "auto.create.topics.enable": "false",
        "message.max.bytes": largest,
        "replica.fetch.max.bytes": largest,
        "socket.request.max.bytes": 2 * largest,
        # One node: one replica of Kafka's own topics, and few partitions of them, which start faster.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Committed positions outlive a worker that was away for long; the default is a week.
        "offsets.retention.minutes": 525_600,
        # Workers take over from a dead one within seconds.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 2000,
        # After `kill -9` the controller waits this long before it lets the same broker in again; the default of 9 s
        # made a restart take 14 s.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * MIB,
    }
    return render(values)


def cluster_id(draw: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """A new id as Kafka makes its own: 22 characters, the first of which is no dash: that would look like an option."""
    while (found := base64.urlsafe_b64encode(draw().bytes).rstrip(b"=").decode()).startswith("-"):
        pass
    return found


def _format(java: str, home: Path, properties: Path) -> None:
    command = [java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/*", "kafka.tools.StorageTool"]
    command += ["format", "--cluster-id", cluster_id(), "--config", str(properties), "--ignore-formatted"]
    # With one replica there is nobody else to elect; on, a restart after `kill -9` counts as an unclean election.
    command += ["--feature", "eligible.leader.replicas.version=0"]
    env = os.environ | LOCALE
    done = subprocess.run(command, env=env, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    if done.returncode != 0:
        raise EngineError("died", name="kafka", log=properties, tail=(done.stdout + done.stderr).strip()[-2000:])
