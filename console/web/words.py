"""What the page says, in one language: its own messages, and the sentences that notifications have for the same."""

from __future__ import annotations

from functools import cache
from typing import Final

from alerts.delivery.phrases import catalogue as told
from console.messages import catalogue

OWN: Final = "web."
SHARED: Final = "words."


@cache
def words(lang: str) -> dict[str, str]:
    """Messages by key: those below `web` without that prefix, those of notifications below `words.`."""
    own = {key.removeprefix(OWN): text for key, text in catalogue(lang).items() if key.startswith(OWN)}
    return own | {SHARED + key: text for key, text in told(lang).items()}
