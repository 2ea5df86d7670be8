"""Rows of a file that a person made: .csv, .tsv, .jsonl or plain .txt, each also as .gz; with the line of each row."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

FORMS: Final = (".csv", ".tsv", ".jsonl", ".txt")
csv.field_size_limit(1 << 24)  # characters of a cell; the default of 131,072 refuses long articles


class TableRefused(ValueError):  # noqa: N818 - what happened
    """A file that cannot be read; the message names it, the line and the fault."""


def read_table(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (of the row's end, in a CSV file) and cells of each row; a .txt file has the one column `text`.

    Raises TableRefused.
    """
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if plain.suffix not in FORMS:
        raise TableRefused(f"{path}: the name must end with {', '.join(FORMS)}, or with that and .gz")
    try:
        with _opened(path) as file:
            yield from _READERS[plain.suffix](file, path)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise TableRefused(f"{path} cannot be read: {error}") from None


def _opened(path: Path) -> TextIO:
    # utf-8-sig: spreadsheets begin their files with a byte order mark
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _separated(separator: str) -> Callable[[TextIO, Path], Iterator[tuple[int, dict[str, Any]]]]:
    def read(file: TextIO, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        reader = csv.DictReader(file, delimiter=separator)
        if not reader.fieldnames:
            raise TableRefused(f"{path}: the first line must name the columns")
        for row in reader:
            if None in row:
                raise TableRefused(f"{path}:{reader.line_num}: more cells than the {len(reader.fieldnames)} columns")
            yield reader.line_num, row

    return read


def _jsonl(file: TextIO, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise TableRefused(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(row, dict):
            raise TableRefused(f"{path}:{number}: not a JSON object")
        yield number, row


def _lines(file: TextIO, _path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, start=1):
        yield number, {"text": line}


_READERS: Final = {".csv": _separated(","), ".tsv": _separated("\t"), ".jsonl": _jsonl, ".txt": _lines}
