"""How far a source has been read: small JSON files in the state folder, replaced atomically, synced before use."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any


def load(path: Path) -> dict[str, Any]:
    """What was saved, or nothing. A damaged file counts as nothing: reading again only makes duplicates."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def save(path: Path, value: dict[str, Any]) -> None:
    """Replace the file. After a crash it holds either the old value or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(value, file, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def forget(path: Path) -> None:
    """Remove the file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
