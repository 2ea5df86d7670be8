"""`tocsin deadletters` and `tocsin balance`: what is listed, what is sent again, and what is said."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from console import balance, deadletters
from console.balance import balance_lines
from console.deadletters import list_lines, read_letters, retry_letters, retry_lines
from streams.balance import Difference, Result
from streams.deadletter import dead_letter, letter, send
from streams.kafka import Message, Outgoing, TopicMissing
from streams.letters import RETRIED
from streams.records import DeadLetter, Reject, decode
from streams.settings import Settings, load
from streams.topics import CHAT_RAW, DEADLETTERS
from tests.unit.streams.sources.sink import FakeSink

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Log = list[bytes]
SETTINGS = Settings(state_dir=Path("unused"))


def kafka_letter(offset: int, value: bytes = b"{broken", reason: str = "bad_json") -> bytes:
    message = Message("chat.raw", 1, offset, b"s|1", value, 0.0)
    return dead_letter("enrich", message, Reject(reason, "why\x1b[2J"), NOW).value


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """The topic of dead letters, as the commands read it."""
    written: Log = []

    async def read(*_: Any, start: int | None = None, **__: Any) -> AsyncIterator[Message]:
        for offset, value in enumerate(list(written)):
            if offset >= (start or 0):
                yield Message("deadletters", 0, offset, None, value, 0.0)

    monkeypatch.setattr(deadletters, "read_topic", read)
    return written


class Loop(FakeSink):
    """Writes what is sent to the dead letters back into the log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    async def send_all(self, records: Any) -> None:
        await super().send_all(records)
        self._log.extend(r.value for r in records if r.topic is DEADLETTERS)


async def retry(log: Log, reason: str = "", ids: frozenset[str] = frozenset()) -> tuple[list[Outgoing], Any]:
    sink = Loop(log)
    letters = await read_letters(SETTINGS, "")
    outcome = await retry_letters(SETTINGS, "", sink, letters.open(reason=reason, ids=ids), ids)
    return sink.sent, outcome


async def test_retry_sends_the_original_and_closes(log: Log) -> None:
    """The original bytes go to the origin with their key, before the letter is marked; a second retry sends nothing."""
    log += [kafka_letter(1), kafka_letter(2, reason="bad_time"), b"not a letter"]
    sent, outcome = await retry(log, reason="bad_json")
    assert (sent[0].topic, sent[0].key, sent[0].value) == (CHAT_RAW, b"s|1", b"{broken")
    assert decode(sent[1].value, DeadLetter).reason == RETRIED
    assert outcome.sent == 1
    assert [p.letter.reason for p in (await read_letters(SETTINGS, "")).open()] == ["bad_time"]
    sent, outcome = await retry(log, reason="bad_json")
    assert (sent, outcome.sent) == ([], 0)


async def test_retry_by_id(log: Log) -> None:
    """Letters are chosen by id; an unknown id and a row of a file are told, not passed over."""
    door = letter("ingest", "file:posts.jsonl", 0, 12, b"{", Reject("bad_json", "x"), NOW)
    log += [kafka_letter(1), send(door).value]
    ids = frozenset({"enrich:chat.raw/1@1", door.id, "nothing"})
    sent, outcome = await retry(log, ids=ids)
    assert outcome.sent == 1
    assert outcome.unknown == ["nothing"]
    assert outcome.refused[0][0] == door.id
    assert "line 12" in outcome.refused[0][1]
    assert len(sent) == 2
    for lang in ("en", "zh"):
        assert any("nothing" in line for line in retry_lines(outcome, lang))


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_listing(log: Log, lang: str) -> None:
    """The newest letters are shown with their origin and reason, the rest counted; hostile text is made harmless."""
    log += [kafka_letter(n) for n in range(5)]
    places = list((await read_letters(SETTINGS, "")).open())
    lines = list_lines(places, 2, lang)
    assert len(lines) == 4
    assert "3" in lines[0]
    assert "enrich:chat.raw/1@4  bad_json: why" in lines[2]
    assert "bad_json 5" in lines[3]
    assert not any("\x1b" in line for line in lines)
    assert list_lines([], 2, lang)


def test_a_retry_is_told_as_one_json_object(log: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """How many were sent, what was refused and why, what nobody knows; exit code 1 where any was not sent."""

    class Held(Loop):
        def __init__(self, *_: Any) -> None:
            super().__init__(log)

        async def stop(self) -> None: ...

    monkeypatch.setattr(deadletters, "Producer", Held)
    monkeypatch.setattr(deadletters, "load", lambda: Settings(state_dir=tmp_path, kafka_bootstrap="127.0.0.1:1"))
    monkeypatch.setattr(deadletters, "resolve", lambda *_: SimpleNamespace(kafka=""))
    door = letter("ingest", "file:posts.jsonl", 0, 12, b"{", Reject("bad_json", "x"), NOW)
    log += [kafka_letter(1), send(door).value]
    chosen = ("--id", "enrich:chat.raw/1@1", "--id", door.id, "--id", "nothing")
    done = CliRunner().invoke(deadletters.app, ["retry", *chosen, "--json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["sent"], found["unknown"]) == (1, 1, ["nothing"])
    assert [each["id"] for each in found["refused"]] == [door.id]


def test_retry_needs_a_choice() -> None:
    """A retry of everything must be meant."""
    app = typer.Typer()
    deadletters.register(app)
    result = CliRunner().invoke(app, ["deadletters", "retry"])
    assert result.exit_code == 2
    assert "--all" in result.output


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_balance_words(lang: str) -> None:
    """The balance is one equation with its reasons, and each difference is named with its first ids."""
    make: Callable[..., Result] = lambda **changes: Result(  # noqa: E731 - one default in one place
        **({"received": 15, "indexed": 7, "duplicates": 1, "rejected": {"bad_json": 2}, "expired": 5, "retried": 0,
            "unjudged": 3, "ticks": 8, "missing": Difference(), "unexpected": Difference(), "doubled": Difference(),
            "unread": Difference()} | changes)
    )  # fmt: skip
    lines = balance_lines(make(), lang)
    assert all(part in lines[0] for part in ("15", "7", "1", "2 (bad_json 2)", "5"))
    assert len(lines) == 3
    wrong = Difference(2, ("abc", "def"))
    lines = balance_lines(make(missing=wrong, unexpected=wrong, doubled=wrong, unread=wrong), lang)
    assert sum("abc, def" in line for line in lines) == 4


@pytest.mark.parametrize("command", [["deadletters", "list"], ["deadletters", "retry", "--all"], ["balance"]])
def test_before_anything_was_taken_in(command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no topic was made yet the commands say so and end with 69; nobody reads a traceback."""

    async def missing(*_: Any, **__: Any) -> None:
        raise TopicMissing("Kafka has no topic deadletters: nothing was taken in yet")

    monkeypatch.setenv("TOCSIN_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(deadletters, "read_letters", missing)
    monkeypatch.setattr(balance, "recount", missing)
    load.cache_clear()
    app = typer.Typer()
    deadletters.register(app)
    balance.register(app)
    result = CliRunner().invoke(app, command)
    load.cache_clear()
    assert result.exit_code == 69
    assert "nothing was taken in yet" in result.output
