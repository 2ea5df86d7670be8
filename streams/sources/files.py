"""Files of items: opened, checked, indexed by time. Compressed files and standard input are spooled to disk first."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Literal

import numpy as np

from streams.plain import plain
from streams.records import RawItem, Reject
from streams.sources.mapping import Columns, MappingError, ignored, native_item, to_item
from streams.sources.rows import Header, Row, csv_rows, json_rows, parse_csv, parse_header, parse_json, text_of, whole

Format = Literal["jsonl", "csv"]
STDIN: Final = "-"
SUFFIXES: Final[dict[str, Format]] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "csv"
}  # fmt: skip
LARGEST_SPOOL: Final = 64 * 1024**3  # bytes out of a compressed file or a pipe; a bomb must not fill the disk
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InputError(ValueError):
    """A whole file cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that became no item."""

    file: int  # number of its file in this run
    row: Row
    reject: Reject


@dataclass(slots=True)
class Input:
    """One opened file: seekable bytes, its name, and how a row of it becomes an item."""

    path: str
    name: str
    format: Format
    encoding: str
    columns: Columns
    limit: int  # bytes of one row
    stream: BinaryIO
    header: Header | None = None
    unused: set[str] = field(default_factory=set)  # columns that no field took

    def rows(self) -> Iterator[Row]:
        """All rows but the header, in file order."""
        if self.format == "jsonl":
            yield from json_rows(self.stream, self.limit)
            return
        rows = csv_rows(self.stream, self.limit, self.header.delimiter if self.header else "")
        next(rows, None)
        yield from rows

    def item(self, row: Row, now: datetime) -> RawItem:
        """The item in a row, checked. Raises Reject."""
        data = whole(row, self.limit)
        if self.header is not None:
            fields = parse_csv(data, self.header, self.encoding)
        else:
            if self.encoding != "utf-8":
                data = text_of(data, self.encoding).encode("utf-8")
            fields = parse_json(data)
            if fields.get("type") in ("item", "tick") and not self.columns.explicit:
                return native_item(data, self.columns, now)
        if len(self.unused) < 100:
            self.unused |= ignored(tuple(fields), self.columns.explicit)
        return to_item(fields, self.columns, now)

    def read(self, offset: int, size: int, line: int) -> Row:
        """The row at a known place."""
        self.stream.seek(offset)
        return Row(line, offset, size, self.stream.read(size))

    def fingerprint(self) -> str:
        """Changes when the file does. Empty for standard input, which cannot be read a second time."""
        if self.path == STDIN:
            return ""
        info = os.stat(self.path)
        return f"{Path(self.path).absolute()}|{info.st_size}|{info.st_mtime_ns}"

    def close(self) -> None:
        """Close the file; a spool disappears with it."""
        self.stream.close()


def guess_format(path: str) -> Format:
    """Format by extension. Raises InputError when the name does not tell."""
    if path == STDIN:
        return "jsonl"
    name = path.removesuffix(".gz")
    found = SUFFIXES.get(Path(name).suffix.lower())
    if found is None:
        raise InputError(f"{path}: the name does not tell the format; add --format jsonl or --format csv")
    return found


def open_input(
    path: str, columns: Columns, *, limit: int, spool: Path, form: Format | None = None, encoding: str = "utf-8",
    stdin: BinaryIO | None = None,
) -> Input:  # fmt: skip
    """Open one file (`-`: `stdin`) and check what holds for all of it. Raises InputError."""
    chosen = form or guess_format(path)
    stem = "stdin" if path == STDIN else Path(path.removesuffix(".gz")).stem
    name = "stdin" if path == STDIN else Path(path).name
    try:
        stream = _open(path, spool, stdin)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}") from None
    opened = Input(path, name, chosen, encoding, _with_default(columns, stem), limit, stream)
    try:
        if chosen == "csv":
            opened.header = _header(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _with_default(columns: Columns, stem: str) -> Columns:
    return replace(columns, default_source=stem[:128] or "file")


def _open(path: str, spool: Path, stdin: BinaryIO | None) -> BinaryIO:
    if path == STDIN:
        if stdin is None:
            raise OSError("there is no standard input")
        return _spooled(stdin, spool)
    if Path(path).is_dir():
        raise OSError("it is a folder; name the files in it")
    if path.endswith(".gz"):
        with gzip.open(path, "rb") as packed:
            return _spooled(packed, spool)
    return Path(path).open("rb")


def _spooled(stream: IO[bytes] | gzip.GzipFile, folder: Path) -> BinaryIO:
    """A nameless seekable copy on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    copy: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by Input.close
    try:
        left = LARGEST_SPOOL
        while data := stream.read(1_048_576):
            left -= len(data)
            if left < 0:
                raise OSError(f"it holds more than {LARGEST_SPOOL} bytes uncompressed; split it")
            if len(data) * 4 > shutil.disk_usage(folder).free:
                raise OSError(f"no space is left in {folder} to unpack it")
            copy.write(data)
        copy.flush()
    except BaseException:
        copy.close()
        raise
    opened: BinaryIO = copy
    return opened


def _header(opened: Input) -> Header:
    csv.field_size_limit(max(csv.field_size_limit(), opened.limit))  # the module's own limit is 128 KiB
    first = next(csv_rows(opened.stream, opened.limit), None)
    if first is None:
        raise InputError(f"{opened.path}: the file is empty; a CSV file begins with the names of its columns")
    try:
        header = parse_header(whole(first, opened.limit), opened.encoding)
    except Reject as reject:
        raise InputError(f"{opened.path}:{first.line}: {reject}") from None
    missing = [column for _, column in opened.columns.explicit if column not in header.names]
    if missing:
        raise MappingError(
            f"{opened.path}: there is no column {missing[0]}; it has {plain(', '.join(header.names), 500)}"
        )
    return header


class Index:
    """Where the accepted rows lie, in order of collection time: 34 bytes a row, whatever the rows hold."""

    def __init__(self) -> None:
        self._times = array("q")
        self._offsets = array("q")
        self._sizes = array("q")
        self._lines = array("q")
        self._files = array("H")

    def __len__(self) -> int:
        return len(self._times)

    def add(self, file: int, row: Row, at: datetime) -> None:
        """Remember one accepted row of the file with this number."""
        self._times.append((at - _EPOCH) // timedelta(microseconds=1))
        self._offsets.append(row.offset)
        self._sizes.append(row.size)
        self._lines.append(row.line)
        self._files.append(file)

    def order(self) -> Sequence[int]:
        """Entries by time; equal times in the order of files and lines."""
        if not len(self):
            return ()
        found: Sequence[int] = np.argsort(np.frombuffer(self._times, dtype=np.int64), kind="stable")  # type: ignore[assignment]
        return found

    def until(self, at: datetime) -> int:
        """How many entries are no later than `at`."""
        limit = (at - _EPOCH) // timedelta(microseconds=1)
        return int(np.count_nonzero(np.frombuffer(self._times, dtype=np.int64) <= limit))

    def at(self, entry: int) -> datetime:
        """Collection time of an entry."""
        return _EPOCH + timedelta(microseconds=self._times[entry])

    def place(self, entry: int) -> tuple[int, int, int, int]:
        """File number, offset, size and line of an entry."""
        return self._files[entry], self._offsets[entry], self._sizes[entry], self._lines[entry]


def scan(inputs: Sequence[Input], index: Index, now: datetime, step: int) -> Iterator[list[Rejected]]:
    """Read every row once, fill the index; gives out the rejected rows of each `step` rows."""
    rejected: list[Rejected] = []
    count = 0
    for number, opened in enumerate(inputs):
        for row in opened.rows():
            try:
                index.add(number, row, opened.item(row, now).collected_at)
            except Reject as reject:
                rejected.append(Rejected(number, row, reject))
            count += 1
            if count % step == 0:
                yield rejected
                rejected = []
        yield rejected
        rejected = []


def run_key(inputs: Sequence[Input], *choices: str) -> str:
    """Name of a run: the same files, unchanged, with the same options. Empty when a file cannot be read again."""
    prints = [opened.fingerprint() for opened in inputs]
    if not all(prints):
        return ""
    columns = [repr(opened.columns) for opened in inputs]
    forms = [f"{opened.format} {opened.encoding}" for opened in inputs]
    return hashlib.sha256("\n".join([*prints, *columns, *forms, *choices]).encode("utf-8", "replace")).hexdigest()[:32]
