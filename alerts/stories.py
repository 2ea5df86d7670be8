"""Documents that tell the same thing become one story, so that a thousand copies count once.

A document joins a story when its copy key is one of the story's, or when its MinHash (of the same algorithm) agrees
with the story's first document in at least `SAME_STORY` of its places, which estimates the Jaccard similarity of the
texts. It is compared with first documents only, so a story cannot drift away from what it was. A story is forgotten
when its last document lies outside the retained time: the same text after that is a new story.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
from msgspec import Struct

from streams.records import Mention, Signature

SAME_STORY: Final = 0.7  # a follow-up that adds a fact stays below, a retweet with a comment lies above
ROWS: Final = 4  # places per band: 16 bands of 4 (64 places) find 98.8 % of the pairs that agree in 0.7
BANDS: Final = 16


MOST_KEYS: Final = 1000  # of a story: a wording that is told every day for years must not grow without end
UNJUDGED: Final = -1
MILLION: Final = 1_000_000
Band = tuple[str, int, bytes]


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
    return Entry(
        at=at,
        document=mention.document,
        story=story,
        source=mention.source,
        author=mention.author,
        kind=mention.kind,
        lang=mention.lang,
        url=mention.url,
        headline=mention.headline,
        negative=UNJUDGED if sentiment is None else round(sentiment.get("negative", 0.0) * MILLION),
        stale=mention.stale == "stale",
        model=mention.model,
        demo=mention.demo,
        item=mention.item,
        dated=mention.stale != "unknown",
        topic=mention.topic,
        topic_sure=round(mention.topic_confidence * MILLION),
        risk=mention.risk,
        risk_sure=round(mention.risk_confidence * MILLION),
        relevance=round(mention.relevance * MILLION),
    )


class Story(Struct, array_like=True, gc=False):
    """A story by its first document: `id` is that document's."""

    id: str
    last: int
    keys: list[str]
    minhash: bytes
    width: int  # bytes of one place of the signature
    algorithm: str


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

    def __init__(self, found: dict[str, Story] | None = None) -> None:
        self.found: dict[str, Story] = {}
        self._by_key: dict[str, str] = {}
        self._by_band: dict[Band, list[str]] = {}
        for story in (found or {}).values():
            self._index(story, _bands(story))

    def assign(self, at: int, document: str, signature: Signature) -> tuple[str, bool]:
        """The story of a document and whether it begins with it. Same input in the same order, same stories."""
        name = self._by_key.get(signature.copy_key)
        if name is None:
            minhash, width = pack(signature.minhash)
            new = Story(document, at, [signature.copy_key], minhash, width, signature.algorithm)
            bands = _bands(new)
            # A document may begin one story only, though another version of the code signs it anew.
            name = document if document in self.found else self._nearest(new, bands)
            if name is None:
                self._index(new, bands)
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
        while self.found:
            name, story = next(iter(self.found.items()))
            if story.last > until:
                return
            del self.found[name]
            for key in story.keys:
                del self._by_key[key]
            for band in _bands(story):
                names = self._by_band[band]
                names.remove(name)
                if not names:
                    del self._by_band[band]

    def _index(self, story: Story, bands: list[Band]) -> None:
        self.found[story.id] = story
        for key in story.keys:
            self._by_key[key] = story.id
        for band in bands:
            self._by_band.setdefault(band, []).append(story.id)

    def _nearest(self, new: Story, bands: list[Band]) -> str | None:
        near = {name for band in bands for name in self._by_band.get(band, ())}
        best: tuple[float, str] | None = None
        for name in sorted(near):  # among equals the smallest id, whatever the order of the index
            alike = _agreement(new, self.found[name])
            if alike >= SAME_STORY and (best is None or alike > best[0]):
                best = alike, name
        return best[1] if best else None


def _bands(story: Story) -> list[Band]:
    size = story.width * ROWS
    count = min(BANDS, len(story.minhash) // size)
    return [(story.algorithm, i, story.minhash[i * size : (i + 1) * size]) for i in range(count)]


def _agreement(a: Story, b: Story) -> float:
    """Share of equal places; 0 for signatures that are not of one kind."""
    if a.width != b.width or len(a.minhash) != len(b.minhash) or not a.minhash:
        return 0.0
    kind = f"u{a.width}"
    return float(np.mean(np.frombuffer(a.minhash, kind) == np.frombuffer(b.minhash, kind)))
