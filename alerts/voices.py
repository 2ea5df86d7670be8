"""Who speaks in mentions, where newsrooms do not say who wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alerts.stories import Entry

NEWS: Final = "news"


def voices(entries: Iterable[Entry]) -> int:
    """How many speak: distinct authors; each story of news without an author is one voice more.

    Somebody in a newsroom has answered for each of its stories, while nobody knows whether unnamed posts are of one
    account. So a source of unnamed posts is one voice, however many there are.
    """
    return len({entry.author or (f"story:{entry.story}" if entry.kind == NEWS else entry.person) for entry in entries})
