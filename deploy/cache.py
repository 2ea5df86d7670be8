"""The shared cache: downloaded engines, used by all clones and stacks of one user at once, written by one at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from deploy.faults import EngineError


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` alone among all processes and threads of this machine; a crash lets go of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise EngineError("folder", folder=path.parent) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def component(cache: Path, name: str, build: Callable[[Path], None]) -> Path:
    """Folder `name` of the cache, built by `build(folder)` when it is not there yet.

    It appears complete or not at all: built under another name, moved into place in one step. Of several callers one
    builds and the others wait for it.
    """
    final = cache / name
    if final.is_dir():
        return final
    with locked(cache / f".{name}.lock"):
        if final.is_dir():
            return final
        _sweep(cache, name)
        staging = Path(tempfile.mkdtemp(prefix=f".{name}.new-", dir=cache))
        try:
            build(staging)
            staging.chmod(0o755)
            os.replace(staging, final)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return final


def _sweep(cache: Path, name: str) -> None:
    """Remove what a killed build of the same component left behind; the lock says nobody works on it."""
    for left in cache.glob(f".{name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)


def sha256(path: Path) -> str:
    """Checksum of a file, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def verify(folder: Path, expected: Mapping[str, str]) -> None:
    """Raise EngineError unless the jars in `folder` are exactly the named ones with exactly these checksums."""
    found = {path.name for path in folder.glob("*.jar")}
    if missing := sorted(set(expected) - found):
        raise EngineError("file_missing", file=missing[0], folder=folder)
    if extra := sorted(found - set(expected)):
        raise EngineError("file_unexpected", file=extra[0], folder=folder)
    for name, checksum in expected.items():
        actual = sha256(folder / name)
        if actual != checksum:
            raise EngineError("checksum", file=name, folder=folder, expected=checksum, actual=actual)
