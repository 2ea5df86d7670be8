"""Text from outside made harmless for a terminal, a log line and a message: one place that knows what must not pass.

Control characters move cursors and break lines, line and paragraph separators break lines elsewhere, and bidirectional
marks make a text read as another.
"""

from __future__ import annotations

from typing import Final

HIDDEN: Final = dict.fromkeys(
    [
        *(*range(32), *range(127, 160)),
        *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
        *(0x2028, 0x2029),
    ]
)


def plain(text: str, limit: int | None = None) -> str:
    """The text without such characters, cut at `limit` characters."""
    return text.translate(HIDDEN)[:limit]
