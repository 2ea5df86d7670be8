"""Dead letters and the breaker."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from streams.deadletter import VALUE_LIMIT, Breaker, TooManyRejects, dead_letter
from streams.kafka import Message
from streams.records import DeadLetter, Reject, decode

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def test_letter_names_origin_and_keeps_the_bytes() -> None:
    """A dead letter tells stage, origin, reason and holds the original bytes and key."""
    out = dead_letter("enrich", Message("news.raw", 3, 17, b"k", b"\xff\xfe", 0.0), Reject("bad_utf8", "at byte 0"), AT)
    dead = decode(out.value, DeadLetter)
    assert dead.id == "enrich:news.raw/3@17"
    assert (dead.topic, dead.partition, dead.offset, dead.reason) == ("news.raw", 3, 17, "bad_utf8")
    assert base64.b64decode(dead.value or "") == b"\xff\xfe"
    assert base64.b64decode(dead.key or "") == b"k"


def test_letter_of_a_huge_record_is_cut_and_says_so() -> None:
    """More bytes than the limit are not kept, their number and checksum are."""
    value = b"x" * (VALUE_LIMIT + 5)
    dead = decode(
        dead_letter("enrich", Message("t", 0, 0, None, value, 0), Reject("too_large", "x"), AT).value, DeadLetter
    )
    assert dead.truncated
    assert dead.size == len(value)
    assert len(dead.sha256) == 64


def test_same_record_gives_the_same_letter() -> None:
    """A redelivered bad record writes the letter it wrote before."""
    message = Message("t", 0, 5, None, b"{", 0.0)
    assert dead_letter("s", message, Reject("r", "m"), AT) == dead_letter("s", message, Reject("r", "m"), AT)


def test_message_with_a_lone_surrogate_can_be_written() -> None:
    """An error text quoting broken input never breaks the letter."""
    dead = decode(dead_letter("s", Message("t", 0, 0, None, b"", 0), Reject("r", "\ud800"), AT).value, DeadLetter)
    assert "\ud800" not in dead.message


@pytest.mark.parametrize(
    ("outcomes", "opens"),
    [
        ([(0, 200)], False),
        ([(0, 201)], True),
        ([(0, 200), (1, 0), (0, 200)], False),
        ([(500, 0), (0, 100), (500, 0)] * 3, False),
        ([(10, 15)] * 50, True),
    ],
)
def test_breaker_opens_on_runs_and_shares(outcomes: list[tuple[int, int]], opens: bool) -> None:
    """A long run or a large share of rejects stops the stage; scattered bad input does not."""
    breaker = Breaker()
    if opens:
        with pytest.raises(TooManyRejects, match="deadletters"):
            [breaker.count(a, r) for a, r in outcomes]
    else:
        for a, r in outcomes:
            breaker.count(a, r)
