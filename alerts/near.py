"""Which stories may be near a signature: those that share a band of it (locality-sensitive hashing of MinHashes).

Bands by Leskovec, Rajaraman and Ullman 2020, "Mining of Massive Datasets", 3.4. Taking a story out of sixteen places of
an index costs more than putting it in, so none is taken out: there are two indices, and the older one goes as a whole
once nothing in it is remembered. A story that is told again meanwhile is in the newer one, too.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

ROWS: Final = 4  # places per band: 16 bands of 4 (64 places) find 98.8 % of the pairs that agree in 0.7
WORD: Final = 8  # bytes of the longest number that can be read at once
NOBODY: Final[frozenset[str]] = frozenset()


@lru_cache(maxsize=64)  # a document comes once for each of its subjects, one right after the other
def bands(minhash: bytes, width: int) -> tuple[int, ...]:
    """The bands of a packed signature as numbers, each once; `width` is the bytes of one place."""
    size = width * ROWS
    whole = memoryview(minhash)[: len(minhash) // size * size]
    if size == WORD:  # places of 16 bits, as they are made today: all at once
        return tuple(dict.fromkeys(whole.cast("Q")))
    return tuple({int.from_bytes(whole[start : start + size], "little"): None for start in range(0, len(whole), size)})


class Near:
    """An index of stories by their bands, which forgets in bulk: it may name stories that are gone."""

    __slots__ = ("_last", "_names", "_new", "_old", "_old_last")

    def __init__(self) -> None:
        self._new: dict[int, tuple[str, ...]] = {}
        self._names: set[str] = set()  # in the newer index
        self._last = 0  # when a story of the newer index was told last …
        self._old: dict[int, tuple[str, ...]] = {}
        self._old_last = 0  # … and one of the older, as long as it was the newer

    def tell(self, story: str, at: int, minhash: bytes, width: int) -> None:
        """A story is told: the first time, or again."""
        self._last = max(self._last, at)
        if story in self._names:
            return
        self._names.add(story)
        own, alone = bands(minhash, width), (story,)
        if self._new.keys().isdisjoint(own):  # nearly always
            self._new.update(dict.fromkeys(own, alone))
        else:
            for band in own:
                self._new[band] = self._new.get(band, ()) + alone

    def to(self, minhash: bytes, width: int) -> Collection[str]:
        """The stories that share a band with this signature, and some that are gone."""
        own = bands(minhash, width)
        new, old = self._new, self._old
        if new.keys().isdisjoint(own) and old.keys().isdisjoint(own):
            return NOBODY
        return {name for index in (new, old) for band in own for name in index.get(band, ())}

    def forget(self, until: int) -> None:
        """Stories that were told last no later than `until` are gone."""
        while self._old_last <= until and (self._new or self._old):
            self._old, self._old_last = self._new, self._last
            self._new, self._names = {}, set()
