"""Documents about an invented company as enrich makes them, and a source that gives them as Elasticsearch would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from console.replay.source import Batch, Notes
from console.replay.span import Span
from models.labels import HEADS
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.records import Document, Judgement, RawItem
from streams.settings import Settings
from tests.unit.alerts.signals import at


@cache
def _pipeline(watchlist: Path | None) -> Pipeline:
    return Pipeline(Settings(), Gazetteer.load(watchlist), b"key", "1")


def document(settings: Settings, minutes: float, number: int, negative: float = 0.95) -> Document:
    """A judged text about Acme by an author of its own, unlike the others."""
    pipeline = _pipeline(settings.watchlist)
    words = " ".join(f"w{number}x{n}" for n in range(12))
    item = RawItem(
        source=f"wire-{number % 4}", native_id=str(number), kind="news", title=f"Acme matter {number} {words}", text="",
        author=f"author {number}", published_at=at(minutes), published_how="stated",
        collected_at=at(minutes), lang="en",
    )  # fmt: skip
    prepared = pipeline.prepare(item, f"news.raw/0@{number}", at(minutes))
    heads = {head: {label: 1.0 if n == 0 else 0.0 for n, label in enumerate(HEADS[head])} for head in HEADS}
    heads["sentiment"] = {"negative": negative, "neutral": 1 - negative, "positive": 0.0}
    return pipeline.document(prepared, Judgement(model="opinion-en", version="1-x", **heads), "", {})


class Stored:
    """In place of `ElasticSource`."""

    documents: Sequence[Document] = ()
    asked: list[Span]

    def __init__(
        self, settings: Settings, url: str, pattern: str, span: Span, query: str = "", only: object = (),
        wait: float | None = None,
    ) -> None:  # fmt: skip
        self.notes = Notes()
        type(self).asked.append(span)
        self._span = span

    async def items(self, position: str = "") -> AsyncIterator[Batch]:
        """All of the span, in two pages."""
        found = [each for each in self.documents if self._span.holds(each.collected_at)]
        yield Batch()
        self.notes.total = len(found)
        for part in (found[: len(found) // 2], found[len(found) // 2 :]):
            self.notes.read += len(part)
            yield Batch(documents=part)


def stored(documents: Sequence[Document]) -> type[Stored]:
    """A source of these."""
    return type("Source", (Stored,), {"documents": documents, "asked": list[Span]()})


def moments(found: Sequence[datetime]) -> list[float]:
    """Minutes after the start."""
    return [(each - at(0)).total_seconds() / 60 for each in found]
