"""How good a model is, as one report: scores, robustness, baselines, speed. `tocsin models evaluate` is its command."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models import registry
from models.baseline import baselines
from models.data import Row
from models.judging import PORTION, TOKENS, Bench, judge_offline, judge_served, offline, through_triton
from models.material import public_folder
from models.measure import table
from models.registry import Served
from models.report import HANDLED, describe
from models.robustness import robustness
from models.text import lead, read_tokenizer
from models.truth import Truth, TruthRefused, corpus_truth, read_folder, read_paths

__all__ = ["Wanted", "evaluate", "judge_offline", "judge_served", "truth_of"]


def truth_of(paths: Sequence[Path]) -> tuple[Truth, Path | None]:
    """What is to be measured on, and the folder of public data, None where there is none.

    Without `paths`: every public set that is there, and the part of our corpus that is never learnt from. Raises what
    reading raises.
    """
    folder = public_folder(None)
    if paths:
        return read_paths(paths), folder
    truth = corpus_truth()
    if folder is None:
        truth.skipped.append("the public sets: no data folder (TOCSIN_DATA)")
        return truth, None
    public = read_folder(folder)
    public.add(truth)
    return public, folder


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured beside the scores."""

    robustness: int = 0  # rows of each language and kind of change; 0: not measured
    baselines: bool = False


def evaluate(
    truth: Truth, bench: Bench, folder: Path | None, wanted: Wanted, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """The report. `tell` hears what is being done: judging, robustness, baselines. Raises what judging raises."""
    truth = truth.within(bench.served)
    rows = truth.rows
    if not rows:
        raise TruthRefused(f"nothing is left to judge: {'; '.join(truth.skipped)}")
    tell("judging")
    began = time.perf_counter()
    found = bench.judge(rows)
    seconds = time.perf_counter() - began
    below = {lang: each.metadata.calibration[lang].abstain_below for lang, each in bench.served.items()}
    learnt = {lang: each.metadata.rows for lang, each in bench.served.items()}
    report = {
        "models": {name: _told(each, bench.runtimes[name]) for name, each in bench.by_model().items()},
        "way": bench.way,
        "token_limit": TOKENS,
        "machine": machine(),
        "speed": speed(bench, rows, seconds),
        "handled": dict(HANDLED),
        **describe(truth, found, below, learnt),
        "skipped": truth.skipped,
    }
    if wanted.robustness:
        tell("robustness")
        report["robustness"] = robustness(truth, found, bench.judge, wanted.robustness)
    if wanted.baselines:
        tell("baselines")
        for title, scores in baselines(truth, folder).items():
            report["data_sets"][title]["baselines"] = asdict(scores)
    return report


def _told(served: Served, runtime: str) -> dict[str, Any]:
    metadata = served.metadata
    return {
        "version": metadata.version,
        "number": served.number,
        "langs": list(metadata.langs),
        "base": metadata.base,
        "licence": metadata.licence,
        "weights_sha256": metadata.weights_sha256,
        "runtime": runtime,
        "learnt": dict(metadata.rows),
    }


def speed(bench: Bench, rows: Sequence[Row], seconds: float) -> dict[str, float]:
    """Texts and tokens a second, padding not counted, texts cut at TOKENS."""
    tokens = 0
    for served in bench.by_model().values():
        tokenizer = read_tokenizer(served.tokenizer, min(TOKENS, served.metadata.token_limit))
        for begin in range(0, len(rows), PORTION):
            part = [row for row in rows[begin : begin + PORTION] if bench.served[row.lang] is served]
            tokens += sum(
                len(code.ids) for code in tokenizer.encode_batch_fast([lead(row.text, TOKENS) for row in part])
            )
    return {
        "texts": len(rows),
        "tokens": tokens,
        "seconds": round(seconds, 2),
        "texts_per_second": round(len(rows) / max(seconds, 1e-9), 1),
        "tokens_per_second": round(tokens / max(seconds, 1e-9), 1),
    }


def machine() -> dict[str, Any]:
    """The processor's name, and the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {"processor": name or platform.processor() or platform.machine(), "cores": cores}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, without the settings of `tocsin`."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description=main.__doc__)
    parser.add_argument(
        "--data", type=Path, nargs="+", default=(), help="labelled files or folders (default: TOCSIN_DATA)"
    )
    parser.add_argument("--repository", type=Path, default=registry.SHIPPED, help="model repository")
    parser.add_argument("--json", action="store_true", help="the whole report as JSON instead of a table")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--triton", metavar="HOST:PORT", help="judge through this Triton, as served")
    way.add_argument("--offline", action="store_true", help="judge with onnxruntime, without Triton")
    options = parser.parse_args(arguments)
    truth, folder = truth_of(options.data)
    with (
        offline(options.repository) if options.offline else through_triton(options.triton, options.repository) as bench
    ):
        report = evaluate(truth, bench, folder, Wanted())
    text = json.dumps(report, ensure_ascii=False, indent=1) if options.json else table(report["data_sets"])
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
