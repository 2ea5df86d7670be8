"""The texts for one model, and which version of it judges them.

A lane asks the running model from time to time which version is active. When that changed, it reads that version's
folder, proves it by its probes, and gives it the texts that wait; texts under way are answered by the version that got
them. So a deployment or a roll-back loses no text, judges none twice, and needs no restart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import tritonclient.grpc.aio as grpc
from tokenizers import Tokenizer

from models import registry
from models.batching import Limits, Pool
from models.registry import ACTIVE, SHADOW, ModelRefused, Served
from models.shadow import Outcomes, Shadow
from models.text import read_tokenizer
from models.triton import NotServed, RemoteModel, Unreachable, pause
from models.verdict import Verdict

CHUNK: Final = 32  # texts tokenised before the event loop gets its turn
TRIES: Final = 3  # a version that is not there may be gone since Triton was asked which is active: asked again


@dataclass(slots=True, eq=False)
class Entry:
    """A text on its way through the model; every caller with an equal text waits for the same one."""

    lane: Lane
    lang: str
    key: bytes
    text: str
    arrived: float
    answer: asyncio.Future[Verdict]
    kind: str = ""  # of source
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    judge: Judge | None = None  # whose tokenizer made the ids


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """One version of a model, with what it takes to ask it."""

    served: Served
    tokenizer: Tokenizer
    model: RemoteModel

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token ids of prepared texts."""
        return [np.array(code.ids, dtype=np.int32) for code in self.tokenizer.encode_batch_fast(texts)]

    async def prove(self, told: Mapping[str, str]) -> None:
        """Raise ModelRefused unless it is the right one, by what the running model says and by its probes."""
        await self.model.prove(self.tokenizer, told)


def open_judge(client: grpc.InferenceServerClient, served: Served, tokens: int, timeout: float) -> Judge:
    """A version that reads at most `tokens` of a text, not proved yet."""
    tokenizer = read_tokenizer(served.tokenizer, min(tokens, served.metadata.token_limit))
    return Judge(served, tokenizer, RemoteModel(client, served, timeout))


class Lane:
    """One model. `outcomes` counts what its shadow, when one is set, says beside it."""

    def __init__(
        self,
        judge: Judge,
        opened: Callable[[Served], Judge],
        limits: Limits,
        trust: float,
        clock: Callable[[], float],
        outcomes: Outcomes,
        pinned: bool = False,
    ) -> None:
        """`pinned`: this version judges whichever is active, and no shadow beside it."""
        self.judge = judge
        self.pool: Pool[Entry] = Pool(limits)
        self.fresh: list[Entry] = []  # not tokenised yet
        self._open = opened
        self._limits = limits
        self._trust = trust
        self._clock = clock
        self._outcomes = outcomes
        self._pinned = pinned
        self._shadow: Shadow | None = None
        self._trusted_at: float | None = None
        self._proved = False
        self._checking = asyncio.Lock()
        self.arrival = asyncio.Event()  # of a fresh text
        self.tokenising = asyncio.Lock()

    @property
    def folder(self) -> Path:
        """The model's folder."""
        return self.judge.served.folder

    async def stop(self) -> None:
        """End the shadow."""
        if self._shadow is not None:
            await self._shadow.stop()
            self._shadow = None

    async def tokenise(self) -> None:
        """Make the fresh texts ready for a request."""
        while self.fresh:
            chunk, self.fresh = self.fresh[:CHUNK], self.fresh[CHUNK:]
            self._encode(chunk)
            for entry in chunk:
                self.pool.add(entry, len(entry.ids), entry.arrived)
            await asyncio.sleep(0)

    def rows(self, batch: Sequence[Entry]) -> list[np.ndarray]:
        """Token ids for the version that judges now; made again where another version's tokenizer made them."""
        self._encode([entry for entry in batch if entry.judge is not self.judge])
        return [entry.ids for entry in batch]

    def _encode(self, entries: Sequence[Entry]) -> None:
        for entry, ids in zip(entries, self.judge.encode([entry.text for entry in entries]), strict=True):
            entry.ids, entry.judge = ids, self.judge

    # ---- which version, and may it be believed

    async def trust(self) -> None:
        """Return once the active version has proved on this connection, lately, to be right. Raises ModelRefused."""
        attempt = 0
        while not self._trusted():
            async with self._checking:
                if self._trusted():
                    return
                try:
                    await self._check()
                    self._trusted_at, self._proved = self._clock(), True
                    return
                except NotServed:
                    if not self._proved or attempt + 1 >= TRIES:
                        raise
                except Unreachable:
                    pass
                self._trusted_at = None
            attempt += 1
            await pause(attempt)

    def distrust(self) -> None:
        """Whoever answers next may be another: ask again before the next request."""
        self._trusted_at = None

    def stale(self) -> bool:
        """Whether it is time to ask which version is active: then no answer from memory is given in its place."""
        return self._trusted_at is not None and self._clock() - self._trusted_at > self._trust

    def _trusted(self) -> bool:
        return self._trusted_at is not None and not self.stale() and self.judge.model.connected()

    async def _check(self) -> None:
        told = await self.judge.model.told()
        if self._pinned:
            await self.judge.prove(told)
            return
        number = told.get(ACTIVE, "")
        judge = self.judge if number == self.judge.served.number else await self._other(number)
        await judge.prove(told)
        if judge is not self.judge:
            self._switch(judge)
        await self._follow_shadow(told.get(SHADOW, ""))

    async def _other(self, number: str) -> Judge:
        """Another version, read from the model's folder. Raises ModelRefused, saying that Triton wants it."""
        now = self.judge.served.metadata
        try:
            if not number:
                raise ModelRefused("it does not say which version is active; restart Triton on this model repository")
            judge = await asyncio.to_thread(lambda: self._open(registry.read(self.folder, number)))
        except (ModelRefused, OSError) as error:
            raise ModelRefused(f"the running {now.model} is not what {self.folder} holds: {error}") from None
        if set(judge.served.metadata.langs) != set(now.langs):
            raise ModelRefused(f"version {number} of {now.model} judges other languages: start the workers again")
        return judge

    def _switch(self, judge: Judge) -> None:
        """From now on `judge` answers; what was tokenised for the one before is tokenised again."""
        waiting: list[Entry] = []
        while len(self.pool):
            waiting += self.pool.take()
        self.fresh = sorted(waiting, key=lambda entry: entry.arrived) + self.fresh
        self.judge = judge

    # ---- the shadow

    def tell(self, entry: Entry, verdict: Verdict) -> None:
        """Have the shadow, when there is one, judge the text too. Never waits and never fails."""
        if self._shadow is not None:
            self._shadow.offer(entry.text, entry.lang, entry.kind, verdict)

    async def _follow_shadow(self, number: str) -> None:
        """Begin, change or end the shadow; one that gave up is tried again. It must never harm the active version."""
        if self._shadow is not None and self._shadow.number == number and not self._shadow.ended():
            return
        await self.stop()
        if number and number != self.judge.served.number:
            with contextlib.suppress(ModelRefused, OSError):  # not in the folder here: `tocsin models list` says so
                judge = await asyncio.to_thread(lambda: self._open(registry.read(self.folder, number)))
                self._shadow = Shadow(judge.served, judge.tokenizer, judge.model, self._limits, self._outcomes)
