"""A stored document as people are shown it: plain text in segments, addresses that lead only to the web. Pure.

Nothing of it is HTML. `title` and `excerpt` are segments `(text, hit)`: `hit` where the words looked for are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

HEADLINE: Final = 200
EXCERPT: Final = 280  # characters of a text that are shown without words to look for
FRAGMENTS: Final = 2
FRAGMENT: Final = 140
GAP: Final = " … "
WITHOUT_TEXT: Final = (
    "id", "title", "url", "source", "kind", "lang", "author", "published_at", "published_how", "collected_at", "stale",
    "entities", "sentiment", "judged", "unjudged", "topic", "risk", "model", "demo", "masked", "truncated",
    "retention_days", "may_train",
)  # fmt: skip

Segment = tuple[str, bool]


def safe_url(url: object) -> str:
    """The address, when it is one of the web; else nothing: no page may be led to run or open something else."""
    text = url if isinstance(url, str) else ""
    return text if text.startswith(("https://", "http://")) else ""


def headline_of(title: str, text: str) -> str:
    """At most 200 characters that stand for a document: its title, else the beginning of its text."""
    line = title or " ".join(text[: 2 * HEADLINE].split())
    return line if len(line) <= HEADLINE else line[: HEADLINE - 1].rstrip() + "…"


def beginning(text: str, most: int = EXCERPT) -> list[Segment]:
    """The beginning of a text as one segment; none of an empty one."""
    line = " ".join(text[: 2 * most].split())
    if not line:
        return []
    return [(line if len(line) <= most and len(text) <= 2 * most else line[: most - 1].rstrip() + "…", False)]


def highlighting(query: Mapping[str, Any], nonce: str) -> dict[str, Any]:
    """The part of a search that marks the matches of `query`. `nonce` is random, so that no text can hold the marks."""
    before, after = marks(nonce)
    return {
        "type": "unified",
        "pre_tags": [before],
        "post_tags": [after],
        "highlight_query": dict(query),
        "fields": {
            "title": {"number_of_fragments": 0},
            "text": {"number_of_fragments": FRAGMENTS, "fragment_size": FRAGMENT, "no_match_size": EXCERPT},
        },
    }


def marks(nonce: str) -> tuple[str, str]:
    """What stands before and behind a match: characters for private use around a random word."""
    return f"\ue000{nonce}\ue001", f"\ue002{nonce}\ue003"


def segments(fragments: Sequence[str], nonce: str) -> list[Segment]:
    """Fragments with marks as segments; neighbours of one kind are one, so that 停牌 is one hit and not two."""
    before, after = marks(nonce)
    found: list[Segment] = []
    for number, fragment in enumerate(fragments):
        if number:
            found.append((GAP, False))
        first, *rest = fragment.split(before)
        found.append((first, False))
        for part in rest:
            inside, _, outside = part.partition(after)
            found += [(inside, True), (outside, False)]
    return _joined((text.replace("\n", " "), hit) for text, hit in found)


def _joined(parts: Any) -> list[Segment]:
    found: list[Segment] = []
    for text, hit in parts:
        if not text:
            continue
        if found and found[-1][1] == hit:
            found[-1] = (found[-1][0] + text, hit)
        else:
            found.append((text, hit))
    return found
