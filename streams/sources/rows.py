"""Rows out of a byte stream, with the position of each, in bounded memory whatever the stream holds."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from streams.records import Reject

BOM: Final = b"\xef\xbb\xbf"
DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST_ROW: Final = 500  # lines of one CSV row; an unclosed quote must not swallow the rest of the file


class Row(Struct, frozen=True, gc=False):
    """One row as bytes. `data` holds at most the limit; `size` is the true length, `lines` how many it spans."""

    line: int  # of its first line, from 1
    offset: int
    size: int
    data: bytes
    lines: int = 1

    @property
    def whole(self) -> bool:
        """Whether `data` is all of it."""
        return len(self.data) == self.size


def json_rows(stream: BinaryIO, limit: int) -> Iterator[Row]:
    """One row a line from the stream's position 0 on; blank lines are no rows."""
    stream.seek(0)
    offset = number = 0
    while True:
        first = stream.readline(limit + 2)
        if not first:
            return
        number += 1
        length = len(first)
        while not first.endswith(b"\n"):  # the rest of a line that is longer than allowed
            more = stream.readline(1_048_576)
            if not more:
                break
            length += len(more)
            if more.endswith(b"\n"):
                break
        row = _row(number, offset, length, first, limit)
        offset += length
        if row is not None:
            yield row


def _row(number: int, offset: int, length: int, first: bytes, limit: int) -> Row | None:
    skipped = len(BOM) if offset == 0 and first.startswith(BOM) else 0
    if len(first) == length:
        data = first[skipped:].rstrip(b"\r\n")
        if not data or data.isspace():
            return None
        if len(data) <= limit:
            return Row(number, offset + skipped, len(data), data)
        return Row(number, offset + skipped, len(data), data[:limit])
    return Row(number, offset + skipped, length - skipped, first[skipped : skipped + limit])


def csv_rows(stream: BinaryIO, limit: int, delimiter: str = "") -> Iterator[Row]:
    """One row a record, header included: a quoted field may span lines. Without `delimiter` any of the four counts.

    A quote opens a field only as its first character: inches and sloppy quotes in a text are text. A row whose quote
    never closes (within the limit and 500 lines), or closes where no field ends, is given out as its first line alone,
    and reading goes on with the next line: one stray quote costs one row.
    """
    separator = (delimiter or DELIMITERS[0]).encode()
    opening = re.compile(b'[%s]"' % re.escape((delimiter or "".join(DELIMITERS)).encode()))
    stream.seek(0)
    number = 1
    while True:
        start = stream.tell()
        first = stream.readline(limit + 2)
        if not first:
            return
        lines, data = 1, first
        if not first.endswith(b"\n") and len(first) > limit:
            row: Row | None = _long_line(stream, number, start, first, limit)
        else:
            after = stream.tell()
            inside = _open(opening, separator + first.removeprefix(BOM if start == 0 else b""), False)
            while inside and len(data) <= limit and lines < LONGEST_ROW:
                more = stream.readline(limit + 2)
                if not more:
                    break
                data, lines, inside = data + more, lines + 1, _open(opening, more, True)
            if inside or len(data) > limit + 2 or (lines > 1 and not _sound(data, delimiter)):
                stream.seek(after)
                lines, data = 1, first
            kept = _row(number, start, len(data), data, limit)
            row = None if kept is None else Row(kept.line, kept.offset, kept.size, kept.data, lines)
        number += lines
        if row is not None:
            yield row


def _sound(data: bytes, delimiter: str) -> bool:
    """Whether lines that were joined are one record."""
    try:
        _fields(data.decode("latin-1"), delimiter or DELIMITERS[0])  # every byte a character: only quotes matter here
    except Reject:
        return False
    return True


def _open(opening: re.Pattern[bytes], line: bytes, inside: bool) -> bool:
    """Whether a quoted field is open at the end of the line. `inside`: whether one was at its beginning."""
    at = 0
    while True:
        if not inside:
            found = opening.search(line, at)
            if found is None:
                return False
            at = found.end()
        at = line.find(b'"', at)
        if at < 0:
            return True
        inside = line.startswith(b'""', at)  # a doubled quote is a character of the field
        at += 2 if inside else 1


def _long_line(stream: BinaryIO, number: int, start: int, first: bytes, limit: int) -> Row:
    while True:
        more = stream.readline(1_048_576)
        if not more or more.endswith(b"\n"):
            return Row(number, start, stream.tell() - start, first[:limit])


def whole(row: Row, limit: int) -> bytes:
    """The row's bytes, or Reject `too_large`."""
    if not row.whole or row.size > limit:
        raise Reject("too_large", f"the row has {row.size} bytes, {limit} are allowed")
    return row.data


def text_of(data: bytes, encoding: str) -> str:
    """The characters in `data`, or Reject `bad_utf8`."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Reject("bad_utf8", f"not {encoding} at byte {error.start} of the row") from None


def parse_json(data: bytes) -> Mapping[str, Any]:
    """The JSON object in `data` (UTF-8), or Reject: bad_utf8, bad_json, bad_unicode, bad_schema."""
    try:
        value = msgspec.json.decode(data)
    except UnicodeDecodeError as error:
        raise Reject("bad_utf8", f"not UTF-8 at byte {error.start} of a text") from None
    except (msgspec.DecodeError, RecursionError) as error:
        reason = "bad_unicode" if "surrogate" in str(error) or _lone_surrogate(data) else "bad_json"
        raise Reject(reason, str(error)) from None
    if not isinstance(value, dict):
        raise Reject("bad_schema", f"the row is a JSON {type(value).__name__}, not an object")
    return value


def _lone_surrogate(data: bytes) -> bool:
    """Whether only a lone surrogate escape makes this JSON unreadable."""
    if b"\\ud" not in data.lower():
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Header:
    """Names of a CSV file's columns and what separates them."""

    names: tuple[str, ...]
    delimiter: str


def parse_header(data: bytes, encoding: str) -> Header:
    """The header in a file's first row; the delimiter is the one that makes most columns. Reject when it is none."""
    text = text_of(data, encoding)
    delimiter = max(DELIMITERS, key=text.count)
    names = tuple(name.strip() for name in _fields(text, delimiter))
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled or not all(names):
        fault = f"names {', '.join(map(ascii, doubled))} twice" if doubled else "has an empty name"
        raise Reject("bad_csv", f"the header {fault}")
    return Header(names, delimiter)


def parse_csv(data: bytes, header: Header, encoding: str) -> Mapping[str, Any]:
    """The row's texts by column, or Reject: bad_csv when it does not fit the header, bad_utf8."""
    fields = _fields(text_of(data, encoding), header.delimiter)
    if len(fields) != len(header.names):
        raise Reject("bad_csv", f"the row has {len(fields)} columns, the header {len(header.names)}")
    return dict(zip(header.names, fields, strict=True))


def _fields(text: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Reject("bad_csv", f"not readable as CSV: {error}") from None
    if len(rows) != 1:
        raise Reject("bad_csv", f"{len(rows)} rows where one was expected: is a quote missing?")
    return rows[0]
