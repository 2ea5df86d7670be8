"""Records put in order on disk: any number of them, in bounded memory (an external merge sort).

Sorted runs of about RUN bytes lie in one nameless temporary file, which the system removes whatever ends the process.
"""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final

RUN: Final = 48 * 1024 * 1024  # bytes held in memory before a run is written
AHEAD: Final = 256 * 1024  # bytes read ahead of each run while they are merged

Key = tuple[int, int, int]  # time, log, offset: unique
_HEAD: Final = Struct("<qqqI")
_COST: Final = 120  # bytes of memory beside its data that an entry costs


class Ordering:
    """Takes records in any order and gives them in the order of their keys. `close` frees the disk."""

    def __init__(self, folder: Path, run: int = RUN) -> None:
        """`folder`: where the temporary file lies; it is made when it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._limit = run
        self._entries: list[tuple[Key, bytes]] = []
        self._held = 0
        self._runs: list[tuple[int, int]] = []  # [begin, end) in the file
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, key: Key, data: bytes) -> None:
        """Take in a record. OSError when the disk is full."""
        self._entries.append((key, data))
        self._held += len(data) + _COST
        self._count += 1
        if self._held >= self._limit:
            self._spill()

    def __iter__(self) -> Iterator[tuple[Key, bytes]]:
        self._entries.sort()
        self._file.flush()
        return heapq.merge(*(self._run(*run) for run in self._runs), self._entries)

    def close(self) -> None:
        """Free memory and disk."""
        self._entries.clear()
        self._file.close()

    def _spill(self) -> None:
        begin = self._file.tell()
        for (at, log, offset), data in sorted(self._entries):
            self._file.write(_HEAD.pack(at, log, offset, len(data)))
            self._file.write(data)
        self._runs.append((begin, self._file.tell()))
        self._entries.clear()
        self._held = 0

    def _run(self, begin: int, end: int) -> Iterator[tuple[Key, bytes]]:
        ahead = b""
        while begin < end:
            if len(ahead) < _HEAD.size:
                ahead = os.pread(self._file.fileno(), min(AHEAD, end - begin), begin)
            at, log, offset, size = _HEAD.unpack_from(ahead)
            whole = _HEAD.size + size
            if len(ahead) < whole:
                ahead = os.pread(self._file.fileno(), min(max(AHEAD, whole), end - begin), begin)
            yield (at, log, offset), ahead[_HEAD.size : whole]
            ahead = ahead[whole:]
            begin += whole
