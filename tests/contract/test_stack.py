"""The local engines: what `tocsin up` promises."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from tritonclient.grpc import InferenceServerClient, InferInput

from deploy import processes
from deploy.faults import EngineError
from deploy.stack import NAMES, Stack, end_abandoned
from streams.elastic import client as elastic_client
from streams.endpoints import EnginesDown, resolve
from streams.kafka import Outgoing, Producer, TopicMissing, client_options, ensure_topics, read_topic
from streams.lag import lags
from streams.settings import Settings, SettingsError
from streams.topics import DETECTOR_STATE, NEWS_RAW

pytestmark = pytest.mark.engines

ECHO = """
name: "echo"
backend: "python"
max_batch_size: 8
input [{ name: "x" data_type: TYPE_FP32 dims: [-1] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [-1] }]
instance_group [{ kind: KIND_CPU count: 1 }]
"""
DOUBLE = """
import triton_python_backend_utils as backend


class TritonPythonModel:
    def execute(self, requests):
        values = [backend.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
        return [backend.InferenceResponse([backend.Tensor("y", v * 2)]) for v in values]
"""


@pytest.fixture
def echo(tmp_path: Path) -> Settings:
    """Settings of a second stack with a model of two lines."""
    version = tmp_path / "models" / "echo" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(ECHO)
    (version / "model.py").write_text(DOUBLE)
    return Settings(state_dir=tmp_path / "state", model_repository=version.parent.parent)


@pytest.fixture
def second(echo: Settings) -> Iterator[Stack]:
    """Another stack beside the session's; nothing of it is started yet."""
    other = Stack(echo, preferred=False, owned=True)
    yield other
    other.down()


def doubled(address: str, rows: int) -> np.ndarray:
    """Ask the echo model; raises while Triton does not serve."""
    asked = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    tensor = InferInput("x", list(asked.shape), "FP32")
    tensor.set_data_from_numpy(asked)
    with InferenceServerClient(address) as client:
        return client.infer("echo", [tensor], client_timeout=10).as_numpy("y")


def own_sockets(pid: int) -> list[str]:
    """Local addresses, in hex, that a process listens on."""
    inodes = set()
    for link in (Path("/proc") / str(pid) / "fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]


def test_all_three_serve_on_loopback_only(stack: Stack) -> None:
    """Each engine answers, and no port of it can be reached from another machine."""
    found = {entry["name"]: entry for entry in stack.status()}
    assert {name: entry["state"] for name, entry in found.items()} == dict.fromkeys(NAMES, "serving")
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    for name, entry in found.items():
        addresses = own_sockets(entry["pid"])
        assert addresses, name
        assert set(addresses) <= loopback, name
    assert all(0 < entry["memory_mib"] < 2500 for entry in found.values())


def test_up_again_changes_nothing(stack: Stack) -> None:
    """`tocsin up` on running engines leaves them alone."""
    before = {name: stack.process(name) for name in NAMES}
    stack.up()
    assert {name: stack.process(name) for name in NAMES} == before


async def test_a_misspelt_topic_is_not_created(stack: Stack, settings: Settings) -> None:
    """Kafka makes no topic that was not declared."""
    options = client_options(settings, resolve(settings).kafka)
    producer = AIOKafkaProducer(**options, request_timeout_ms=1500)
    await producer.start()
    try:
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(producer.send_and_wait("no.such.topic", b"x"), 3)
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(**options)
    await consumer.start()
    try:
        assert "no.such.topic" not in await consumer.topics()
    finally:
        await consumer.stop()


async def test_kafka_takes_the_largest_record_a_topic_allows(stack: Stack, settings: Settings) -> None:
    """A snapshot of 64 MiB is written and read back whole."""
    bootstrap = resolve(settings).kafka
    await ensure_topics(settings, bootstrap)
    value = np.random.default_rng(7).bytes(DETECTOR_STATE.max_bytes - 1024)
    producer = Producer(settings, bootstrap)
    await producer.send_all([Outgoing(DETECTOR_STATE, value, key=b"0")])
    await producer.stop()
    read = [m.value async for m in read_topic(settings, bootstrap, DETECTOR_STATE)]
    assert read == [value]


def test_what_was_acknowledged_survives_kill_9(stack: Stack, settings: Settings) -> None:
    """A record Kafka acknowledged and a document Elasticsearch acknowledged are there after SIGKILL and a restart, on
    the same ports."""
    before = resolve(settings)

    async def write() -> None:
        await ensure_topics(settings, before.kafka)
        producer = Producer(settings, before.kafka)
        await producer.send_all([Outgoing(NEWS_RAW, b"kept", key=b"k", partition=0)])
        await producer.stop()
        elastic = elastic_client(settings, before.elasticsearch)
        await elastic.index(index=f"kept-{settings.namespace}", id="1", document={"kept": True})
        await elastic.close()

    async def read() -> None:
        assert [m.value async for m in read_topic(settings, before.kafka, NEWS_RAW)] == [b"kept"]
        elastic = elastic_client(settings, before.elasticsearch)
        found = await elastic.get(index=f"kept-{settings.namespace}", id="1")
        await elastic.indices.delete(index=f"kept-{settings.namespace}")
        await elastic.close()
        assert found["_source"] == {"kept": True}

    asyncio.run(write())
    for name in ("kafka", "elasticsearch"):
        stack.kill(name)
        assert not stack.runs(name)
        stack.start(name)
    assert resolve(settings) == before
    asyncio.run(read())


def test_an_engine_can_be_paused_and_goes_on(stack: Stack) -> None:
    """A paused engine is told apart from a stopped one, and needs nothing but to be resumed."""
    process = stack.process("elasticsearch")
    stack.pause("elasticsearch")
    try:
        state = {entry["name"]: entry["state"] for entry in stack.status()}
        assert state["elasticsearch"] == "paused"
    finally:
        stack.resume("elasticsearch")
    stack.up()
    assert stack.process("elasticsearch") == process


def test_two_stacks_run_side_by_side(stack: Stack, second: Stack) -> None:
    """Another clone's engines take other ports, and ending them leaves ours alone; Triton answers with true values."""
    second.start("triton")
    theirs = json.loads((second.settings.state_dir / "engines.json").read_text())
    ours = resolve(stack.settings)
    assert theirs["triton"] != ours.triton
    assert doubled(theirs["triton"], 4).tolist() == (np.arange(12).reshape(4, 3) * 2.0).tolist()
    second.down()
    assert [entry["state"] for entry in stack.status()] == ["serving"] * 3


def test_engines_of_a_crashed_run_are_recognised_and_ended(second: Stack) -> None:
    """With every note of them lost, the processes themselves still say whose they are; no shared memory is left."""
    second.start("triton")
    process = second.process("triton")
    children = processes.marked(processes.mark(second.settings.state_dir, "triton"))
    (second.settings.state_dir / "engines" / "triton.json").unlink()
    assert second.down() == ["triton"]
    assert not any(map(processes.alive, [process, *children]))
    prefix = "tocsin-"
    mine = [p for p in Path("/dev/shm").glob(f"{prefix}*") if p.name.startswith(second_prefix(second))]
    assert mine == []


def second_prefix(stack: Stack) -> str:
    from deploy.triton import shared_memory

    return shared_memory(stack.settings.state_dir / "triton")


def test_a_changed_model_is_served_after_up(second: Stack) -> None:
    """A running Triton whose models were replaced is restarted, on its former port."""
    second.start("triton")
    before, address = second.process("triton"), second.ports()["triton"]
    second.start("triton")
    assert second.process("triton") == before
    path = second.settings.model_repository
    assert path is not None
    (path / "echo" / "1" / "model.py").write_text(DOUBLE.replace("* 2", "* 3"))
    second.start("triton")
    assert second.process("triton") != before
    assert second.ports()["triton"] == address
    assert doubled(f"127.0.0.1:{address['grpc']}", 1).tolist() == [[0.0, 3.0, 6.0]]


def test_a_model_that_does_not_load_is_told_with_its_own_words(second: Stack) -> None:
    """The error shows the model's traceback, and nothing is left running."""
    path = second.settings.model_repository
    assert path is not None
    (path / "echo" / "1" / "model.py").write_text("raise RuntimeError('labels are swapped')\n")
    with pytest.raises(EngineError) as caught:
        second.start("triton")
    assert caught.value.code == "died"
    assert "labels are swapped" in caught.value.values["tail"]
    assert processes.marked(processes.mark(second.settings.state_dir, "triton")) == []


def test_a_former_port_that_is_taken_now_gives_way(second: Stack) -> None:
    """A program that took the port meanwhile costs another port, not the start."""
    second.start("triton")
    former = second.ports()["triton"]["grpc"]
    second.stop("triton")
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", former))
        server.listen()
        second.start("triton")
        assert second.ports()["triton"]["grpc"] != former
    assert json.loads((second.settings.state_dir / "engines.json").read_text())["triton"] != f"127.0.0.1:{former}"


def test_killing_what_does_not_run_is_an_error(second: Stack) -> None:
    """A stopped engine and a misspelt one are told apart."""
    for name, code in (("kafka", "not_running"), ("kafak", "unknown_engine")):
        with pytest.raises(EngineError) as caught:
            second.kill(name)
        assert caught.value.code == code
    with pytest.raises(EnginesDown):
        resolve(second.settings)


def test_engines_of_ones_own_are_used_and_left_alone(stack: Stack, echo: Settings) -> None:
    """With the addresses set, `up` starts nothing and `down` ends nothing."""
    at = resolve(stack.settings)
    own = {"kafka_bootstrap": at.kafka, "elasticsearch_url": at.elasticsearch, "triton_url": at.triton}
    user = Stack(echo.model_copy(update=own))
    assert user.up() == {"kafka": at.kafka, "elasticsearch": at.elasticsearch, "triton": at.triton}
    assert [entry["state"] for entry in user.status()] == ["external"] * 3
    assert user.down() == []
    assert [entry["state"] for entry in stack.status()] == ["serving"] * 3


def test_engines_of_a_killed_owner_are_ended_by_the_next(second: Stack) -> None:
    """What a killed test run left is ended; what this one started is not."""
    second.start("triton")
    assert end_abandoned() == []
    deadline = time.monotonic() + 5
    while not second.runs("triton"):
        assert time.monotonic() < deadline
    assert second.runs("triton")


async def test_fewer_partitions_than_there_are_is_refused(stack: Stack, settings: Settings) -> None:
    """A process that would leave some partitions without ticks does not start: nothing in them would ever ring."""
    bootstrap = resolve(settings).kafka
    await ensure_topics(settings, bootstrap)
    fewer = settings.model_copy(update={"partitions": settings.partitions - 1})
    with pytest.raises(SettingsError, match=f"TOCSIN_PARTITIONS.*set it to {settings.partitions}"):
        await ensure_topics(fewer, bootstrap)


async def test_before_anything_was_taken_in(stack: Stack, settings: Settings) -> None:
    """While no topic was made, no stage lags, and a reader is told so at once."""
    bootstrap = resolve(settings).kafka
    assert set((await lags(settings, bootstrap)).values()) == {0}
    with pytest.raises(TopicMissing, match="nothing was taken in yet"):
        [m async for m in read_topic(settings, bootstrap, NEWS_RAW)]


async def test_partitions_are_all_there_at_once(stack: Stack, settings: Settings) -> None:
    """A topic that was just created can be written and read at once, every partition of it."""
    bootstrap = resolve(settings).kafka
    await ensure_topics(settings, bootstrap)
    consumer = AIOKafkaConsumer(**client_options(settings, bootstrap))
    await consumer.start()
    try:
        name = NEWS_RAW.full(settings)
        tps = [TopicPartition(name, n) for n in range(settings.partitions)]
        assert set((await consumer.end_offsets(tps)).values()) == {0}
    finally:
        await consumer.stop()
