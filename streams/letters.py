"""Dead letters read back: which are open, which were sent again, and how one is sent again.

The topic is the only memory. A letter that is sent again is followed by a second record of the same id, one retry
higher and with the reason `retried`; of all records of one letter the highest retry counts, so that a letter which a
worker writes a second time after a crash does not open it again. The record sent again is a new one at its origin
with its own offset: when it fails again it has a letter of its own.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from streams.deadletter import CHANNEL
from streams.kafka import Outgoing
from streams.records import DeadLetter
from streams.settings import Settings
from streams.topics import TOPICS

RETRIED: Final = "retried"
DOORS: Final = ("file:", "feed:")  # origins outside Kafka: the row never became a record


class NotRetryable(ValueError):  # noqa: N818 - reads as what it says
    """This letter cannot be sent again; the message says why and what to do."""


def identity(letter: DeadLetter) -> tuple[str, str]:
    """What makes two records the same letter. The checksum keeps two files of one name apart."""
    return letter.id, letter.sha256


def at_door(letter: DeadLetter) -> bool:
    """Whether it was refused before it reached Kafka."""
    return letter.topic.startswith(DOORS)


@dataclass(frozen=True, slots=True)
class Place:
    """A letter without its bytes, and where in the topic they are."""

    letter: DeadLetter
    offset: int


class Letters:
    """The newest state of every letter, without the original bytes: a few hundred bytes each."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Place] = {}

    def fold(self, letter: DeadLetter, offset: int) -> None:
        """Take in the next record of the topic."""
        known = self._known.get(identity(letter))
        if known is None or letter.retries > known.letter.retries:
            self._known[identity(letter)] = Place(replace(letter, value=None), offset)

    def open(self, *, reason: str = "", stage: str = "", ids: frozenset[str] = frozenset()) -> Iterator[Place]:
        """Letters not sent again, oldest first, narrowed where something is given."""
        for place in self._known.values():
            letter = place.letter
            if letter.reason == RETRIED or (ids and letter.id not in ids):
                continue
            if reason in ("", letter.reason) and stage in ("", letter.stage):
                yield place

    def retried(self) -> int:
        """How many were sent again."""
        return sum(place.letter.reason == RETRIED for place in self._known.values())


def original(letter: DeadLetter, settings: Settings) -> Outgoing:
    """The record as it came, for its own topic, with its key. Raises NotRetryable."""
    if at_door(letter):
        door, _, name = letter.topic.partition(":")
        hint = f"mend line {letter.offset} and ingest the file again" if door == "file" else "the feed is asked again"
        raise NotRetryable(f"{name} was refused at the door, not in Kafka: {hint}")
    if letter.topic.startswith(CHANNEL):
        name = letter.topic.removeprefix(CHANNEL)
        raise NotRetryable(
            f"{name} never took this notification: try the channel with `tocsin alerts test --channel {name}`, and "
            "read the alert with `tocsin alerts show`"
        )
    topic = next((t for t in TOPICS if t.full(settings) == letter.topic), None)
    if topic is None:
        raise NotRetryable(f"there is no topic {letter.topic} here; is TOCSIN_NAMESPACE the same?")
    if letter.truncated or letter.value is None:
        kept = "only its beginning was kept" if letter.truncated else "it had no value"
        raise NotRetryable(
            f"{kept} ({letter.size} bytes): read it at {letter.topic}/{letter.partition}@{letter.offset}"
        )
    try:
        value = base64.b64decode(letter.value, validate=True)
        key = base64.b64decode(letter.key, validate=True) if letter.key else None
    except binascii.Error:
        raise NotRetryable("its bytes are not base64: the letter itself is damaged") from None
    return Outgoing(topic, value, key=key, partition=None if key else letter.partition)


def mark(letter: DeadLetter, at: datetime) -> DeadLetter:
    """The record that closes a letter: sent again at `at`."""
    return replace(
        letter, reason=RETRIED, message="sent to its origin again", at=at, retries=letter.retries + 1, value=None
    )
