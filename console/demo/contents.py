"""What the invented day holds: stated in its manifest, counted from its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from console.demo.compose import Line, clock
from console.demo.texts import read


def last_whole_day(now: datetime) -> date:
    """The last day of which every hour of the demo is over: no item lies in the future."""
    today = now.astimezone(UTC).date()
    return today if now >= clock(today, read("timeline")["closes"]) else today - timedelta(days=1)


def planted() -> list[tuple[str, str]]:
    """Kind and value of the personal data that some chats hold."""
    return [(kind, value) for entry in read("personal") for kind, value in entry["planted"].items()]


def summary(lines: Sequence[Line]) -> dict[str, Any]:
    """What is in the day, counted; the same fields as manifest.yaml."""
    items = [line.item for line in lines if line.item is not None]
    ids = {(i.source, i.native_id) for i in items}
    return {
        "lines": len(lines),
        "parts": dict(sorted(Counter(line.part for line in lines).items())),
        "kinds": dict(sorted(Counter(i.kind for i in items).items())),
        "languages": dict(sorted(Counter(i.lang for i in items).items())),
        "documents": len(ids),
        "duplicates": len(items) - len(ids),
        "rejected": dict(sorted(Counter(line.reason for line in lines if line.reason).items())),
        "planted": dict(sorted(Counter(kind for kind, _ in planted()).items())),
    }


def manifest() -> dict[str, Any]:
    """What the day is stated to hold, and who must ring."""
    found: dict[str, Any] = read("manifest")
    return found
