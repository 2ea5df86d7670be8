"""`Scorer`: many callers hand in one text each, Triton gets a few well-filled requests.

Guarantees: a verdict is always the model's own answer for that text, never invented and never older than a change of
model; equal texts are judged once; while Triton is away callers wait, for as long as it takes; a text that Triton
refuses fails alone (`BadText`); a model that is not the expected one fails everything (`ModelRefused`).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import tritonclient.grpc.aio as grpc
from tokenizers import Tokenizer

from models import registry
from models.batching import Limits, Pool
from models.labels import HEADS
from models.registry import ModelRefused, Served
from models.text import lead, prepare, read_tokenizer
from models.triton import BadInput, RemoteModel, Unreachable, connect, pause

__all__ = ["BadText", "ModelRefused", "Scorer", "Stats", "Unjudged", "Verdict", "check_repository"]

CHUNK: Final = 32  # texts tokenised before the event loop gets its turn
LINGER: Final = 0.005  # seconds a text waits for company
TRUST: Final = 60.0  # seconds after which the model is asked again who it is


class BadText(ValueError):  # noqa: N818 - what happened
    """Triton refuses this one text; others of its request were judged."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says about a text: probabilities by label, in the order of `models.labels`."""

    model: str
    version: str
    sentiment: dict[str, float]
    topic: dict[str, float]


@dataclass(frozen=True, slots=True)
class Unjudged:
    """No verdict, and why: `no_model` for the language, or `no_text` left after preparation."""

    reason: str


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

    @property
    def padding_efficiency(self) -> float:
        """Share of sent tokens that are not padding; 1 before the first request."""
        return self.tokens / self.padded if self.padded else 1.0


@dataclass(slots=True, eq=False)
class Entry:
    """A text on its way through the model; every caller with an equal text waits for the same one."""

    lane: Lane
    key: bytes
    text: str
    arrived: float
    answer: asyncio.Future[Verdict]
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))


@dataclass(slots=True, eq=False)
class Lane:
    """The texts of one language and the model that judges them."""

    served: Served
    tokenizer: Tokenizer
    model: RemoteModel
    pool: Pool[Entry]
    tokens: int
    fresh: list[Entry] = field(default_factory=list)  # not tokenised yet
    trusted_at: float | None = None
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)


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
        tls: bool = False,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[str, float], None] | None = None,
    ) -> None:
        """`repository`: the folder Triton reads (default: the shipped one). `observe`: told of each request."""
        self.stats = Stats()
        self._url, self._tls, self._ca_file = url, tls, ca_file
        self._repository = repository or registry.SHIPPED
        self._limits = Limits(tokens=token_budget)
        self._token_limit = token_limit
        self._requests = requests_in_flight
        self._cache_size = cache_size
        self._timeout = timeout
        self._clock = clock
        self._observe = observe
        self._client: grpc.InferenceServerClient | None = None
        self._lanes: dict[str, Lane] = {}
        self._cache: OrderedDict[bytes, Verdict] = OrderedDict()
        self._pending: dict[bytes, Entry] = {}
        self._arrival = asyncio.Event()
        self._tokenising = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._fatal: BaseException | None = None

    async def start(self) -> None:
        """Connect and check every model; waits while Triton is starting. Raises ModelRefused with what is wrong."""
        # The tokenizer would otherwise spread each call over all cores, which the model needs more.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._client = client = connect(self._url, tls=self._tls, ca_file=self._ca_file)
        for lang, served in registry.find(self._repository).items():
            tokens = min(self._token_limit, served.metadata.token_limit)
            self._lanes[lang] = Lane(
                served,
                read_tokenizer(served.tokenizer, tokens),
                RemoteModel(client, served, self._timeout),
                Pool(self._limits),
                tokens,
            )
        try:
            for lane in self._lanes.values():
                await self._trust(lane)
        except ModelRefused:
            await self.stop()
            raise
        self._tasks = [asyncio.create_task(self._work(), name=f"scorer-{n}") for n in range(self._requests)]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End the requests under way; callers still waiting get CancelledError."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for entry in list(self._pending.values()):
            entry.answer.cancel()
        self._pending.clear()
        if self._client is not None:
            await self._client.close()

    def models(self) -> dict[str, tuple[str, str, str]]:
        """By language: name, version and runtime of the model, as last checked."""
        return {
            lang: (lane.served.metadata.model, lane.served.metadata.version, lane.model.runtime)
            for lang, lane in self._lanes.items()
        }

    async def score(self, text: str, lang: str, key: str | None = None) -> Verdict | Unjudged:
        """The verdict on a text. Texts with the same `key` (default: a digest of the text) share one.

        Waits while Triton is away. Raises BadText, ModelRefused. Cancelling a caller harms no other.
        """
        if self._fatal is not None:
            raise self._fatal
        if not self._tasks:
            raise RuntimeError("the scorer does not run: await start() first, and score nothing after stop()")
        lane = self._lanes.get(lang)
        if lane is None:
            return Unjudged("no_model")
        plain = lead(prepare(text), lane.tokens)
        if not plain:
            return Unjudged("no_text")
        name = _key(lane, plain, key)
        if (known := self._cache.get(name)) is not None:
            self._cache.move_to_end(name)
            self.stats.cached += 1
            return known
        entry = self._pending.get(name)
        if entry is None:
            entry = Entry(lane, name, plain, self._clock(), asyncio.get_running_loop().create_future())
            self._pending[name] = entry
            lane.fresh.append(entry)
            self._arrival.set()
        else:
            self.stats.cached += 1
        return await asyncio.shield(entry.answer)

    async def _work(self) -> None:
        """Send one request after the other, for ever; as many of these run as requests may be under way."""
        while True:
            batch = await self._next()
            await self._judge(batch)

    async def _next(self) -> list[Entry]:
        """The next request: from the lane whose oldest text has waited longest."""
        while True:
            async with self._tokenising:
                await self._tokenise()
            lanes = [lane for lane in self._lanes.values() if len(lane.pool)]
            if lanes:
                lane = min(lanes, key=lambda each: each.pool.oldest())
                left = lane.pool.oldest() + LINGER - self._clock()
                if lane.pool.full() or left <= 0:
                    return lane.pool.take()
            else:
                left = None
            self._arrival.clear()
            if any(lane.fresh for lane in self._lanes.values()):
                continue
            try:
                async with asyncio.timeout(left):  # wait_for may swallow a cancellation on Python 3.11
                    await self._arrival.wait()
            except TimeoutError:
                continue

    async def _tokenise(self) -> None:
        for lane in self._lanes.values():
            while lane.fresh:
                chunk, lane.fresh = lane.fresh[:CHUNK], lane.fresh[CHUNK:]
                codes = lane.tokenizer.encode_batch_fast([entry.text for entry in chunk])
                for entry, code in zip(chunk, codes, strict=True):
                    entry.ids = np.array(code.ids, dtype=np.int32)
                    lane.pool.add(entry, len(entry.ids), entry.arrived)
                await asyncio.sleep(0)

    async def _judge(self, batch: list[Entry]) -> None:
        """Answer every entry. A request that Triton calls wrong is halved until the one bad text is found."""
        try:
            answer = await self._request(batch)
        except BadInput as error:
            if len(batch) == 1:
                self.stats.refused += 1
                self._finish(batch[0], BadText(f"the model refuses this text: {error}"))
                return
            half = len(batch) // 2
            await self._judge(batch[:half])
            await self._judge(batch[half:])
            return
        metadata = batch[0].lane.served.metadata
        for index, entry in enumerate(batch):
            judged = {
                head: dict(zip(labels, (min(1.0, float(p)) for p in answer[head][index]), strict=True))
                for head, labels in HEADS.items()
            }
            self._finish(entry, Verdict(metadata.model, metadata.version, judged["sentiment"], judged["topic"]))

    async def _request(self, batch: list[Entry]) -> dict[str, np.ndarray]:
        """Triton's answer, however long it takes to come back. Raises BadInput, ModelRefused."""
        lane, rows, attempt = batch[0].lane, [entry.ids for entry in batch], 0
        while True:
            await self._trust(lane)
            began = self._clock()
            try:
                answer = await lane.model.infer(rows)
            except Unreachable:
                lane.trusted_at = None  # whoever answers next may be another
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
            return answer

    async def _trust(self, lane: Lane) -> None:
        """Return once the model has proved on this connection, lately, to be the right one. Raises ModelRefused."""
        attempt = 0
        while not self._trusted(lane):
            async with lane.checking:
                if self._trusted(lane):
                    return
                try:
                    await lane.model.check(lane.tokenizer)
                    lane.trusted_at = self._clock()
                    return
                except Unreachable:
                    lane.trusted_at = None
            attempt += 1
            await pause(attempt)

    def _trusted(self, lane: Lane) -> bool:
        recent = lane.trusted_at is not None and self._clock() - lane.trusted_at <= TRUST
        return recent and lane.model.connected()

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
            self._cache[entry.key] = outcome
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


def _key(lane: Lane, text: str, key: str | None) -> bytes:
    """Identity of a text for this version of its model."""
    kind, content = ("text", text) if key is None else ("key", key)
    identity = "\0".join((lane.served.metadata.version, kind, content))
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
