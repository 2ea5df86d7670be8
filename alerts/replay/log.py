"""The alert log of a replay: JSON lines, canonical and in one order, so that equal alerts are equal bytes.

A line is the record as it would cross Kafka: fields in the order of their type, maps in the order of their keys, UTF-8,
no spaces. Lines are in order of event time, subject, rule, alert and step. With several partitions events come out of
order; they are spooled to a file as they come and put in order at the end, for which each needs 330 bytes of memory
(measured).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from sys import intern
from typing import BinaryIO, Final

import msgspec

from alerts.moments import micros
from streams.records import AlertEvent, Reject, decode

Key = tuple[int, str, str, str, int]

_encoder: Final = msgspec.json.Encoder(order="deterministic")


class LogError(ValueError):
    """A log cannot be read; the message names the file and the line."""


def line(event: AlertEvent) -> bytes:
    """The canonical line of an event, without its end."""
    return _encoder.encode(event)


def key(event: AlertEvent) -> Key:
    """The place of an event in a log: time, subject, rule, alert, step."""
    return micros(event.at), intern(event.subject), intern(event.rule), event.alert, event.sequence


class AlertLog:
    """Events spooled to a file as they come, read in order."""

    def __init__(self, spool: Path, kept: int = 0) -> None:
        """`kept`: bytes of the spool that belong to the run so far; what lies behind them is dropped."""
        spool.parent.mkdir(parents=True, exist_ok=True)
        self._path = spool
        self._file: BinaryIO = spool.open("r+b" if kept else "w+b")
        self._index: list[tuple[Key, int, int]] = []
        self._size = 0
        for row in self._file if kept else ():
            if self._size >= kept:
                break
            self._add(decode(row, AlertEvent), len(row))
        self._file.seek(self._size)
        self._file.truncate()

    def __len__(self) -> int:
        return len(self._index)

    def write(self, event: AlertEvent) -> None:
        """Add an event."""
        data = line(event) + b"\n"
        self._file.write(data)
        self._add(event, len(data))

    def save(self) -> int:
        """Make what was written durable; the bytes to hand to `kept` later."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._size

    def events(self) -> Iterator[AlertEvent]:
        """All events in order."""
        for row in self._rows():
            yield decode(row, AlertEvent)

    def copy(self, target: BinaryIO) -> None:
        """Write the log."""
        for row in self._rows():
            target.write(row)

    def close(self) -> None:
        """Close the spool. It stays; `remove` ends it."""
        self._file.close()

    def remove(self) -> None:
        """Close the spool and remove it."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _add(self, event: AlertEvent, size: int) -> None:
        self._index.append((key(event), self._size, size))
        self._size += size

    def _rows(self) -> Iterator[bytes]:
        self._file.flush()
        end = self._file.tell()
        self._index.sort()
        for _, offset, size in self._index:
            self._file.seek(offset)
            yield self._file.read(size)
        self._file.seek(end)


def read_log(path: Path) -> Iterator[AlertEvent]:
    """The events of a log file. LogError with file and line for a line that is none, OSError when there is no file."""
    with path.open("rb") as file:
        for number, row in enumerate(file, start=1):
            if not row.strip():
                continue
            try:
                yield decode(row, AlertEvent)
            except Reject as reject:
                raise LogError(
                    f"{path}:{number}: not an alert event ({reject}); take a file that --log wrote"
                ) from None
