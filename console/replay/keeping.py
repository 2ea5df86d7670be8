"""Judged mentions kept as a file in order of time, which later replays read without any model.

Written beside the file and put in its place at the end. A `.gz` is a chain of members: at each save one ends, so that a
replay which is continued can drop what came after it.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from streams.records import Mention, encode


def complete(path: Path, run: str, kept: int) -> bool:
    """Put the whole part of a run in its place, where a crash has left it behind; whether the file is there."""
    if _part(path, run).exists():
        Keeping(path, run, kept).finish()
    return path.exists()


class Keeping:
    """Takes mentions; `finish` makes the file."""

    def __init__(self, path: Path, run: str = "", kept: int = 0) -> None:
        """`run`: the name of the run that may be continued; its part is no other's. `kept`: bytes of that part to go on
        behind. Raises OSError."""
        self._path = path
        self._part = _part(path, run)
        self._file = self._part.open("r+b" if kept else "w+b")
        self._file.truncate(kept)
        self._file.seek(kept)
        self._packed = path.suffix == ".gz"
        self._member: gzip.GzipFile | None = None

    def write(self, mention: Mention) -> None:
        """Add a mention."""
        row = encode(mention) + b"\n"
        if not self._packed:
            self._file.write(row)
            return
        if self._member is None:
            self._member = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._file, mtime=0)
        self._member.write(row)

    def save(self) -> int:
        """Make it durable; the bytes to hand to `kept` later."""
        if self._member is not None:
            self._member.close()
            self._member = None
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self) -> None:
        """Put the file in its place."""
        self.save()
        self._file.close()
        self._part.replace(self._path)

    def close(self) -> None:
        """Close it unfinished: the part stays for a replay that is continued."""
        if not self._file.closed:
            self.save()
            self._file.close()

    def remove(self) -> None:
        """Close it and remove the part."""
        if not self._file.closed:
            self._file.close()
            self._part.unlink(missing_ok=True)


def _part(path: Path, run: str) -> Path:
    return path.with_name(f"{path.name}.{run}.part" if run else f"{path.name}.part")
