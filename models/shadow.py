"""A version that judges every text beside the active one, and is only compared with it.

Guarantees: no verdict ever waits for it or fails by it. It keeps at most WAITING texts; when it is behind, texts are
dropped and counted. What stops it (Triton away, a damaged version) is counted too, and it goes on when it can.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from models.batching import Limits, Pool
from models.registry import ModelRefused, Served
from models.triton import BadInput, RemoteModel, Unreachable, pause
from models.verdict import Verdict, leaning, verdicts

WAITING: Final = 1024  # texts; some seconds of a busy stream, and few megabytes
CHUNK: Final = 32  # texts tokenised before the event loop gets its turn


@dataclass(slots=True)
class Outcomes:
    """What became of the texts that were offered to shadows, since the start."""

    agreed: int = 0  # the same sentiment as the active version's, or both abstained
    differed: int = 0
    dropped: int = 0  # it was behind
    failed: int = 0  # Triton or the version did not answer


@dataclass(frozen=True, slots=True)
class Offer:
    """A text, and what the active version said."""

    text: str
    lang: str
    kind: str  # of source
    verdict: Verdict


class Shadow:
    """Works from its making, inside the running event loop, until `stop`."""

    def __init__(
        self, served: Served, tokenizer: Tokenizer, model: RemoteModel, limits: Limits, outcomes: Outcomes
    ) -> None:
        self.number = served.number
        self._served = served
        self._tokenizer = tokenizer
        self._model = model
        self._outcomes = outcomes
        self._queue: deque[Offer] = deque()
        self._pool: Pool[tuple[Offer, np.ndarray]] = Pool(limits)
        self._arrival = asyncio.Event()
        self._task = asyncio.create_task(self._work(), name=f"shadow-{served.number}")

    def offer(self, text: str, lang: str, kind: str, active: Verdict) -> None:
        """Take a prepared text to judge, or drop it."""
        if self.ended() or lang not in self._served.metadata.langs:
            self._outcomes.failed += 1
        elif len(self._queue) + len(self._pool) >= WAITING:
            self._outcomes.dropped += 1
        else:
            self._queue.append(Offer(text, lang, kind, active))
            self._arrival.set()

    def ended(self) -> bool:
        """Whether it gave up: the version must not be used."""
        return self._task.done()

    async def stop(self) -> None:
        """End it; what waits is forgotten."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        proved, attempt = False, 0
        while True:
            batch: list[tuple[Offer, np.ndarray]] = []
            try:
                if not proved:
                    await self._model.check(self._tokenizer)
                    proved = True
                batch = await self._next()
                await self._judge(batch)
                attempt = 0
            except Unreachable:
                proved, attempt = False, attempt + 1
                self._outcomes.failed += len(batch)
                await pause(attempt)
            except BadInput:
                self._outcomes.failed += len(batch)
            except ModelRefused:
                self._outcomes.failed += len(batch) + len(self._queue) + len(self._pool)
                return

    async def _next(self) -> list[tuple[Offer, np.ndarray]]:
        while True:
            while self._queue:
                chunk = [self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))]
                codes = self._tokenizer.encode_batch_fast([each.text for each in chunk])
                for each, code in zip(chunk, codes, strict=True):
                    self._pool.add((each, np.array(code.ids, dtype=np.int32)), len(code.ids), 0.0)
                await asyncio.sleep(0)
            if batch := self._pool.take():
                return batch
            self._arrival.clear()
            await self._arrival.wait()

    async def _judge(self, batch: list[tuple[Offer, np.ndarray]]) -> None:
        answer = await self._model.infer([ids for _, ids in batch])
        offers = [offered for offered, _ in batch]
        found = verdicts(self._served.metadata, [(offered.lang, offered.kind) for offered in offers], answer)
        for offered, own in zip(offers, found, strict=True):
            if leaning(own) == leaning(offered.verdict):
                self._outcomes.agreed += 1
            else:
                self._outcomes.differed += 1
