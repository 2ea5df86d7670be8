"""The producer over a client that fails as a test tells it to; topics over an admin client that does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, NotControllerError, TopicAuthorizationFailedError

from streams import kafka
from streams.kafka import Outgoing, Producer, ensure_topics
from streams.settings import Settings
from streams.topics import NEWS_RAW

RECORD = Outgoing(NEWS_RAW, b"x")


class Client:
    """Stands for AIOKafkaProducer: what each of them is to do is taken from `script` when it is made."""

    script: list[str] = []  # noqa: RUF012 - set anew by the fixture
    made: list[Client] = []  # noqa: RUF012

    def __init__(self, **_: Any) -> None:
        self.does = Client.script.pop(0) if Client.script else "take"
        self.sent: list[bytes] = []
        self.stopped = False
        self.gate = asyncio.Event()
        Client.made.append(self)

    async def start(self) -> None:
        if self.does == "refuse":
            raise KafkaConnectionError

    async def stop(self) -> None:
        self.stopped = True

    async def send(self, _: str, value: bytes, **__: Any) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        if self.does == "take":
            self.sent.append(value)
            future.set_result(None)
        elif self.does == "forbid":
            future.set_exception(TopicAuthorizationFailedError())
        elif value == b"slow":
            await self.gate.wait()
            future.set_exception(KafkaConnectionError())
        else:
            future.set_exception(KafkaConnectionError())
        return future


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Producer:
    monkeypatch.setattr(kafka, "AIOKafkaProducer", Client)
    monkeypatch.setattr(kafka, "FIRST_PAUSE", 0.001)
    Client.script, Client.made = [], []
    return Producer(Settings(), "127.0.0.1:1")


async def test_a_record_is_written_again_until_it_is_durable(producer: Producer) -> None:
    """A broker that refuses the connection, then loses a record, then takes it: the caller returns after the last."""
    Client.script = ["refuse", "fail", "take"]
    await producer.send_all([RECORD, RECORD])
    assert [client.sent for client in Client.made] == [[], [], [b"x", b"x"]]
    assert [client.stopped for client in Client.made] == [True, True, False]


async def test_a_refusal_for_good_is_raised(producer: Producer) -> None:
    """What waiting cannot mend is not waited for."""
    Client.script = ["forbid"]
    with pytest.raises(TopicAuthorizationFailedError):
        await producer.send_all([RECORD])


async def test_a_late_failure_closes_no_newer_client(producer: Producer) -> None:
    """Two callers share a client that fails; the slower one must not close what the other has started since."""
    Client.script = ["fail", "take"]
    slow = asyncio.create_task(producer.send_all([Outgoing(NEWS_RAW, b"slow")]))
    await asyncio.sleep(0)
    await producer.send_all([RECORD])
    old, new = Client.made
    old.gate.set()
    await slow
    assert (old.stopped, new.stopped) == (True, False)
    assert new.sent == [b"x", b"slow"]


class Admin:
    """Stands for the admin client: an empty cluster that answers the creation of topics with one code."""

    code = 0
    closed = False

    def __init__(self, **_: Any) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None:
        Admin.closed = True

    async def describe_topics(self) -> list[Any]:
        return []

    async def create_topics(self, topics: list[Any]) -> Any:
        return SimpleNamespace(topic_errors=[(topic.name, Admin.code, "as the test wants it") for topic in topics])


@pytest.mark.parametrize(
    ("code", "error"), [(NotControllerError.errno, NotControllerError), (38, RuntimeError)], ids=["passing", "for good"]
)
async def test_a_topic_that_cannot_be_created_now_is_another_thing_than_one_that_never_can(
    monkeypatch: pytest.MonkeyPatch, code: int, error: type[Exception]
) -> None:
    """A controller that is being elected is waited for (a KafkaError); too few brokers for the replicas is told."""
    monkeypatch.setattr(kafka, "AIOKafkaAdminClient", Admin)
    monkeypatch.setattr(Admin, "code", code)
    with pytest.raises(error):
        await ensure_topics(Settings(), "127.0.0.1:1")
    assert Admin.closed
