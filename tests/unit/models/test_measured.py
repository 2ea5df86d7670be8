"""The reference that travels with a model: made of rows that may, read back as what the drift watch compares with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.data import Row
from models.features import COMMON, FEATURES
from models.labels import HEADS
from models.measured import LEAST, ROWS, chosen, write
from models.reference import read_reference
from tests.unit.models.shelf import shelve
from tests.unit.models.tiny import rows


def judge(given: Sequence[Row]) -> Mapping[str, np.ndarray]:
    """Sure of each row's label, but for sentiment, where it abstains from the neutral ones."""
    made = {head: np.full((len(given), len(names)), 0.0) for head, names in HEADS.items()}
    for at, row in enumerate(given):
        for head, label in row.labels.items():
            made[head][at, label] = 1.0
        if row.labels["sentiment"] == 1:
            made["sentiment"][at] = (0.3, 0.4, 0.3)
    return made


def test_a_reference_is_written_and_read_back(tmp_path: Path) -> None:
    """By language and by kind where there are enough rows; every row in one bin of each feature."""
    served = shelve(tmp_path)
    given = [replace(row, register="headline" if at < 600 else "chat") for at, row in enumerate(rows(760))]
    path = write(served, given, judge)
    reference = read_reference(path.parent)
    assert reference is not None
    assert reference.version == served.metadata.version
    assert set(reference.cells) == {"en", "en/news", "zh", "zh/news"}  # too few of chat
    assert all(len(pieces) <= COMMON for pieces in reference.pieces.values())
    for cell in reference.cells.values():
        assert cell.rows >= LEAST
        assert {sum(counts) for counts in cell.counts.values()} == {cell.rows}
        assert {feature: len(counts) for feature, counts in cell.counts.items()} == FEATURES
    english = reference.cells["en"]
    assert english.counts["abstained"][1] == english.counts["sentiment"][1] > 0
    assert english.counts["confidence"][-1] == english.rows - english.counts["abstained"][1]


def test_only_free_rows_and_the_same_ones_each_time() -> None:
    """No text of another licence leaves a trace; neither the order of the rows nor chance decides which are taken."""
    given = [*rows(10_000), *(replace(row, tier="C", id=f"c{row.id}") for row in rows(10))]
    kept = chosen(given)
    assert {row.tier for row in kept} == {"A"}
    assert len(kept) == 2 * ROWS
    assert chosen(given[::-1]) == kept
