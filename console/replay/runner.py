"""A replay under way: records from the source, judged where needed, folded; paused and continued.

Nothing of it reaches a receiver: alerts go to the log of the replay, and, if wanted, into indices of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from console.replay.fold import Fold
from console.replay.indices import ReplayIndices
from console.replay.judging import Judging
from console.replay.keeping import Keeping
from console.replay.pace import Pace
from console.replay.runs import Checkpoint, Run
from console.replay.source import Batch, Source
from streams.records import AlertEvent, Document, Mention

SAVE_EVERY: Final = 30.0  # seconds between two checkpoints of a named run


@dataclass(slots=True)
class Parts:
    """Everything a replay works with. What is None is not wanted."""

    source: Source
    judging: Judging
    fold: Fold
    run: Run
    named: bool  # whether the run may be continued later
    settle: float  # event seconds after the end
    keeping: Keeping | None = None
    into: ReplayIndices | None = None
    pace: Pace | None = None
    rang: Callable[[AlertEvent], None] = lambda _: None  # told of each event as it comes


class Replay:
    """One replay. `at` is the event time it has reached, `records` what was taken in by this process."""

    def __init__(self, parts: Parts, checkpoint: Checkpoint) -> None:
        self._parts = parts
        self._state = checkpoint
        self._saved = time.monotonic()
        self._left = checkpoint.within  # records to pass over, taken in before the pause
        self.records = 0

    @property
    def at(self) -> datetime | None:
        """Event time that was reached."""
        return self._state.at

    async def play(self) -> None:
        """Everything to the end. Cancelled, it makes where it stands durable first."""
        parts, state = self._parts, self._state
        try:
            await self._index_again()
            async for batch in parts.source.items(state.position):
                await self._take(batch)
                state.position, state.within = batch.position, self._left
                state.taken, state.unjudged = parts.judging.taken, deepcopy(parts.judging.notes)
                if parts.named and time.monotonic() - self._saved >= SAVE_EVERY:
                    await self._save()
            await self._tell(parts.fold.finish(parts.settle))
            state.done = True
            if parts.keeping is not None:
                parts.keeping.finish()
        finally:
            parts.judging.save()
            if parts.into is not None:
                await parts.into.flush()
            if parts.named:
                await self._save()

    async def _take(self, batch: Batch) -> None:
        fold = self._parts.fold
        for partition, signal in batch.signals:
            if self._left:  # taken in before the pause
                self._left -= 1
                continue
            at = signal.collected_at if isinstance(signal, Mention) else signal.at
            if self._parts.pace is not None:
                await self._parts.pace.wait(at)
            if isinstance(signal, Mention):
                self._keep(signal)
            events = fold.signal(partition, signal)
            self._count(at)
            if events:
                await self._tell(events)
        if batch.signals:
            return
        documents, mentions = await self._parts.judging.judged(batch)
        await self._index(documents)
        for mention in mentions:
            if self._left:  # taken in before the pause
                self._left -= 1
                continue
            if self._parts.pace is not None:
                await self._parts.pace.wait(mention.collected_at)
            self._keep(mention)
            events = fold.mention(mention)
            self._count(mention.collected_at)
            if events:
                await self._tell(events)

    def _count(self, at: datetime) -> None:
        self.records += 1
        self._state.within += 1
        self._state.at = at if self._state.at is None else max(self._state.at, at)

    def _keep(self, mention: Mention) -> None:
        if self._parts.keeping is not None:
            self._parts.keeping.write(mention)

    async def _index(self, documents: Sequence[Document]) -> None:
        if self._parts.into is not None:
            for document in documents:
                await self._parts.into.add_document(document)

    async def _index_again(self) -> None:
        """Alerts of before a pause may have reached the log and not the index; there, the same alert twice is one."""
        if self._parts.into is not None:
            for event in self._parts.fold.log.events():
                await self._parts.into.add_alert(event)

    async def _tell(self, events: Sequence[AlertEvent]) -> None:
        for event in events:
            self._parts.rang(event)
            if self._parts.into is not None:
                await self._parts.into.add_alert(event)

    async def _save(self) -> None:
        """Everything durable, then the checkpoint that says so."""
        parts, state, fold = self._parts, self._state, self._parts.fold
        parts.judging.save()
        if parts.into is not None:
            await parts.into.flush()
        state.engine = fold.playback.snapshot()
        state.variants = fold.variants.snapshot() if fold.variants is not None else b""
        state.observed = fold.observed.snapshot()
        state.log = fold.log.save()
        state.variants_log = fold.variants_log.save() if fold.variants_log is not None else 0
        if parts.keeping is not None and not state.done:
            state.kept = parts.keeping.save()
        state.notes = parts.source.notes
        parts.run.save(state)
        self._saved = time.monotonic()
