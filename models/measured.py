"""From the rows a model was measured on to `reference.json` in its version folder, for the drift watch.

`python -m models.measured --model models/repository/opinion-NAME` makes it for a version that lies there: the network
judges the rows in full precision, which needs the extra `train` and takes a few minutes.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from tokenizers import Tokenizer

from models import registry
from models.data import SHIPPABLE_TIERS, TARGETS, Row, data_folder, read_part
from models.features import COMMON, FEATURES, observe, unknown_id
from models.labels import HEADS
from models.reference import FILE, Cell, Reference
from models.registry import Served
from models.text import read_tokenizer

LEAST: Final = 200  # rows of a kind that say something about it; with fewer, the language as a whole must do
ROWS: Final = 3000  # of a language; more would hardly change a histogram
Judge = Callable[[Sequence[Row]], Mapping[str, np.ndarray]]


def summarise(
    rows: Sequence[Row], probabilities: Mapping[str, np.ndarray], served: Served, tokenizer: Tokenizer
) -> Reference:
    """Histograms of the rows by language, and by language and kind. `probabilities[head]`: [rows, labels]."""
    ids = [
        encoding.ids for encoding in tokenizer.encode_batch_fast([row.text for row in rows], add_special_tokens=False)
    ]
    langs = sorted({row.lang for row in rows})
    pieces = {lang: _commonest(each for each, row in zip(ids, rows, strict=True) if row.lang == lang) for lang in langs}
    tally: dict[str, dict[str, Counter[int]]] = {}
    sizes: Counter[str] = Counter()
    for at, row in enumerate(rows):
        answer = {head: probabilities[head][at].tolist() for head in HEADS}
        abstained = max(answer["sentiment"]) < served.metadata.calibration[row.lang].abstain_below
        seen = observe(answer, abstained, ids[at], unknown_id(tokenizer), pieces[row.lang], row.text)
        for name in (row.lang, f"{row.lang}/{row.kind}" if row.kind else ""):
            sizes[name] += 1
            for feature, bin_ in seen.bins.items():
                tally.setdefault(name, {}).setdefault(feature, Counter())[bin_] += 1
    cells = {
        name: Cell(sizes[name], {f: tuple(counts[f][at] for at in range(bins)) for f, bins in FEATURES.items()})
        for name, counts in sorted(tally.items())
        if name and sizes[name] >= LEAST
    }
    return Reference(version=served.metadata.version, pieces=pieces, cells=cells)


def _commonest(texts: Iterable[Sequence[int]]) -> tuple[int, ...]:
    counts = Counter(piece for ids in texts for piece in ids)
    return tuple(sorted(counts, key=lambda piece: (-counts[piece], piece))[:COMMON])


def chosen(rows: Sequence[Row]) -> list[Row]:
    """Rows that a shipped model may carry a trace of (tier A): at most ROWS of a language, the same ones each time.

    Whole texts, as the watch sees them, not those asked about one company.
    """
    free = [row for row in rows if row.tier in SHIPPABLE_TIERS and row.dataset != TARGETS]
    free.sort(key=lambda row: hashlib.blake2b(row.id.encode(), digest_size=8).digest())
    taken: Counter[str] = Counter()
    kept = []
    for row in free:
        taken[row.lang] += 1
        if taken[row.lang] <= ROWS:
            kept.append(row)
    return kept


def write(served: Served, rows: Sequence[Row], judge: Judge) -> Path:
    """Write the reference of a version from the dev rows, as `judge` judges them (calibrated); returns its path."""
    kept = chosen(rows)
    tokenizer = read_tokenizer(served.tokenizer, served.metadata.token_limit)
    reference = summarise(kept, judge(kept), served, tokenizer)
    path = served.folder / served.number / FILE
    path.write_bytes(msgspec.json.encode(reference) + b"\n")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the dev rows and write the reference."""
    from models.judging import judge_offline

    parser = argparse.ArgumentParser(prog="python -m models.measured", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder opinion-NAME of a model repository")
    parser.add_argument("--number", help="version folder (default: the one in use)")
    parser.add_argument("--data", type=Path, help="folder with labelled/*.jsonl (default: TOCSIN_DATA)")
    options = parser.parse_args(arguments)
    served = registry.read(options.model, options.number)
    rows = read_part(data_folder(options.data), "dev", served.metadata.langs, SHIPPABLE_TIERS)
    print(write(served, rows, lambda each: judge_offline(served, each)))  # noqa: T201


if __name__ == "__main__":
    main()
