"""What the rows looked like that a model was measured on: `reference.json` in its version folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from models.features import FEATURES
from models.registry import ModelRefused

FILE: Final = "reference.json"


class Cell(Struct, frozen=True):
    """Histograms of some texts: feature -> number of texts in each bin."""

    rows: int
    counts: dict[str, tuple[int, ...]]


class Reference(Struct, frozen=True, kw_only=True):
    """`reference.json` beside the weights: what the rows looked like that the model was measured on."""

    version: str
    pieces: dict[str, tuple[int, ...]]  # language -> ids of its commonest word pieces
    cells: dict[str, Cell]  # "en/chat", and "en" for both kinds together

    def cell(self, lang: str, kind: str) -> Cell | None:
        """What to compare with: that kind in that language, else that language, else nothing."""
        return self.cells.get(f"{lang}/{kind}") or self.cells.get(lang)


def read_reference(folder: Path) -> Reference | None:
    """The reference of a version folder; None when it was exported without. Raises ModelRefused when it is damaged."""
    path = folder / FILE
    try:
        reference = msgspec.json.decode(path.read_bytes(), type=Reference)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ModelRefused(
            f"{path} cannot be read ({error}): delete it, or make it again (python -m models.measured)"
        ) from None
    for name, cell in reference.cells.items():
        if {feature: len(counts) for feature, counts in cell.counts.items()} != FEATURES:
            raise ModelRefused(f"{path}: {name} has other histograms than models/drift.py; make it again")
    return reference
