"""The key of author pseudonyms: the setting's, or one made once and kept in the state folder."""

from __future__ import annotations

from streams.keys import kept_key
from streams.settings import Settings

FILE = "pseudonym.key"


def pseudonym_key(settings: Settings) -> bytes:
    """32 bytes or more. All workers of one installation must share it, or one author gets several pseudonyms."""
    given = settings.pseudonym_key.get_secret_value()
    return (given or kept_key(settings.state_dir / FILE)).encode()
