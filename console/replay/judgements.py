"""What models said of texts, kept on disk: a second replay of them needs no Triton, and an interrupted one goes on.

One SQLite file in write-ahead mode, which several replays may use at once. An entry is found by the version of the
model, its limit of tokens, the language, the kind of source and the exact text; it holds the probabilities in
ten-thousandths, which is all that a record keeps. 130 bytes a text were measured; the file may be deleted at any time.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from models.client import Unjudged, Verdict
from models.labels import HEADS
from models.registry import Metadata
from streams.opinion import Judge

WRITTEN: Final = 256  # judgements that a crash may lose
SCALE: Final = 10_000
PATIENCE: Final = 30.0  # seconds that another replay may hold the file
NO_TEXT: Final = b""  # nothing of the text is left to judge
ABSTAINED: Final = 1

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS judgements (key BLOB PRIMARY KEY, said BLOB NOT NULL) WITHOUT ROWID"


class JudgementsError(RuntimeError):
    """The file cannot be used; the message says what to do."""


class Judgements:
    """The file. What was put is found at once, and is durable after `save` or some more of it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._fresh: dict[bytes, bytes] = {}
        try:
            self._db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def get(self, key: bytes) -> bytes | None:
        """What was said, or None."""
        found = self._fresh.get(key)
        if found is None:
            try:
                row = self._db.execute("SELECT said FROM judgements WHERE key = ?", (key,)).fetchone()
            except sqlite3.Error as error:
                raise self._fault(error) from None
            found = None if row is None else bytes(row[0])
        return found

    def put(self, key: bytes, said: bytes) -> None:
        """Keep what was said."""
        self._fresh[key] = said
        if len(self._fresh) >= WRITTEN:
            self.save()

    def save(self) -> None:
        """Make everything durable."""
        if not self._fresh:
            return
        try:
            with closing(self._db.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany("INSERT OR REPLACE INTO judgements VALUES (?, ?)", self._fresh.items())
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fault(error) from None
        self._fresh.clear()

    def close(self) -> None:
        """Save and close."""
        try:
            self.save()
        finally:
            self._db.close()

    def _fault(self, error: sqlite3.Error) -> JudgementsError:
        return JudgementsError(f"{self._path}: {error}. It holds only what can be judged again: delete it")


class Opener(Protocol):
    """Opens the way to the models."""

    async def __call__(self) -> Judge:
        """A judge of the pinned versions. Raises what keeps it from judging."""


class Remembering:
    """A judge that asks the models only what they were not asked before. `opener` is called for the first such text."""

    def __init__(self, kept: Judgements, pinned: Mapping[str, Metadata], tokens: int, opener: Opener) -> None:
        """`pinned`: the version that judges each language; `tokens`: the limit of a text."""
        self._kept = kept
        self._pinned = pinned
        self._tokens = tokens
        self._opener = opener
        self._judge: Judge | None = None
        self._opening = asyncio.Lock()
        self.remembered = 0
        self.asked = 0

    async def score(self, text: str, lang: str, *, kind: str = "") -> Verdict | Unjudged:
        """The verdict of the version that is pinned for the language, in four digits. Raises BadText."""
        metadata = self._pinned.get(lang)
        if metadata is None:
            return Unjudged("no_model")
        key = _key(metadata, self._tokens, lang, kind, text)
        said = self._kept.get(key)
        if said is not None:
            self.remembered += 1
            return _read(metadata, said)
        async with self._opening:
            if self._judge is None:
                self._judge = await self._opener()
        self.asked += 1
        found = await self._judge.score(text, lang, kind=kind)
        said = _write(found)
        self._kept.put(key, said)
        return _read(metadata, said)


def _key(metadata: Metadata, tokens: int, lang: str, kind: str, text: str) -> bytes:
    identity = "\0".join((metadata.model, metadata.version, str(tokens), lang, kind, text))
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _write(found: Verdict | Unjudged) -> bytes:
    if isinstance(found, Unjudged):
        return NO_TEXT
    heads = {"sentiment": found.sentiment, "topic": found.topic, "risk": found.risk}
    parts = [round(heads[head][label] * SCALE) for head, labels in HEADS.items() for label in labels]
    return np.array([found.abstained, *parts], dtype="<u2").tobytes()


def _read(metadata: Metadata, said: bytes) -> Verdict | Unjudged:
    """Read even when it was just written: the first replay must give the bytes of the second."""
    if not said:
        return Unjudged("no_text")
    numbers = iter(np.frombuffer(said, dtype="<u2").tolist())
    abstained = next(numbers) == ABSTAINED
    heads = {head: {label: next(numbers) / SCALE for label in labels} for head, labels in HEADS.items()}
    return Verdict(metadata.model, metadata.version, **heads, abstained=abstained)
