"""Where a page ends: the time and the name of its last entry, in letters that nobody need read."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime

import msgspec

from console.api.errors import ApiError


def cursor_of(at: datetime, name: str) -> str:
    """The place of an entry."""
    text = json.dumps([at.isoformat(), name])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The place that was given out. Raises ApiError 400 `bad_cursor` for what was not."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, name = msgspec.json.decode(text, type=tuple[str, str])
        found = datetime.fromisoformat(at)
        if found.tzinfo is None:
            raise ValueError("no zone")
        found.timestamp()  # a time that no clock can show
    except (ValueError, binascii.Error, OverflowError):
        raise ApiError(400, "bad_cursor") from None
    return found, name
