"""The key of author pseudonyms: the setting's, or one made once and kept in the state folder."""

from __future__ import annotations

import os
import secrets

from streams.settings import Settings

FILE = "pseudonym.key"


def pseudonym_key(settings: Settings) -> bytes:
    """32 bytes or more. All workers of one installation must share it, or one author gets several pseudonyms."""
    given = settings.pseudonym_key.get_secret_value()
    if given:
        return given.encode()
    path = settings.state_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: of several workers that start at once, all read the first one's key.
    candidate = path.with_name(f"{FILE}.{os.getpid()}")
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
    return path.read_bytes()
