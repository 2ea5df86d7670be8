"""The one road for failures: what could not be accepted, where it came from, why, and a limit on how much."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from streams.kafka import Message, Outgoing
from streams.records import DeadLetter, Reject, encode
from streams.topics import DEADLETTERS
from streams.version import VERSION

CHANNEL: Final = "channel:"  # in place of a topic: a notification that a channel never took
VALUE_LIMIT: Final = 1_048_576  # bytes of the original kept; the rest is told by size and checksum


class TooManyRejects(RuntimeError):  # noqa: N818 - reads as what it says
    """So much input is rejected that a fault of ours is likelier than bad input: stop instead of emptying the topic."""


def letter(
    stage: str, topic: str, partition: int, offset: int, value: bytes | None, reject: Reject, at: datetime
) -> DeadLetter:
    """The dead letter for one refused record; its id names stage and origin, so a redelivery writes the same one."""
    data = value or b""
    return DeadLetter(
        id=f"{stage}:{topic}/{partition}@{offset}",
        stage=stage,
        topic=topic,
        partition=partition,
        offset=offset,
        reason=reject.reason,
        message=str(reject).encode("utf-8", "replace").decode()[:1000],
        at=at,
        value=None if value is None else base64.b64encode(data[:VALUE_LIMIT]).decode(),
        size=len(data),
        truncated=len(data) > VALUE_LIMIT,
        sha256=hashlib.sha256(data).hexdigest(),
        code=VERSION,
    )


def send(dead: DeadLetter) -> Outgoing:
    """The dead letter as a record for its topic, keyed by its origin."""
    return Outgoing(DEADLETTERS, encode(dead), key=f"{dead.topic}/{dead.partition}@{dead.offset}".encode())


def dead_letter(stage: str, message: Message, reject: Reject, at: datetime) -> Outgoing:
    """The dead letter of a consumed record, ready to send; the original key travels along for a retry."""
    dead = letter(stage, message.topic, message.partition, message.offset, message.value, reject, at)
    if message.key is not None:
        dead = replace(dead, key=base64.b64encode(message.key[:1024]).decode())
    return send(dead)


class Breaker:
    """Counts outcomes and raises TooManyRejects past a run or a share of rejects.

    The limits follow Arroyo's DlqLimit: a run of consecutive rejects, and a share of the last thousand outcomes.
    """

    def __init__(self, consecutive: int = 200, share: float = 0.5, over: int = 1000) -> None:
        self._consecutive = consecutive
        self._share = share
        self._recent: deque[bool] = deque(maxlen=over)
        self._run = 0

    def count(self, accepted: int, rejected: int) -> None:
        """Take note of one batch: `rejected` of its records were refused."""
        self._recent.extend([True] * accepted)
        self._recent.extend([False] * rejected)
        self._run = 0 if accepted else self._run + rejected
        if self._run > self._consecutive:
            raise TooManyRejects(f"{self._run} records in a row were rejected; see: tocsin deadletters list")
        full = len(self._recent) == self._recent.maxlen
        bad = len(self._recent) - sum(self._recent)
        if full and bad > self._share * len(self._recent):
            raise TooManyRejects(
                f"{bad} of the last {len(self._recent)} records were rejected; see: tocsin deadletters list"
            )
