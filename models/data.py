"""Labelled rows for training and evaluation, and the audit that runs before either.

Weights that ship learn only from rows whose licence permits it (tier A). Nothing is dropped silently: `audit` counts
repeats, texts with contradicting labels and texts that occur in both parts.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from models.labels import HEADS, TOPIC_SOURCES
from models.text import prepare

# Name of the set in the data folder -> the head that learns from it.
SETS: Final = {"en": {"en_sent": "sentiment", "en_topic20": "topic"}}
PARTS: Final = ("train", "dev")
SHIPPABLE_TIERS: Final = frozenset({"A"})
_TOPIC_NAMES: Final = {source: name for name, source in TOPIC_SOURCES.items()}


def licence_of(rows: Mapping[str, int]) -> str:
    """Licence of weights that learnt from `rows` ("<data set>/<tier>" -> number), as their metadata states it."""
    others = sorted(name for name in rows if name.rpartition("/")[2] not in SHIPPABLE_TIERS)
    return f"for own use only: learnt from {', '.join(others)}" if others else "Apache-2.0"


class DataMissing(FileNotFoundError):  # noqa: N818 - what happened
    """The folder with labelled data is absent; the message says how to name it."""


class DataBroken(ValueError):  # noqa: N818 - what happened
    """A labelled row cannot be read; the message names file, line and fault."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. `label` is the index in `models.labels.HEADS[head]`; `text` is already prepared."""

    id: str
    text: str
    head: str
    label: int
    dataset: str
    tier: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What `clean` found: counts of rows, by kind of fault."""

    train: int
    dev: int
    repeated_in_train: int
    repeated_in_dev: int
    contradicting_in_train: int
    leaked_from_dev: int
    kept: int

    def lines(self) -> list[str]:
        """One `name: count` per field, for the training log."""
        return [f"{name.replace('_', ' ')}: {count:,}" for name, count in asdict(self).items()]


def data_folder(given: Path | None = None) -> Path:
    """`given`, else TOCSIN_DATA, else `../shared/data` beside the checkout. Raises DataMissing when it is not there."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = given or Path(os.environ.get("TOCSIN_DATA", default))
    if not (folder / "labelled").is_dir():
        raise DataMissing(
            f"no labelled data in {folder}: set TOCSIN_DATA (or --data) to the folder that holds `labelled/*.jsonl`"
        )
    return folder


def read_set(folder: Path, name: str, head: str, part: str, tiers: Iterable[str] | None = None) -> list[Row]:
    """Rows of one set and part, in file order; with `tiers`, only those. Raises DataMissing, DataBroken."""
    if part not in PARTS:
        raise ValueError(f"part must be one of {PARTS}, not {part!r}")
    path = folder / "labelled" / f"{name}.{part}.jsonl"
    wanted = None if tiers is None else frozenset(tiers)
    rows: list[Row] = []
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(file)  # not splitlines, which cuts at every break that a text may hold
    except FileNotFoundError:
        raise DataMissing(f"{path} is not there") from None
    for number, line in enumerate(lines, start=1):
        row = _row(line, head, f"{path}:{number}")
        if wanted is None or row.tier in wanted:
            rows.append(row)
    return rows


def _row(line: str, head: str, where: str) -> Row:
    try:
        raw = json.loads(line)
        label = _TOPIC_NAMES.get(raw["label"], raw["label"])
        index = HEADS[head].index(label)
        return Row(raw["id"], prepare(raw["text"]), head, index, raw["dataset"], raw["tier"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataBroken(f"{where}: {type(error).__name__}: {error}") from None


def read_language(folder: Path, lang: str, part: str, tiers: Iterable[str] | None = None) -> list[Row]:
    """Rows of every set of one language, head by head."""
    wanted = None if tiers is None else tuple(tiers)
    return [row for name, head in SETS[lang].items() for row in read_set(folder, name, head, part, wanted)]


def _key(row: Row) -> tuple[str, str]:
    return row.head, row.text.casefold()


def clean(train: Sequence[Row], dev: Sequence[Row]) -> tuple[list[Row], Audit]:
    """Training rows that may be learnt from, and the audit.

    Dropped: a text that is also in dev for the same head, every row of a text whose labels contradict each other, a
    repetition of a text, an empty text. The dev part is judged as it is.
    """
    held_out = {_key(row) for row in dev}
    labels: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for row in train:
        labels[_key(row)].add(row.label)
    counts: Counter[str] = Counter()
    kept: dict[tuple[str, str], Row] = {}
    for row in train:
        key = _key(row)
        if key in held_out:
            counts["leaked"] += 1
        elif len(labels[key]) > 1:
            counts["contradicting"] += 1
        elif key in kept:
            counts["repeated"] += 1
        elif row.text:
            kept[key] = row
    audit = Audit(
        train=len(train),
        dev=len(dev),
        repeated_in_train=counts["repeated"],
        repeated_in_dev=len(dev) - len(held_out),
        contradicting_in_train=counts["contradicting"],
        leaked_from_dev=counts["leaked"],
        kept=len(kept),
    )
    return list(kept.values()), audit
