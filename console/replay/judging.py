"""What a source holds becomes mentions: by stored judgements, or judged by the pipeline of the stream.

Items go through the stages of `enrich` (`streams.document`, `streams.opinion`) with the company names of now; documents
keep those that were found in them then. Only texts that were never judged by the chosen version need Triton.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from alerts.evaluation.result import Note
from alerts.replay.playback import ARCHIVE
from console.messages import say
from console.replay.judgements import Judgements, Remembering
from console.replay.source import Batch, Notes, SourceError
from console.replay.versions import Chosen, choose, name_of
from models.client import Scorer
from models.registry import SHIPPED
from streams import clock
from streams.document import Pipeline, joined
from streams.endpoints import resolve
from streams.entities import Gazetteer
from streams.opinion import Asked, Judge, form
from streams.pseudonyms import pseudonym_key
from streams.records import Document, Mention, RawItem, Reject
from streams.scoring import create_scorer
from streams.settings import Settings
from streams.signature import sign
from streams.version import VERSION

FOLDER: Final = "replay"  # of the state folder: everything that replays keep
FILE: Final = "judgements.sqlite"
START_SECONDS: Final = 60.0  # until it is said that Triton does not answer


class Judging:
    """Makes mentions of batches. `notes` counts what was judged now, and what could not be. Close it."""

    def __init__(self, settings: Settings, models: Sequence[str], judge: Judge | None = None) -> None:
        """`models`: versions (NAME@VERSION) by which stored documents are judged again. Raises VersionError,
        ModelRefused. `judge`: in place of the models and of what is remembered of them."""
        self._settings = settings
        self._models = tuple(models)
        self.notes = Notes()
        self._given = judge
        self._remembering: Remembering | None = None
        self._kept: Judgements | None = None
        self._scorer: Scorer | None = None
        self.taken = 0  # records that became documents, numbered for their mentions
        self.documents = 0  # judged, by stored judgements or now
        if models:
            self.chosen.names()  # told now, not after the source was read

    @cached_property
    def chosen(self) -> Chosen:
        """The versions that judge."""
        return choose(self._settings.model_repository or SHIPPED, self._models)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stages of the stream."""
        names = Gazetteer.load(self._settings.watchlist)
        return Pipeline(self._settings, names, pseudonym_key(self._settings), VERSION)

    @property
    def counts(self) -> tuple[int, int]:
        """Texts answered from what is remembered, and by the models."""
        known = self._remembering
        return (known.remembered, known.asked) if known else (0, 0)

    async def judged(self, batch: Batch) -> tuple[list[Document], list[Mention]]:
        """The documents of a batch and their mentions, in its order.

        Raises SourceError for stored mentions that were to be judged again, and what keeps the models from answering.
        """
        if batch.mentions:
            self._refuse(batch.mentions)
            return [], list(batch.mentions)
        raw = (self._item(item, self.taken + number) for number, item in enumerate(batch.raw))
        found = [*await self._all(raw), *await self._all(map(self._document, batch.documents))]
        mentions: list[Mention] = []
        for document in found:
            mentions += self.pipeline.mentions(document, ARCHIVE, self.taken)
            self.taken += 1
        return found, mentions

    def caveats(self) -> list[Note]:
        """What judgements that were made now cannot show."""
        found = {"judged_later": self.notes.read, "title_alone": self.notes.titles}
        return [Note(code=code, values={"count": count}) for code, count in found.items() if count]

    def save(self) -> None:
        """Make what was judged durable."""
        if self._kept is not None:
            self._kept.save()

    async def close(self) -> None:
        """End it; what was judged is kept."""
        try:
            if self._scorer is not None:
                await self._scorer.stop()
        finally:
            if self._kept is not None:
                self._kept.close()

    def _refuse(self, mentions: Sequence[Mention]) -> None:
        if self._models and any(mention.lang in self.chosen.again for mention in mentions):
            raise SourceError(say("replay.model.no_text", models=", ".join(self._models)))

    async def _item(self, item: RawItem, number: int) -> Document:
        prepared = self.pipeline.prepare(item, f"{ARCHIVE}@{number}", clock.now())
        found = await form(self._judge(), Asked.of(prepared))
        self.notes.read += 1
        return self.pipeline.document(prepared, found.judgement, found.unjudged, found.towards)

    async def _document(self, document: Document) -> Document:
        if not self._models or document.lang not in self.chosen.again:
            return document
        known = document.judgement
        if known is not None and f"{known.model}@{known.version}" == name_of(self.chosen.served[document.lang]):
            return document
        found = await form(self._judge(), Asked.again(document))
        self.notes.read += 1
        self.notes.titles += _bodiless(document)
        entities = tuple(replace(each, sentiment=found.towards.get(each.id)) for each in document.entities)
        return replace(document, judgement=found.judgement, unjudged=found.unjudged, entities=entities)

    async def _all(self, judging: Iterable[Awaitable[Document]]) -> list[Document]:
        """Those that are documents in the end, in order."""
        found = await asyncio.gather(*judging, return_exceptions=True)
        kept: list[Document] = []
        for each in found:
            if isinstance(each, Document):
                kept.append(each)
            elif isinstance(each, Reject):
                self.notes.fault(each.reason, str(each)[:300])
            else:
                raise each
        self.documents += len(kept)
        return kept

    def _judge(self) -> Judge:
        if self._given is not None:
            return self._given
        if self._remembering is None:
            self._kept = Judgements(self._settings.state_dir / FOLDER / FILE)
            pinned = {lang: served.metadata for lang, served in self.chosen.served.items()}
            self._remembering = Remembering(self._kept, pinned, self._settings.token_limit, self._open)
        return self._remembering

    async def _open(self) -> Judge:
        url = resolve(self._settings, "triton").triton
        self._scorer = scorer = create_scorer(self._settings, url, self.chosen.served)
        try:
            await asyncio.wait_for(scorer.start(), START_SECONDS)
        except TimeoutError:
            raise TimeoutError(say("score.silent", address=url, seconds=int(START_SECONDS))) from None
        return scorer


def _bodiless(document: Document) -> bool:
    """Whether a stored document lacks the body it had when it came: what was signed then was more than its title."""
    return not document.text and sign(joined(document.title, ""), document.lang).copy_key != document.signature.copy_key
