"""How good the verdicts are: `python -m models.evaluate --triton HOST:PORT [--data DIR] [--json]`.

Every labelled set of a language, whatever its licence, judged by the model as it is served (or, with `--offline`, by
onnxruntime from the same file). F1 for each data set: macro, weighted, accuracy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models import registry
from models.client import Scorer, Verdict
from models.data import Row, data_folder, read_language
from models.labels import HEADS
from models.measure import by_dataset, table
from models.text import lead, read_tokenizer
from models.triton import pad

TOKENS = 256  # the worker's default


async def judge_served(scorer: Scorer, rows: Sequence[Row], lang: str) -> dict[str, np.ndarray]:
    """Probabilities [rows, labels] of each head from a started scorer. Raises ValueError when a row has no verdict."""
    out = {head: np.zeros((len(rows), len(labels)), dtype=np.float32) for head, labels in HEADS.items()}
    verdicts = await asyncio.gather(*(scorer.score(row.text, lang) for row in rows))
    for index, verdict in enumerate(verdicts):
        if not isinstance(verdict, Verdict):
            raise ValueError(f"{rows[index].id} has no verdict: {verdict.reason}")
        out["sentiment"][index] = list(verdict.sentiment.values())
        out["topic"][index] = list(verdict.topic.values())
    return out


def judge_offline(served: registry.Served, rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Probabilities of each head from onnxruntime in full precision, without Triton. Needs the extra `train`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(str(served.weights), options, providers=["CPUExecutionProvider"])
    codes = read_tokenizer(served.tokenizer, TOKENS).encode_batch_fast([lead(row.text, TOKENS) for row in rows])
    ids = [np.array(code.ids, dtype=np.int32) for code in codes]
    out = {head: np.zeros((len(rows), len(labels)), dtype=np.float32) for head, labels in HEADS.items()}
    order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
    for begin in range(0, len(order), 32):
        part = order[begin : begin + 32]
        batch = pad([ids[at] for at in part])
        feed = {"input_ids": batch, "attention_mask": (batch != 0).astype(np.int32)}
        for head, values in zip(HEADS, session.run(list(HEADS), feed), strict=True):
            out[head][part] = values
    return out


async def _through_triton(url: str, repository: Path, rows: Sequence[Row], lang: str) -> dict[str, np.ndarray]:
    scorer = Scorer(url, repository, token_limit=TOKENS)
    try:
        await scorer.start()
        return await judge_served(scorer, rows, lang)
    finally:
        await scorer.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with labelled/*.jsonl (default: TOCSIN_DATA)")
    parser.add_argument("--lang", default="en")
    parser.add_argument("--part", default="dev", choices=("dev", "train"))
    parser.add_argument("--repository", type=Path, default=registry.SHIPPED, help="model repository")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--triton", metavar="HOST:PORT", help="judge through this Triton, as served")
    way.add_argument("--offline", action="store_true", help="judge with onnxruntime, without Triton")
    options = parser.parse_args(arguments)
    rows = read_language(data_folder(options.data), options.lang, options.part)
    if options.offline:
        found = judge_offline(registry.find(options.repository)[options.lang], rows)
    else:
        found = asyncio.run(_through_triton(options.triton, options.repository, rows, options.lang))
    results = by_dataset(rows, found)
    sys.stdout.write((json.dumps(results, indent=1) if options.json else table(results)) + "\n")


if __name__ == "__main__":
    main()
