"""`Scorer`: many callers hand in one text each, Triton gets a few well-filled requests.

Guarantees: a verdict is always the model's own answer for that text, never invented, and names the version that gave
it; a change of the active version is followed within `trust` seconds, without losing a text; equal texts are judged
once; while Triton is away callers wait, for as long as it takes; a text that Triton refuses fails alone (`BadText`); a
model that is not the expected one fails everything (`ModelRefused`).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import tritonclient.grpc.aio as grpc

from models import registry
from models.batching import Limits
from models.lanes import Entry, Judge, Lane, open_judge
from models.registry import ModelRefused
from models.shadow import Outcomes
from models.text import lead, prepare
from models.triton import BadInput, NotServed, Unreachable, connect, pause
from models.verdict import Unjudged, Verdict, verdicts

__all__ = ["BadText", "ModelRefused", "Scorer", "Stats", "Unjudged", "Verdict", "check_repository"]

LINGER: Final = 0.005  # seconds a text waits for company
TRUST: Final = 60.0  # seconds after which the model is asked again who it is, and which version is active


class BadText(ValueError):  # noqa: N818 - what happened
    """Triton refuses this one text; others of its request were judged."""


@dataclass(slots=True)
class Stats:
    """Counters since the start."""

    requests: int = 0  # answered by Triton
    failures: int = 0  # requests that must be sent again
    texts: int = 0  # judged by the model
    cached: int = 0  # answered from memory or together with an equal text
    refused: int = 0  # BadText
    tokens: int = 0  # real tokens sent
    padded: int = 0  # tokens sent, padding included
    seconds: float = 0.0  # sum over answered requests
    shadow: Outcomes = field(default_factory=Outcomes)

    @property
    def padding_efficiency(self) -> float:
        """Share of sent tokens that are not padding; 1 before the first request."""
        return self.tokens / self.padded if self.padded else 1.0


def check_repository(repository: Path | None) -> None:
    """Raise ModelRefused unless every model in the folder (default: the shipped one) is whole and has its tokenizer."""
    registry.find(repository or registry.SHIPPED)


class Scorer:
    """Judges texts through Triton: `await start()`, `await score(...)` from any number of tasks, `await stop()`."""

    def __init__(
        self,
        url: str,
        repository: Path | None = None,
        *,
        token_budget: int = 1024,
        token_limit: int = 256,
        requests_in_flight: int = 2,
        cache_size: int = 50_000,
        timeout: float = 30.0,
        trust: float = TRUST,
        tls: bool = False,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[str, float], None] | None = None,
        pinned: Mapping[str, registry.Served] | None = None,
    ) -> None:
        """`repository`: the folder Triton reads (default: the shipped one). `observe`: told of each request.

        `pinned`: the version that judges each language, whichever is active; Triton must serve it.
        """
        self.stats = Stats()
        self._url, self._tls, self._ca_file = url, tls, ca_file
        self._repository = repository or registry.SHIPPED
        self._pinned = pinned
        self._limits = Limits(tokens=token_budget)
        self._token_limit = token_limit
        self._requests = requests_in_flight
        self._cache_size = cache_size
        self._timeout = timeout
        self._trust = trust
        self._clock = clock
        self._observe = observe
        self._client: grpc.InferenceServerClient | None = None
        self._lanes: dict[str, Lane] = {}  # by the name of the model
        self._judges: dict[str, Lane] = {}  # by language
        self._cache: OrderedDict[tuple[str, bytes], Verdict] = OrderedDict()  # by version and text
        self._pending: dict[bytes, Entry] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._fatal: BaseException | None = None

    async def start(self) -> None:
        """Connect and check every model; waits while Triton is starting. Raises ModelRefused with what is wrong."""
        # The tokenizer would otherwise spread each call over all cores, which the model needs more.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._client = client = connect(self._url, tls=self._tls, ca_file=self._ca_file)
        judges = registry.find(self._repository) if self._pinned is None else self._pinned
        for lang, served in judges.items():
            name = served.metadata.model
            if name not in self._lanes:
                self._lanes[name] = self._lane(client, served, self._pinned is not None)
            self._judges[lang] = self._lanes[name]
        try:
            for lane in self._lanes.values():
                await lane.trust()
        except ModelRefused:
            await self.stop()
            raise
        # Each model has its own: one that cannot answer holds up none of the others.
        self._tasks = [
            asyncio.create_task(self._work(lane), name=f"scorer-{name}-{n}")
            for name, lane in self._lanes.items()
            for n in range(self._requests)
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _lane(self, client: grpc.InferenceServerClient, served: registry.Served, pinned: bool) -> Lane:
        def opened(version: registry.Served) -> Judge:
            return open_judge(client, version, self._token_limit, self._timeout)

        return Lane(opened(served), opened, self._limits, self._trust, self._clock, self.stats.shadow, pinned)

    async def stop(self) -> None:
        """End the requests under way; callers still waiting get CancelledError."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for entry in list(self._pending.values()):
            entry.answer.cancel()
        self._pending.clear()
        for lane in self._lanes.values():
            await lane.stop()
        if self._client is not None:
            await self._client.close()

    def models(self) -> dict[str, tuple[str, str, str]]:
        """By language: name, version and runtime of the model, as last checked."""
        return {
            lang: (judge.served.metadata.model, judge.served.metadata.version, judge.model.runtime)
            for lang, judge in ((lang, lane.judge) for lang, lane in self._judges.items())
        }

    async def score(self, text: str, lang: str, key: str | None = None, kind: str = "") -> Verdict | Unjudged:
        """The verdict on a text from a `kind` of source. Those with the same `key` (default: the text) share one.

        Waits while Triton is away. Raises BadText, ModelRefused. Cancelling a caller harms no other.
        """
        if self._fatal is not None:
            raise self._fatal
        if not self._tasks:
            raise RuntimeError("the scorer does not run: await start() first, and score nothing after stop()")
        lane = self._judges.get(lang)
        if lane is None:
            return Unjudged("no_model")
        plain = lead(prepare(text), self._token_limit)
        if not plain:
            return Unjudged("no_text")
        name = _key(lane, lang, plain, key, kind)
        remembered = (lane.judge.served.metadata.version, name)
        if (known := self._cache.get(remembered)) is not None and not lane.stale():
            self._cache.move_to_end(remembered)
            self.stats.cached += 1
            return known
        entry = self._pending.get(name)
        if entry is None:
            entry = Entry(lane, lang, name, plain, self._clock(), asyncio.get_running_loop().create_future(), kind)
            self._pending[name] = entry
            lane.fresh.append(entry)
            lane.arrival.set()
        else:
            self.stats.cached += 1
        return await asyncio.shield(entry.answer)

    async def _work(self, lane: Lane) -> None:
        """Send one request after the other, for ever; as many of these run for a model as requests may be under way."""
        while True:
            batch = await self._next(lane)
            await self._judge(batch)

    async def _next(self, lane: Lane) -> list[Entry]:
        """The next request: full, or as long as the oldest of its texts may wait for company."""
        while True:
            async with lane.tokenising:
                await lane.tokenise()
            left = None
            if len(lane.pool):
                left = lane.pool.oldest() + LINGER - self._clock()
                if lane.pool.full() or left <= 0:
                    return lane.pool.take()
            lane.arrival.clear()
            if lane.fresh:
                continue
            try:
                async with asyncio.timeout(left):  # wait_for may swallow a cancellation on Python 3.11
                    await lane.arrival.wait()
            except TimeoutError:
                continue

    async def _judge(self, batch: list[Entry]) -> None:
        """Answer every entry. A request that Triton calls wrong is halved until the one bad text is found."""
        try:
            judge, answer = await self._request(batch)
        except BadInput as error:
            if len(batch) == 1:
                self.stats.refused += 1
                self._finish(batch[0], BadText(f"the model refuses this text: {error}"))
                return
            half = len(batch) // 2
            await self._judge(batch[:half])
            await self._judge(batch[half:])
            return
        sources = [(entry.lang, entry.kind) for entry in batch]
        for entry, found in zip(batch, verdicts(judge.served.metadata, sources, answer), strict=True):
            self._finish(entry, found)
            entry.lane.tell(entry, found)

    async def _request(self, batch: list[Entry]) -> tuple[Judge, dict[str, np.ndarray]]:
        """The version that answered and its answer, however long it takes. Raises BadInput, ModelRefused."""
        lane, attempt = batch[0].lane, 0
        while True:
            await lane.trust()
            judge, rows = lane.judge, lane.rows(batch)
            began = self._clock()
            try:
                answer = await judge.model.infer(rows)
            except (Unreachable, NotServed):  # away; or two deployments since it was asked which version is active
                lane.distrust()
                self.stats.failures += 1
                self._seen("retried", began)
                attempt += 1
                await pause(attempt)
                continue
            except BadInput:
                self._seen("refused", began)
                raise
            self._seen("answered", began)
            self._count(rows, self._clock() - began)
            return judge, answer

    def _seen(self, outcome: str, began: float) -> None:
        if self._observe is not None:
            self._observe(outcome, self._clock() - began)

    def _count(self, rows: list[np.ndarray], seconds: float) -> None:
        self.stats.requests += 1
        self.stats.texts += len(rows)
        self.stats.tokens += sum(len(row) for row in rows)
        self.stats.padded += len(rows) * max(len(row) for row in rows)
        self.stats.seconds += seconds

    def _finish(self, entry: Entry, outcome: Verdict | BaseException) -> None:
        self._pending.pop(entry.key, None)
        if isinstance(outcome, Verdict) and self._cache_size:
            self._cache[outcome.version, entry.key] = outcome
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
        if entry.answer.done():
            return
        if isinstance(outcome, Verdict):
            entry.answer.set_result(outcome)
        else:
            entry.answer.set_exception(outcome)
            entry.answer.exception()  # its callers may have gone away: that is no fault to report

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A worker ends only by `stop` or by a fault nothing can be done about: then all callers must hear of it."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._fatal = error
        for entry in list(self._pending.values()):
            self._finish(entry, error)


def _key(lane: Lane, lang: str, text: str, key: str | None, kind: str) -> bytes:
    """Identity of a text in a language for a model, whichever version of it answers."""
    what, content = ("text", text) if key is None else ("key", key)
    identity = "\0".join((lane.judge.served.metadata.model, lang, kind, what, content))
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
