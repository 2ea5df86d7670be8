"""One message for one receiver, as it lies in the outbox. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message for one receiver. `id` is its identity everywhere, `parts` the very bytes sent at each attempt."""

    id: str
    receiver: str
    events: tuple[str, ...]  # ids of the alert events it tells, `<alert>.<sequence>`
    parts: tuple[bytes, ...]
    type: str = ""
    why: str = ""
    done: int = 0  # parts delivered
    attempts: int = 0  # of the part whose turn it is

    @property
    def alerts(self) -> frozenset[str]:
        """The alerts of those events."""
        return frozenset(event.rpartition(".")[0] for event in self.events)


def packed(values: Sequence[str] | Sequence[bytes]) -> bytes:
    """Texts or bytes as they lie in a row."""
    return msgspec.msgpack.encode(values)


def unpacked(row: Sequence[Any]) -> Notification:
    """The notification in a row of `alerts.delivery.outbox_file.COLUMNS`."""
    id_, receiver, type_, why, events, parts, done, attempts = row
    return Notification(
        id=id_,
        receiver=receiver,
        type=type_,
        why=why,
        events=msgspec.msgpack.decode(events, type=tuple[str, ...]),
        parts=msgspec.msgpack.decode(parts, type=tuple[bytes, ...]),
        done=done,
        attempts=attempts,
    )
