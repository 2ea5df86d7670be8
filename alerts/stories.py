"""Documents that tell the same thing become one story, so that a thousand copies count once.

A document joins a story when its copy key is one of the story's, or when its MinHash (of the same algorithm) agrees
with the story's first document in at least `SAME_STORY` of its places, which estimates the Jaccard similarity of the
texts. It is compared with first documents only, so a story cannot drift away from what it was. A story is forgotten
when its last document lies outside the retained time: the same text after that is a new story.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import Final

from msgspec import Struct

from alerts.near import Near
from streams.records import Mention, Signature

SAME_STORY: Final = 0.7  # a follow-up that adds a fact stays below, a retweet with a comment lies above

MOST_KEYS: Final = 1000  # of a story: a wording that is told every day for years must not grow without end
UNJUDGED: Final = -1
MILLION: Final = 1_000_000


class Entry(Struct, array_like=True, gc=False):
    """One counted mention, as much of it as windows and evidence need."""

    at: int
    document: str
    story: str
    source: str
    author: str
    kind: str
    lang: str
    url: str
    headline: str
    negative: int  # millionths; UNJUDGED when no model judged the document
    stale: bool
    model: str
    demo: bool
    item: str = ""  # of all revisions of one item; empty: unknown
    dated: bool = True  # its publication time is trustworthy
    topic: str = ""
    topic_sure: int = 0  # millionths
    risk: str = ""
    risk_sure: int = 0
    relevance: int = MILLION

    @property
    def person(self) -> str:
        """Who wrote it; an unknown author counts as its source, so that anonymous posts are one voice."""
        return self.author or f"source:{self.source}"


def entry_of(at: int, mention: Mention, story: str) -> Entry:
    """What is remembered of a mention."""
    sentiment = mention.sentiment
    return Entry(  # by position, which takes half the time
        at,
        mention.document,
        story,
        mention.source,
        mention.author,
        mention.kind,
        mention.lang,
        mention.url,
        mention.headline,
        UNJUDGED if sentiment is None else round(sentiment.get("negative", 0.0) * MILLION),
        mention.stale == "stale",
        mention.model,
        mention.demo,
        mention.item,
        mention.stale != "unknown",
        mention.topic,
        round(mention.topic_confidence * MILLION),
        mention.risk,
        round(mention.risk_confidence * MILLION),
        round(mention.relevance * MILLION),
    )


class Story(Struct, array_like=True, gc=False):
    """A story by its first document: `id` is that document's."""

    id: str
    last: int
    keys: list[str]
    minhash: bytes
    width: int  # bytes of one place of the signature
    algorithm: str


@lru_cache(maxsize=64)  # a document comes once for each of its subjects, one right after the other
def pack(minhash: tuple[int, ...]) -> tuple[bytes, int]:
    """The signature as bytes, and the bytes of one place: 2, 4 or 8; nothing when a value fits none of them."""
    for kind in "HIQ":
        try:
            packed = array(kind, minhash)
        except OverflowError:
            continue
        return packed.tobytes(), packed.itemsize
    return b"", 1


class Stories:
    """The stories of one subject. `found` is plain data: ordered by last document, it is what a snapshot keeps."""

    __slots__ = ("_by_key", "_least", "_near", "found")

    def __init__(self, found: dict[str, Story] | None = None) -> None:
        self.found: dict[str, Story] = {}
        self._least = 0  # no story was told last before that
        self._by_key: dict[str, str] = {}
        self._near = Near()
        for story in (found or {}).values():
            self._index(story)

    def assign(self, at: int, document: str, signature: Signature) -> tuple[str, bool]:
        """The story of a document and whether it begins with it. Same input in the same order, same stories."""
        name = self._by_key.get(signature.copy_key)
        if name is None:
            new = Story(document, at, [signature.copy_key], *pack(signature.minhash), signature.algorithm)
            # A document may begin one story only, though another version of the code signs it anew.
            name = document if document in self.found else self._nearest(new)
            if name is None:
                self._index(new)
                self._settle(new)
                return document, True
        story = self.found[name]
        if at >= story.last:
            self.found[name] = self.found.pop(name)
            story.last = at
            self._settle(story)
            self._near.tell(name, at, story.minhash, story.width)
        if signature.copy_key not in self._by_key:
            story.keys.append(signature.copy_key)
            self._by_key[signature.copy_key] = name
            if len(story.keys) > MOST_KEYS:
                del self._by_key[story.keys.pop(0)]
        return name, False

    def _settle(self, story: Story) -> None:
        """Put later stories behind it: a late document comes out of order."""
        later: list[str] = []
        for name, other in reversed(self.found.items()):
            if other.last > story.last:
                later.append(name)
            elif other is not story:
                break
        for name in reversed(later):
            self.found[name] = self.found.pop(name)

    def forget(self, until: int) -> None:
        """Drop the stories whose last document is no later than `until`."""
        while self._least <= until and self.found:
            name, story = next(iter(self.found.items()))
            self._least = story.last
            if story.last > until:
                return
            del self.found[name]
            for key in story.keys:
                del self._by_key[key]
            self._near.forget(until)

    def _index(self, story: Story) -> None:
        self.found[story.id] = story
        self._least = min(self._least, story.last)
        for key in story.keys:
            self._by_key[key] = story.id
        self._near.tell(story.id, story.last, story.minhash, story.width)

    def _nearest(self, new: Story) -> str | None:
        near = [name for name in self._near.to(new.minhash, new.width) if name in self.found]
        best: tuple[float, str] | None = None
        for name in sorted(near):  # among equals the smallest id, whatever the order of the index
            alike = _agreement(new, self.found[name])
            if alike >= SAME_STORY and (best is None or alike > best[0]):
                best = alike, name
        return best[1] if best else None


def _agreement(a: Story, b: Story) -> float:
    """Share of equal places; 0 for signatures that are not of one kind."""
    if (a.algorithm, a.width, len(a.minhash)) != (b.algorithm, b.width, len(b.minhash)) or not a.minhash:
        return 0.0
    places = range(0, len(a.minhash), a.width)
    return sum(a.minhash[i : i + a.width] == b.minhash[i : i + a.width] for i in places) / len(places)
