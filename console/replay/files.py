"""Files as the source of a replay: rows of any shape, and documents and mentions of our own, which are recognised.

Everything is looked at once before the first record is given out: what cannot be read is counted with its line, and
whether the files are in order of collection is seen. Files in order are then read from the beginning to the end, in
memory that does not grow with them; others by an index of 34 bytes a row (`streams.sources.files`).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from alerts.evaluation.result import Note
from alerts.replay.playback import ARCHIVE
from console.replay.source import COLUMNS, Batch, Notes, SourceError
from console.replay.span import Span
from streams import clock
from streams.records import Document, Mention, RawItem, Reject, Time, decode
from streams.settings import Settings
from streams.sources.files import STDIN, Format, Index, Input, InputError, open_input
from streams.sources.mapping import Columns
from streams.sources.rows import Row

ROWS: Final = 500  # of one batch, at most …
MENTIONS: Final = 50  # … and of mentions: they are taken in one by one, and so few stay in the processor's cache
LOOKED: Final = 2000  # rows looked at before others get their turn
MIDNIGHT: Final = time()

Record = Mention | Document | RawItem


class _Mention(Struct, tag_field="type", tag="mention"):
    """As much of a mention as says when."""

    collected_at: Time


class _Tick(Struct, tag_field="type", tag="tick"):
    """A promise in a copy of a topic; an archive in order needs none."""


class _Document(Struct):
    """As much of a document as says when, and that it is none of somebody else's rows."""

    origin: str
    signature: msgspec.Raw
    entities: msgspec.Raw
    collected_at: Time


_tagged: Final = msgspec.json.Decoder(_Mention | _Tick)
_document: Final = msgspec.json.Decoder(_Document)
_mention: Final = msgspec.json.Decoder(Mention)


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read, as by `tocsin ingest`; only what was collected within the span is given out."""

    columns: Columns = field(default_factory=Columns)
    form: Format | None = None
    encoding: str = "utf-8"
    span: Span = field(default_factory=Span)


class Files:
    """One or more files (`-`: standard input), given out as one archive in order of time; equal times in the order of
    files and lines."""

    channels: Collection[str] = (ARCHIVE,)

    def __init__(
        self, paths: Sequence[str], reading: Reading, settings: Settings, stdin: BinaryIO | None = None
    ) -> None:
        self.name = ", ".join("stdin" if path == STDIN else Path(path).name for path in paths)
        self.notes = Notes()
        self._reading = reading
        self._now = clock.now()
        self._inputs: list[Input] = []
        try:
            for path in paths:
                self._inputs.append(
                    open_input(
                        path, reading.columns, limit=settings.record_limit, spool=settings.state_dir / "spool",
                        form=reading.form, encoding=reading.encoding, stdin=stdin,
                    )
                )  # fmt: skip
        except InputError as error:
            self.close()
            raise SourceError(str(error)) from None

    @property
    def inputs(self) -> Sequence[Input]:
        """The files, opened."""
        return self._inputs

    def close(self) -> None:
        """Close the files."""
        for opened in self._inputs:
            opened.close()

    async def items(self, position: str = "") -> AsyncIterator[Batch]:
        """All records after `position` (how many were given out), in order of collection."""
        index = Index()
        if await self._look(None):
            records: Iterator[Record] = self._in_order()
        else:
            await self._look(index)
            records = self._by(index)
        if self.notes.day_only:
            values: dict[str, str | int | float] = {
                "count": self.notes.day_only, "records": self.notes.total, "zone": str(self._zone())
            }  # fmt: skip
            self.notes.caveats.append(Note(code="day_only_records", values=values))
        self.notes.unused = sorted({column for opened in self._inputs for column in opened.unused})[:COLUMNS]
        self.notes.read = int(position or 0)
        for _ in zip(range(self.notes.read), records, strict=False):
            pass
        for batch in _batches(records):
            self.notes.read += len(batch)
            yield _batch(batch, str(self.notes.read))
            await asyncio.sleep(0)

    # ---- once over everything

    async def _look(self, index: Index | None) -> bool:
        """Look at every row, and fill the index when there is one; whether all files are in order. Without an index it
        ends at the first row that is not."""
        notes = self.notes
        notes.total = notes.day_only = 0
        notes.faults.clear()
        notes.caveats.clear()
        for number, opened in enumerate(self._inputs):
            newest: datetime | None = None
            for count, row in enumerate(opened.rows()):
                if count % LOOKED == 0:
                    await asyncio.sleep(0)
                at = self._when(opened, row)
                if at is None or not self._reading.span.holds(at):
                    continue
                if index is None and newest is not None and at < newest:
                    return False
                newest = at
                notes.total += 1
                notes.day_only += self._day_only(at)
                if index is not None:
                    index.add(number, row, at)
        return True

    def _when(self, opened: Input, row: Row) -> datetime | None:
        """When a row was collected; None for one that is no record, which is counted when it should be one."""
        own = _recognise(opened, row)
        if own is not None:
            return own[1]
        try:
            return opened.item(row, self._now).collected_at
        except Reject as reject:
            self._fault(opened, row, reject)
            return None

    def _fault(self, opened: Input, row: Row, reject: Reject) -> None:
        self.notes.fault(reject.reason, f"{opened.name}:{row.line}: {reject}"[:300])

    def _zone(self) -> tzinfo:
        return self._reading.columns.zone or UTC

    def _day_only(self, at: datetime) -> bool:
        """Whether a time is midnight to the microsecond: in practice a date without a time."""
        return at.second == at.microsecond == at.minute % 15 == 0 and at.astimezone(self._zone()).time() == MIDNIGHT

    # ---- the records

    def _in_order(self) -> Iterator[Record]:
        parts = [self._of(opened) for opened in self._inputs]
        merged = parts[0] if len(parts) == 1 else heapq.merge(*parts, key=lambda pair: pair[0])
        return (record for _, record in merged)

    def _of(self, opened: Input) -> Iterator[tuple[datetime, Record]]:
        for row in opened.rows():
            record = self._record(opened, row)
            if record is not None and self._reading.span.holds(record.collected_at):
                yield record.collected_at, record

    def _by(self, index: Index) -> Iterator[Record]:
        for entry in index.order():
            file, offset, size, line = index.place(entry)
            opened = self._inputs[file]
            record = self._record(opened, opened.read(offset, size, line))
            if record is not None:
                yield record

    def _record(self, opened: Input, row: Row) -> Record | None:
        """The record in a row; None for a tick, and for a row that was refused before. One of our own that is damaged
        is counted here."""
        if opened.format == "jsonl" and row.whole:
            try:
                return _mention.decode(row.data)  # by far the most: looked at closely only when it is none
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        own = _recognise(opened, row)
        try:
            if own is None:
                return opened.item(row, self._now)
            kind, at = own
            found: Record | None = None if at is None else decode(row.data, kind)
        except Reject as reject:
            if own is not None:
                self._fault(opened, row, reject)
            return None
        return found


def _recognise(opened: Input, row: Row) -> tuple[type[Record], datetime | None] | None:
    """Which of our own records a row is, and when; no time for a tick. None for somebody else's row."""
    if opened.format != "jsonl" or not row.whole:
        return None
    try:
        found = _tagged.decode(row.data)
        return Mention, found.collected_at if isinstance(found, _Mention) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return Document, _document.decode(row.data).collected_at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Records of one sort together, in batches that are not too large."""
    batch: list[Record] = []
    most = ROWS
    for record in records:
        if batch and (len(batch) == most or type(record) is not type(batch[0])):
            yield batch
            batch = []
        if not batch:
            most = MENTIONS if isinstance(record, Mention) else ROWS
        batch.append(record)
    if batch:
        yield batch


def _batch(records: Sequence[Any], position: str) -> Batch:
    """A batch of records of one sort."""
    if isinstance(records[0], Mention):
        return Batch(mentions=records, position=position)
    if isinstance(records[0], Document):
        return Batch(documents=records, position=position)
    return Batch(raw=records, position=position)
