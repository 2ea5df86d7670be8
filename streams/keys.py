"""Random keys made once and kept in the state folder, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def kept_key(path: Path) -> str:
    """The key in the file, 64 hex digits; made when there is none. Of several callers at once, all get the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: of several that start at once, all read the first one's key.
    candidate = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(candidate, path)
    except FileExistsError:
        pass
    finally:
        candidate.unlink()
    return path.read_text(encoding="ascii")
