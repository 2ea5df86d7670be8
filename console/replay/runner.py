"""A replay under way: records from the source, judged where needed, folded; paused and continued.

Nothing of it reaches a receiver: alerts go to the log of the replay, and, if wanted, into indices of its own.
"""

from __future__ import annotations

import asyncio
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
BREATH: Final = 0.1  # seconds between two looks at whether it was cancelled
LOOKED: Final = 50  # mentions between two looks at the clock


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
        self._saved = self._breathed = time.monotonic()
        self._left = checkpoint.within  # records to pass over, taken in before the pause
        self._given = parts.source.notes.read  # records of the source before the batch in hand
        self._share = 0.0  # of the batch in hand that was taken in
        self.records = 0

    @property
    def at(self) -> datetime | None:
        """Event time that was reached."""
        return self._state.at

    @property
    def read(self) -> int:
        """Records of the source that were taken in, by this run and those it continues."""
        return self._given + round((self._parts.source.notes.read - self._given) * self._share)

    async def play(self) -> None:
        """Everything to the end. Cancelled, it makes where it stands durable first."""
        parts, state = self._parts, self._state
        try:
            await self._index_again()
            async for batch in parts.source.items(state.position):
                await self._take(batch)
                self._given, self._share = parts.source.notes.read, 0.0
                state.position, state.within = batch.position, self._left
                state.taken, state.unjudged = parts.judging.taken, deepcopy(parts.judging.notes)
                if parts.named and time.monotonic() - self._saved >= SAVE_EVERY:
                    await self._save()
            await self._tell(parts.fold.finish(parts.settle))
            state.done = True
        finally:
            parts.judging.save()
            if parts.into is not None:
                await parts.into.flush()
            if parts.named:
                await self._save()
        if parts.keeping is not None:
            parts.keeping.finish()  # last: a crash before it leaves a part that the checkpoint knows

    async def _take(self, batch: Batch) -> None:
        parts = self._parts
        for number, (partition, signal) in enumerate(batch.signals):
            if self._left:  # taken in before the pause
                self._left -= 1
                continue
            at = signal.collected_at if isinstance(signal, Mention) else signal.at
            await self._wait(at, number / len(batch.signals))
            if isinstance(signal, Mention) and parts.keeping is not None:
                parts.keeping.write(signal)
            events = parts.fold.signal(partition, signal)
            self._count(at)
            if events:
                await self._tell(events)
        if batch.signals:
            return
        documents, mentions = await parts.judging.judged(batch)
        await self._index(documents)
        for number, mention in enumerate(mentions):
            if self._left:  # taken in before the pause
                self._left -= 1
                continue
            if parts.pace is not None or number % LOOKED == 0:
                await self._wait(mention.collected_at, number / len(mentions))
            if parts.keeping is not None:
                parts.keeping.write(mention)
            events = parts.fold.mention(mention)
            self._count(mention.collected_at)
            if events:
                await self._tell(events)

    async def _wait(self, at: datetime, share: float) -> None:
        """Until it is time for the next record; now and then a moment for others, such as who presses Ctrl-C."""
        self._share = share
        if self._parts.pace is not None:
            await self._parts.pace.wait(at)
        if (now := time.monotonic()) - self._breathed >= BREATH:
            await asyncio.sleep(0)
            self._breathed = now

    def _count(self, at: datetime) -> None:
        self.records += 1
        self._state.within += 1
        if self._state.at is None or at > self._state.at:
            self._state.at = at

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
        if parts.keeping is not None:
            state.kept = parts.keeping.save()
        state.notes = parts.source.notes
        parts.run.save(state)
        self._saved = time.monotonic()
