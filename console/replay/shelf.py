"""Results of replays with truth, kept in the state folder so that people can look at them again: the newest 50.

A result is the JSON that `tocsin replay --json` writes, nothing more. The same result again is the same file. Each is
written whole or not at all.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.result import Evaluation
from console.replay.judging import FOLDER
from console.replay.results import read_result
from console.replay.runs import FILE, NAME
from streams.plain import plain
from streams.records import Time, digest
from streams.settings import Settings

RESULTS: Final = "results"
RUNS: Final = "runs"
KEPT: Final = 50
ROOM: Final = 256 * 1_048_576  # bytes of all; the newest is kept however large it is
ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}")
TITLE: Final = 120  # characters
LEFT: Final = 3600.0  # seconds in which a result is surely written
UNNAMED: Final = "unnamed-"  # runs that nobody can continue
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NoSuchResult(LookupError):  # noqa: N818 - what is so
    """No result is kept under this id."""


class Figures(Struct, frozen=True):
    """What a list says of a rule."""

    precision: float | None
    recall: float | None
    false_per_subject_day: float | None
    delay_median_s: float | None
    events: int
    found: int
    alerts: int
    hash: str


class Brief(Struct, frozen=True):
    """What a list says of a result; everything else in the file is passed over."""

    code: str
    made_at: Time
    sources: tuple[str, ...]
    begin: Time
    end: Time
    mentions: int
    rules: dict[str, Figures]
    title: str = ""


class _Kept(Evaluation, frozen=True, kw_only=True):
    """A result with its name."""

    title: str = ""


class RunOf(Struct, frozen=True):
    """How a named run stands."""

    choices: dict[str, str]
    at: Time | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A named run in the state folder."""

    name: str
    saved: datetime
    reached: datetime | None  # event time
    done: bool
    source: str


def keep(settings: Settings, evaluation: Evaluation, title: str = "") -> str:
    """Keep a result; its id. Raises OSError."""
    folder = settings.state_dir / FOLDER / RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    named = _Kept(**{f: getattr(evaluation, f) for f in evaluation.__struct_fields__}, title=_title(title))
    same = digest(msgspec.json.encode(replace(named, made_at=EPOCH)).decode())[:16]
    for old in folder.glob(f"*-{same}.json"):
        old.unlink(missing_ok=True)
    id_ = f"{evaluation.made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{same}"
    handle, partial = tempfile.mkstemp(dir=folder, prefix=".new.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(named))
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(folder / f"{id_}.json")
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    _make_room(folder)
    return id_


def _make_room(folder: Path) -> None:
    """Remove the oldest beyond what is kept, and what was left half written by a process that was killed."""
    for partial in folder.glob(".new.*"):
        if time.time() - partial.stat().st_mtime > LEFT:
            partial.unlink(missing_ok=True)
    size = 0
    for number, path in enumerate(sorted(folder.glob("*Z-*.json"), reverse=True)):
        size += path.stat().st_size
        if number and (number >= KEPT or size > ROOM):
            path.unlink(missing_ok=True)


def listed(settings: Settings) -> Iterator[tuple[str, Brief]]:
    """Id and figures of each result, the newest first; damaged files are passed over."""
    for path in sorted((settings.state_dir / FOLDER / RESULTS).glob("*Z-*.json"), reverse=True):
        try:
            found = _brief(path, path.stat().st_mtime_ns)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        yield path.stem, found


@lru_cache(maxsize=2 * KEPT)
def _brief(path: Path, _changed_at: int) -> Brief:
    return msgspec.json.decode(path.read_bytes(), type=Brief)


def title_of(settings: Settings, id_: str) -> str:
    """The name that was given to a result; empty where none was. Raises NoSuchResult, and what reading raises."""
    path = path_of(settings, id_)
    return _brief(path, path.stat().st_mtime_ns).title


def path_of(settings: Settings, id_: str) -> Path:
    """The file of a result. Raises NoSuchResult."""
    path = settings.state_dir / FOLDER / RESULTS / f"{id_}.json"
    if not ID.fullmatch(id_) or not path.is_file():
        raise NoSuchResult(id_)
    return path


def read(settings: Settings, id_: str) -> Evaluation:
    """The result of this id. Raises NoSuchResult, ResultUnreadable."""
    return read_result(path_of(settings, id_))


def runs(settings: Settings) -> list[Run]:
    """The named runs, that which was saved last first."""
    found: list[Run] = []
    for path in (settings.state_dir / FOLDER / RUNS).glob(f"*/{FILE}"):
        name = path.parent.name
        if name.startswith(UNNAMED) or not NAME.fullmatch(name):
            continue
        try:
            stat = path.stat()
            run = _run(path, stat.st_mtime_ns)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue  # it is being begun, or is damaged
        saved = datetime.fromtimestamp(stat.st_mtime, UTC)
        found.append(Run(name, saved, run.at, run.done, plain(run.choices.get("source", ""), TITLE)))
    return sorted(found, key=lambda run: run.saved, reverse=True)


@lru_cache(maxsize=64)
def _run(path: Path, _changed_at: int) -> RunOf:
    return msgspec.msgpack.decode(path.read_bytes(), type=RunOf)


def _title(text: str) -> str:
    return plain(" ".join(text.split()), TITLE)
