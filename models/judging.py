"""Ways to judge many labelled rows: through Triton as served, or offline with onnxruntime.

Rows are judged in portions, so memory does not grow with a file, and in batches of like length. Nothing here needs
torch; offline needs onnxruntime (extra `train`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models import registry
from models.batching import Limits
from models.client import Scorer, Verdict
from models.compare import Sample, judge_all
from models.data import Row
from models.labels import HEADS
from models.lanes import open_judge
from models.registry import ModelRefused, Served
from models.text import lead, read_tokenizer
from models.triton import connect, pad
from models.verdict import verdicts

TOKENS: Final = 256  # the worker's default
PORTION: Final = 2048  # rows whose verdicts are under way at once
BATCH: Final = 32  # rows of an offline batch
SECONDS: Final = 30.0  # for one request to Triton
START_SECONDS: Final = 60.0  # until it is said that Triton does not answer
Probabilities = dict[str, np.ndarray]


def _rows_of(verdicts: Sequence[Verdict]) -> Probabilities:
    shape = {head: (len(verdicts), len(names)) for head, names in HEADS.items()}
    return {
        head: np.array([list(getattr(each, head).values()) for each in verdicts], dtype=np.float32).reshape(shape[head])
        for head in HEADS
    }


def portions(rows: Sequence[Row], judge: Callable[[Sequence[Row]], Probabilities]) -> Probabilities:
    """What `judge` says of all rows, asked for PORTION of them at a time, those of like length together."""
    out = {head: np.zeros((len(rows), len(names)), dtype=np.float32) for head, names in HEADS.items()}
    order = sorted(range(len(rows)), key=lambda at: len(rows[at].text))
    for begin in range(0, len(order), PORTION):
        part = order[begin : begin + PORTION]
        for head, values in judge([rows[at] for at in part]).items():
            out[head][part] = values
    return out


async def judge_served(scorer: Scorer, rows: Sequence[Row]) -> Probabilities:
    """Probabilities [rows, labels] of each head from a started scorer. Raises ValueError when a row has no verdict."""
    out = []
    for begin in range(0, len(rows), PORTION):
        part = rows[begin : begin + PORTION]
        verdicts = await asyncio.gather(*(scorer.score(row.text, row.lang, kind=row.kind) for row in part))
        for row, found in zip(part, verdicts, strict=True):
            if not isinstance(found, Verdict):
                raise ValueError(f"{row.id} has no verdict: {found.reason}")
        out.append(_rows_of([found for found in verdicts if isinstance(found, Verdict)]))
    return {head: np.concatenate([each[head] for each in out] or [_rows_of([])[head]]) for head in HEADS}


class Offline:
    """One version in onnxruntime, in full precision, without Triton. Needs the extra `train`."""

    def __init__(self, served: Served, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.disable_quant_qdq", "1")  # stored weights are expanded
        self._served = served
        self._tokens = min(TOKENS, served.metadata.token_limit)
        self._tokenizer = read_tokenizer(served.tokenizer, self._tokens)
        self._session = onnxruntime.InferenceSession(str(served.weights), options, providers=["CPUExecutionProvider"])

    def judge(self, rows: Sequence[Row]) -> Probabilities:
        """Calibrated probabilities of each head."""
        return portions(rows, self._portion)

    def _portion(self, rows: Sequence[Row]) -> Probabilities:
        codes = self._tokenizer.encode_batch_fast([lead(row.text, self._tokens) for row in rows])
        ids = [np.array(code.ids, dtype=np.int32) for code in codes]
        found: dict[int, Verdict] = {}
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
        for begin in range(0, len(order), BATCH):
            part = order[begin : begin + BATCH]
            batch = pad([ids[at] for at in part])
            feed = {"input_ids": batch, "attention_mask": (batch != 0).astype(np.int32)}
            answer = dict(zip(HEADS, self._session.run(list(HEADS), feed), strict=True))
            sources = [(rows[at].lang, rows[at].kind) for at in part]
            found |= zip(part, verdicts(self._served.metadata, sources, answer), strict=True)
        return _rows_of([found[at] for at in range(len(rows))])


def judge_offline(served: Served, rows: Sequence[Row]) -> Probabilities:
    """Probabilities of each head from onnxruntime in full precision, without Triton. Needs the extra `train`."""
    return Offline(served).judge(rows)


@dataclass(frozen=True, slots=True)
class Bench:
    """A way to judge rows of several languages; `runtimes`: name of the model -> what computes it."""

    way: str
    served: Mapping[str, Served]  # by language
    runtimes: Mapping[str, str]
    judge: Callable[[Sequence[Row]], Probabilities]

    def by_model(self) -> dict[str, Served]:
        """The models, by name."""
        return {served.metadata.model: served for served in self.served.values()}


def chosen(repository: Path, version: str | None) -> dict[str, Served]:
    """The version to judge each language: those in use, or one named by MODEL/NUMBER (NUMBER where one model is there).

    Raises ModelRefused.
    """
    if version is None:
        return registry.find(repository)
    model, _, number = version.rpartition("/")
    there = registry.models(repository)
    folders = [folder for folder in there if model in ("", folder.name)]
    if len(folders) != 1:
        names = ", ".join(folder.name for folder in there)
        raise ModelRefused(f"{version} is no version here: name it as MODEL/NUMBER, of {names}")
    if number not in (numbers := registry.numbers(folders[0])):
        raise ModelRefused(f"{folders[0]} has no version {number}; it has {', '.join(numbers)}")
    served = registry.read(folders[0], number)
    return dict.fromkeys(served.metadata.langs, served)


@contextmanager
def offline(repository: Path, version: str | None = None) -> Iterator[Bench]:
    """Judging with onnxruntime in full precision. Raises ModelRefused."""
    served = chosen(repository, version)
    judges = {each.metadata.model: Offline(each) for each in served.values()}

    def judge(rows: Sequence[Row]) -> Probabilities:
        out = {head: np.zeros((len(rows), len(names)), dtype=np.float32) for head, names in HEADS.items()}
        for name, one in judges.items():
            at = [index for index, row in enumerate(rows) if served[row.lang].metadata.model == name]
            for head, values in one.judge([rows[index] for index in at]).items():
                out[head][at] = values
        return out

    yield Bench("onnxruntime", served, dict.fromkeys(judges, "onnxruntime-f32"), judge)


@contextmanager
def through_triton(
    url: str, repository: Path, version: str | None = None, *, tls: bool = False, ca_file: Path | None = None
) -> Iterator[Bench]:
    """Judging as served. The active version goes the workers' own way; a named one is asked for by its number.

    Raises ModelRefused, and TimeoutError when Triton does not answer.
    """
    served = chosen(repository, version)
    with asyncio.Runner() as runner:
        if version is not None:
            yield from _one_version(runner, url, served, tls, ca_file)
            return
        scorer = Scorer(url, repository, token_limit=TOKENS, cache_size=0, timeout=SECONDS, tls=tls, ca_file=ca_file)
        try:
            runner.run(asyncio.wait_for(scorer.start(), START_SECONDS))
            runtimes = {model: runtime for model, _, runtime in scorer.models().values()}
            yield Bench(
                "triton", served, runtimes,
                lambda rows: portions(rows, lambda part: runner.run(judge_served(scorer, part))),
            )  # fmt: skip
        finally:
            runner.run(scorer.stop())


def _one_version(
    runner: asyncio.Runner, url: str, served: Mapping[str, Served], tls: bool, ca_file: Path | None
) -> Iterator[Bench]:
    [one] = {each.number: each for each in served.values()}.values()

    async def opened() -> Any:
        client = connect(url, tls=tls, ca_file=ca_file)
        judge = open_judge(client, one, TOKENS, SECONDS)
        await judge.prove(await judge.model.told())
        return client, judge

    client, judge = runner.run(asyncio.wait_for(opened(), START_SECONDS))

    def ask(rows: Sequence[Row]) -> Probabilities:
        samples = [Sample(row.text, row.lang, kind=row.kind) for row in rows]
        return _rows_of(runner.run(judge_all(judge, samples, TOKENS, Limits())))

    try:
        yield Bench("triton", served, {one.metadata.model: judge.model.runtime}, lambda rows: portions(rows, ask))
    finally:
        runner.run(client.close())
