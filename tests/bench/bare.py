"""Bare inference: the model as Triton runs it, without anything around it. The ceiling the others are measured against.

Runs in Triton's own Python environment and imports only what lies beside the model. Reads one JSON object a line on
standard input, `{"ids": FILE.npz, "order": "bucketed" | "fifo", "out": FILE.npz}`, and answers each with one line.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]

BUDGET = 1024  # tokens of one batch, padding included; the worker's default
ROWS = 64  # most texts of one batch, as in the worker
FIFO = 32
WARM_UP = ((1, 16), (32, 24), (4, 256), (8, 128), (64, 16))


def bucketed(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Batches of like length under the token budget: the whole corpus is sorted, which no live stream can be."""
    batches, start = [], 0
    order = np.argsort(lengths, kind="stable")
    while start < len(order):
        stop = start + 1
        while stop < len(order) and stop - start < ROWS and (stop - start + 1) * lengths[order[stop]] <= budget:
            stop += 1
        batches.append(order[start:stop])
        start = stop
    return batches


def fifo(lengths: np.ndarray) -> list[np.ndarray]:
    """Batches of 32 in order of arrival."""
    return [np.arange(at, min(at + FIFO, len(lengths))) for at in range(0, len(lengths), FIFO)]


def fill(rows: list[np.ndarray]) -> np.ndarray:
    """Token ids padded with 0 to the longest row."""
    batch = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int32)
    for index, row in enumerate(rows):
        batch[index, : len(row)] = row
    return batch


def measure(run: Run, order: dict[str, Any]) -> dict[str, Any]:
    """Judge one corpus; seconds of wall and processor time, and the probabilities as a file."""
    with np.load(order["ids"]) as file:
        flat, lengths = file["flat"], file["lengths"]
    texts = np.split(flat, np.cumsum(lengths)[:-1])
    batches = bucketed(lengths, order.get("budget", BUDGET)) if order["order"] == "bucketed" else fifo(lengths)
    sentiment = np.zeros((len(lengths), 3), dtype=np.float32)
    padded = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        ids = fill([texts[at] for at in batch])
        sentiment[batch] = run(ids, (ids != 0).astype(np.int32))["sentiment"]
        padded += ids.size
    told = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    np.savez(order["out"], sentiment=sentiment)
    return told | {"requests": len(batches), "tokens": int(lengths.sum()), "padded": padded}


def main(folder: Path) -> None:
    """Load the model of a version folder as model.py does, warm it up, then answer orders until the input ends."""
    sys.path.insert(0, str(folder))
    import runtimes  # type: ignore[import-not-found]

    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    threads = int(os.environ.get("TOCSIN_MODEL_THREADS", "1"))
    wanted = os.environ.get("TOCSIN_MODEL_RUNTIME", "auto")
    *_, (name, run) = runtimes.build(folder / "model.onnx", threads, metadata, wanted)
    for rows, width in WARM_UP * 4:
        ids = np.full((rows, width), 1000, dtype=np.int32)
        run(ids, np.ones_like(ids))
    answer({"runtime": name, "threads": threads, "pid": os.getpid()})
    for line in sys.stdin:
        answer(measure(run, json.loads(line)))


def answer(value: dict[str, Any]) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
