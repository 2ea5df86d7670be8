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

from streams.records import Mention, Signature

SAME_STORY: Final = 0.7  # a follow-up that adds a fact stays below, a retweet with a comment lies above
ROWS: Final = 4  # places per band: 16 bands of 4 (64 places) find 98.8 % of the pairs that agree in 0.7
WORD: Final = 8  # bytes of the longest number that can be read at once

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


@lru_cache(maxsize=64)
def bands(minhash: bytes, width: int) -> tuple[int, ...]:
    """The bands of a packed signature as numbers, each once: two signatures may be near when they share one."""
    size = width * ROWS
    whole = memoryview(minhash)[: len(minhash) // size * size]
    if size == WORD:  # places of 16 bits, as they are made today: all at once
        return tuple(dict.fromkeys(whole.cast("Q")))
    return tuple({int.from_bytes(whole[start : start + size], "little"): None for start in range(0, len(whole), size)})


class Stories:
    """The stories of one subject. `found` is plain data: ordered by last document, it is what a snapshot keeps."""

    __slots__ = ("_bands", "_by_band", "_by_key", "_least", "found")

    def __init__(self, found: dict[str, Story] | None = None) -> None:
        self.found: dict[str, Story] = {}
        self._least = 0  # no story was told last before that
        self._by_key: dict[str, str] = {}
        self._by_band: dict[int, tuple[str, ...]] = {}
        self._bands: dict[str, tuple[int, ...]] = {}  # of each story
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
            own = self._bands.pop(name)
            for band, names in zip(own, map(self._by_band.pop, own), strict=True):
                if len(names) > 1:
                    self._by_band[band] = tuple(other for other in names if other != name)

    def _index(self, story: Story) -> None:
        self.found[story.id] = story
        self._least = min(self._least, story.last)
        for key in story.keys:
            self._by_key[key] = story.id
        alone = (story.id,)  # one for all its bands: most of them no other story has
        own = self._bands[story.id] = bands(story.minhash, story.width)
        if self._by_band.keys().isdisjoint(own):
            self._by_band.update(dict.fromkeys(own, alone))
            return
        for band in own:
            names = self._by_band.get(band)
            self._by_band[band] = alone if names is None else (*names, story.id)

    def _nearest(self, new: Story) -> str | None:
        index, own = self._by_band, bands(new.minhash, new.width)
        if index.keys().isdisjoint(own):
            return None
        near = {name for band in own if band in index for name in index[band]}
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
