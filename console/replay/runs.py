"""Named runs: where a replay stood when it was paused, in the state folder.

One file is replaced in one step, so that it holds the state before or after; logs beside it are cut to what it says.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from console.messages import say
from console.replay.source import Notes
from streams.plain import plain

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FILE: Final = "checkpoint"
LOG: Final = "alerts.jsonl"
VARIANTS: Final = "variants.jsonl"


class RunRefused(ValueError):  # noqa: N818 - what happened
    """A run cannot be continued, or not by this command; the message says what to do."""


class Checkpoint(Struct, kw_only=True):
    """Everything needed to continue. Sizes are of files in bytes."""

    choices: dict[str, str]  # what decides the result, in words
    position: str = ""  # of the source
    within: int = 0  # records after it that were taken in already
    at: datetime | None = None  # event time that was reached
    engine: bytes = b""
    variants: bytes = b""
    observed: bytes = b""
    log: int = 0
    variants_log: int = 0
    kept: int = 0
    notes: Notes = msgspec.field(default_factory=Notes)  # of the source
    taken: int = 0  # documents up to the position, for the numbers of what follows
    unjudged: Notes = msgspec.field(default_factory=Notes)  # of judging, up to the position
    done: bool = False


class Run:
    """The folder of a run, held alone while it is open."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises RunRefused for a name that is none, and while another process has the run."""
        if not NAME.fullmatch(name):
            raise RunRefused(say("replay.run.bad_name", name=plain(name, 64)))
        self.name = name
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock: IO[bytes] = (self.folder / "lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise RunRefused(say("replay.run.busy", name=name)) from None

    def load(self, choices: Mapping[str, str]) -> Checkpoint:
        """Where it stood; the beginning for a new one. Raises RunRefused where other choices were made then."""
        try:
            found = msgspec.msgpack.decode((self.folder / FILE).read_bytes(), type=Checkpoint)
        except FileNotFoundError:
            return Checkpoint(choices=dict(choices))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RunRefused(say("replay.run.damaged", name=self.name)) from None
        differ = sorted(name for name in {*found.choices, *choices} if found.choices.get(name) != choices.get(name))
        if differ:
            raise RunRefused(say("replay.run.differs", name=self.name, choices=", ".join(differ)))
        return found

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""
        fresh = self.folder / f"{FILE}.new"
        with fresh.open("wb") as file:
            file.write(msgspec.msgpack.encode(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / FILE)

    def forget(self) -> None:
        """Begin anew."""
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()

    def close(self) -> None:
        """Let others have the run."""
        self._lock.close()


def remove(run: Run) -> None:
    """Remove what an unnamed run left."""
    run.close()
    shutil.rmtree(run.folder, ignore_errors=True)
