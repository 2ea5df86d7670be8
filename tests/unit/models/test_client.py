"""The Scorer against a double that speaks Triton's protocol."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
import msgspec
import numpy as np
import pytest

from models import client, registry
from models.client import BadText, ModelRefused, Scorer, Unjudged, Verdict
from models.labels import HEADS
from models.registry import SHIPPED, Metadata, read
from models.text import read_tokenizer
from tests.unit.models.triton_double import Answer, Refusal, TritonDouble, serving

SERVED = read(SHIPPED / "opinion-en")
METADATA: Metadata = SERVED.metadata
POISON: int = read_tokenizer(SERVED.tokenizer, 16).encode("poison", add_special_tokens=False).ids[-1]
PROBES = {probe.ids: probe.probabilities for probe in METADATA.probes}


@pytest.fixture(autouse=True)
def only_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The double is one model: so is the repository."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / SERVED.folder.name).symlink_to(SERVED.folder)
    monkeypatch.setattr(registry, "SHIPPED", tmp_path / "models")


def judge(ids: np.ndarray) -> Answer:
    """The known answers for the probes; for any other text a distribution that its ids decide."""
    sentiment = np.zeros((len(ids), len(HEADS["sentiment"])), dtype=np.float32)
    for row, values in zip(ids, sentiment, strict=True):
        known = PROBES.get(tuple(row[row != 0].tolist()))
        values[:] = known or np.eye(3)[int(row.sum()) % 3]
    return {"sentiment": sentiment, **{head: even(head, len(ids)) for head in ("topic", "risk")}}


def even(head: str, rows: int) -> np.ndarray:
    """The same probability for every label."""
    return np.full((rows, len(HEADS[head])), 1 / len(HEADS[head]), dtype=np.float32)


def only_probes(otherwise: Callable[[np.ndarray], Answer]) -> Callable[[np.ndarray], Answer]:
    """Probes are answered right, anything else by `otherwise`."""

    def answer(ids: np.ndarray) -> Answer:
        is_probes = all(tuple(row[row != 0].tolist()) in PROBES for row in ids)
        return judge(ids) if is_probes else otherwise(ids)

    return answer


async def test_every_text_gets_its_own_verdict_in_few_requests() -> None:
    """Hundreds of concurrent callers each receive the answer for their text, over few well-filled requests."""
    double = TritonDouble(METADATA, judge)
    texts = [f"company number {n} " + "reports profit " * (n % 7) for n in range(300)]
    async with serving(double) as url:
        scorer = Scorer(url)
        await scorer.start()
        verdicts = await asyncio.gather(*(scorer.score(text, "en") for text in texts))
        alone = [await scorer.score(f"alone: {text}", "en") for text in texts[:2]]
        await scorer.stop()
    assert all(isinstance(verdict, Verdict) for verdict in [*verdicts, *alone])
    assert len(double.calls) < 30
    assert sum(len(call) for call in double.calls) == 302
    assert scorer.stats.texts == 302
    assert scorer.stats.padding_efficiency > 0.75
    assert all(call.size <= 1024 for call in double.calls)


async def test_equal_texts_are_judged_once() -> None:
    """Copies in flight share one answer, later ones come from memory, and keys decide what a copy is."""
    double = TritonDouble(METADATA, judge)
    async with serving(double) as url:
        scorer = Scorer(url, cache_size=2)
        await scorer.start()
        first = await asyncio.gather(*(scorer.score("profit up", "en") for _ in range(50)))
        again = await scorer.score("profit   up ", "en")
        keyed = [await scorer.score(text, "en", key="k") for text in ("one wording", "another wording")]
        assert sum(len(call) for call in double.calls) == 2
        for text in ("a", "b", "c"):
            await scorer.score(text, "en")
        await scorer.score("profit up", "en")  # pushed out of a memory of two
        await scorer.stop()
    assert {id(verdict) for verdict in first} == {id(again)}
    assert keyed[0] is keyed[1]
    assert scorer.stats.cached == 51
    assert sum(len(call) for call in double.calls) == 6


async def test_language_without_a_model_is_unjudged() -> None:
    """Nothing is guessed for other languages or for a text of which nothing is left."""
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        await scorer.start()
        assert await scorer.score("株価が急落", "ja") == Unjudged("no_model")
        assert await scorer.score(" https://t.co/x ", "en") == Unjudged("no_text")
        await scorer.stop()


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a company's proxy is set and says nothing of exceptions, Triton on this machine is reached all the same."""
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        async with asyncio.timeout(10):
            await scorer.start()
        await scorer.stop()


async def test_one_text_that_triton_refuses_fails_alone() -> None:
    """INVALID_ARGUMENT for a batch is traced to the one text; the others are judged."""
    bad = "poison"

    def refuse(ids: np.ndarray) -> Answer:
        if (ids == POISON).any():
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT)
        return judge(ids)

    async with serving(TritonDouble(METADATA, refuse)) as url:
        scorer = Scorer(url)
        await scorer.start()
        texts = [f"fine text {n}" for n in range(20)] + [bad]
        results = await asyncio.gather(*(scorer.score(text, "en") for text in texts), return_exceptions=True)
        await scorer.stop()
    assert isinstance(results[-1], BadText)
    assert all(isinstance(result, Verdict) for result in results[:-1])
    assert scorer.stats.refused == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL]
)
async def test_passing_trouble_is_waited_out_and_the_model_checked_again(code: grpc.StatusCode) -> None:
    """A transient error is retried, and whoever answers afterwards must prove to be the right model."""
    failures = 2

    def flaky(ids: np.ndarray) -> Answer:
        nonlocal failures
        if failures:
            failures -= 1
            raise Refusal(code)
        return judge(ids)

    double = TritonDouble(METADATA, only_probes(flaky))
    seen: list[str] = []
    async with serving(double) as url:
        scorer = Scorer(url, observe=lambda outcome, _: seen.append(outcome))
        await scorer.start()
        assert isinstance(await scorer.score("profit up", "en"), Verdict)
        await scorer.stop()
    assert seen == ["retried", "retried", "answered"]
    assert double.checks == 3
    assert scorer.stats.failures == 2


async def test_server_that_comes_back_is_found_again() -> None:
    """Callers wait while nothing listens, and are answered when the server is back on its port."""
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        await scorer.start()
    waiting = asyncio.create_task(scorer.score("profit up", "en"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    async with serving(TritonDouble(METADATA, judge), int(url.rpartition(":")[2])):
        assert isinstance(await asyncio.wait_for(waiting, 10), Verdict)
        await scorer.stop()


async def test_another_model_after_a_restart_is_refused() -> None:
    """When the server comes back with other weights, callers and all later ones get ModelRefused."""
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        await scorer.start()
    waiting = asyncio.create_task(scorer.score("profit up", "en"))
    other = TritonDouble(msgspec.structs.replace(METADATA, version="2-other"), judge)
    async with serving(other, int(url.rpartition(":")[2])):
        with pytest.raises(ModelRefused, match="version"):
            await asyncio.wait_for(waiting, 10)
        with pytest.raises(ModelRefused):
            await scorer.score("another", "en")
        await scorer.stop()


def swapped(ids: np.ndarray) -> Answer:
    """Positive and negative exchanged."""
    answer = judge(ids)
    return answer | {"sentiment": answer["sentiment"][:, ::-1]}


def not_ready(double: TritonDouble) -> None:
    """The server is up, the model is not."""
    double.model_ready = False


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: setattr(d, "judge", swapped), "swapped"),
        (lambda d: d.told.update({"1.labels_sentiment": '["positive", "neutral", "negative"]'}), "labels_sentiment"),
        (lambda d: d.told.update({"1.tokenizer_sha256": "0" * 64}), "tokenizer_sha256"),
        (lambda d: d.told.pop("1.version"), "version"),
        (not_ready, "does not serve"),
    ],
)
async def test_wrong_model_is_refused_at_the_start(spoil: Callable[[TritonDouble], None], words: str) -> None:
    """Swapped labels, another tokenizer or version, a model that failed to load: the words say which."""
    double = TritonDouble(METADATA, judge)
    spoil(double)
    async with serving(double) as url:
        with pytest.raises(ModelRefused, match=words):
            await Scorer(url).start()


@pytest.mark.parametrize(
    "outputs",
    [
        {"sentiment": np.full((1, 3), np.nan), "topic": even("topic", 1), "risk": even("risk", 1)},
        {"sentiment": np.full((1, 3), 0.5), "topic": even("topic", 1), "risk": even("risk", 1)},
        {"sentiment": np.array([[1.5, -0.5, 0.0]]), "topic": even("topic", 1), "risk": even("risk", 1)},
        {"sentiment": np.full((1, 2), 0.5), "topic": even("topic", 1), "risk": even("risk", 1)},
        {"sentiment": np.full((1, 3), 1 / 3), "topic": even("topic", 2), "risk": even("risk", 1)},
    ],
    ids=["nan", "sum", "negative", "labels", "rows"],
)
async def test_answer_that_is_no_distribution_stops_everything(outputs: Answer) -> None:
    """NaN, sums other than one and wrong shapes never become a verdict."""
    async with serving(TritonDouble(METADATA, only_probes(lambda _: outputs))) as url:
        scorer = Scorer(url)
        await scorer.start()
        with pytest.raises(ModelRefused):
            await scorer.score("profit up", "en")
        with pytest.raises(ModelRefused):
            await scorer.score("another text", "en")
        await scorer.stop()


async def test_cancelled_caller_harms_no_other() -> None:
    """Of two callers with one text, one goes away; the other is answered."""
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        await scorer.start()
        first = asyncio.create_task(scorer.score("profit up", "en"))
        second = asyncio.create_task(scorer.score("profit up", "en"))
        await asyncio.sleep(0)
        first.cancel()
        assert isinstance(await second, Verdict)
        await scorer.stop()


async def test_stop_releases_those_who_wait(tmp_path: Path) -> None:
    """Stopping while the server is away cancels the waiting callers instead of leaving them for ever."""
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        await scorer.start()
    waiting = asyncio.create_task(scorer.score("profit up", "en"))
    await asyncio.sleep(0.05)
    await scorer.stop()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("turns", range(5))
async def test_stop_is_heard_while_texts_arrive(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    """Whatever the event loop is at when the stop comes, the scorer ends."""
    monkeypatch.setattr(client, "LINGER", 0.5)
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        await scorer.start()
        callers = [asyncio.create_task(scorer.score("profit up", "en"))]
        await asyncio.sleep(0.02)  # it waits for company, and that comes together with the stop
        callers.append(asyncio.create_task(scorer.score("profit down", "en")))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await scorer.stop()
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


async def test_scorer_that_does_not_run_says_so() -> None:
    """Before the start and after the stop a call fails at once, it neither hangs nor returns a non-verdict."""
    async with serving(TritonDouble(METADATA, judge)) as url:
        scorer = Scorer(url)
        with pytest.raises(RuntimeError, match="start"):
            await scorer.score("profit up", "en")
        await scorer.start()
        await scorer.stop()
        with pytest.raises(RuntimeError, match="stop"):
            await scorer.score("profit up", "en")


async def test_repository_without_a_model_is_refused(tmp_path: Path) -> None:
    """The message names the folder and what it needs."""
    with pytest.raises(ModelRefused, match="opinion-"):
        await Scorer("127.0.0.1:1", tmp_path).start()
