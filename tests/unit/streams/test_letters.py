"""Dead letters read back and sent again."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.deadletter import dead_letter, letter
from streams.kafka import Message
from streams.letters import RETRIED, Letters, NotRetryable, mark, original
from streams.records import DeadLetter, Reject, decode
from streams.settings import Settings
from streams.topics import CHAT_RAW, NEWS_RAW

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, namespace="t")


def failed(
    offset: int, key: bytes | None = b"s|1", value: bytes | None = b"{broken", reason: str = "bad_json"
) -> DeadLetter:
    message = Message("t.chat.raw", 2, offset, key, value, 0.0)
    return decode(dead_letter("enrich", message, Reject(reason, "why"), NOW).value, DeadLetter)


def test_sent_again_closes() -> None:
    """A letter sent again is closed, also when a worker writes it a second time afterwards."""
    letters = Letters()
    one, two = failed(1), failed(2, reason="bad_time")
    for offset, record in enumerate([one, two, mark(one, NOW), one]):
        letters.fold(record, offset)
    assert [(p.letter.id, p.offset) for p in letters.open()] == [(two.id, 1)]
    assert letters.retried() == 1
    assert mark(one, NOW).reason == RETRIED


def test_narrowing() -> None:
    """Open letters are narrowed by reason, stage and id, and keep no bytes in memory."""
    letters = Letters()
    for offset, record in enumerate([failed(1), failed(2, reason="bad_time"), failed(1)]):
        letters.fold(record, offset)
    assert len(list(letters.open())) == 2
    assert [p.letter.offset for p in letters.open(reason="bad_time")] == [2]
    assert not list(letters.open(stage="index"))
    assert [p.letter.offset for p in letters.open(ids=frozenset({failed(1).id}))] == [1]
    assert all(p.letter.value is None for p in letters.open())


def test_two_files_of_one_name() -> None:
    """Rows at the same line of two files with the same name are two letters; the same row twice is one."""
    letters = Letters()
    for offset, value in enumerate([b"a", b"b", b"a"]):
        letters.fold(letter("ingest", "file:x.csv", 0, 3, value, Reject("bad_csv", ""), NOW), offset)
    assert len(list(letters.open())) == 2


def test_original_bytes(settings: Settings) -> None:
    """What is sent again is the record as it came: topic, key and bytes; without a key its partition."""
    sent = original(failed(7), settings)
    assert (sent.topic, sent.key, sent.value, sent.partition) == (CHAT_RAW, b"s|1", b"{broken", None)
    assert original(failed(7, key=None), settings).partition == 2


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"topic": "file:posts.jsonl", "offset": 12}, "line 12"),
        ({"topic": "feed:wire"}, "asked again"),
        ({"topic": "other.chat.raw"}, "TOCSIN_NAMESPACE"),
        ({"truncated": True}, "only its beginning"),
        ({"value": None}, "no value"),
        ({"value": "%%%"}, "base64"),
    ],
)
def test_not_retryable(settings: Settings, changes: dict[str, object], word: str) -> None:
    """A letter that cannot be sent again says why and what to do."""
    with pytest.raises(NotRetryable, match=word):
        original(replace(failed(1), **changes), settings)


def test_marks_are_small() -> None:
    """The mark names the letter and carries no bytes."""
    marked = mark(failed(1), NOW)
    assert (marked.id, marked.sha256, marked.value, marked.retries) == (failed(1).id, failed(1).sha256, None, 1)
    assert base64.b64decode(failed(1).value or "") == b"{broken"
    assert NEWS_RAW.name == "news.raw"
