"""What the drift watch counts of a judged text: eight features, each the number of a bin. Pure."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tokenizers import Tokenizer

from models.labels import HEADS

CONFIDENCES: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # edges of the bins
LENGTHS: Final = (8, 16, 32, 64, 128, 255)  # in word pieces
UNKNOWN: Final = (1e-9, 0.02, 0.05, 0.1, 0.25)  # share of a text's pieces that the vocabulary lacks
COMMON: Final = 30  # word pieces that are counted each for itself; the others by how common they are
BANDS: Final = 18  # tokenizers number pieces from common to rare: a band is the number of digits of that in base two
FEATURES: Final = {
    **{head: len(labels) for head, labels in HEADS.items()},
    "confidence": len(CONFIDENCES) + 1,
    "abstained": 2,
    "length": len(LENGTHS) + 1,
    "unknown": len(UNKNOWN) + 1,
    "pieces": COMMON + BANDS,
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One judged text. `bins`: feature -> the bin it falls into."""

    confidence: float
    pieces: int
    unknown: int
    bins: Mapping[str, int]


def observe(
    probabilities: Mapping[str, Sequence[float]],
    abstained: bool,
    ids: Sequence[int],
    unknown_id: int | None,
    common: Sequence[int],
    key: str,
) -> Observation:
    """What is counted of a text: its verdict by head, and its word pieces without the special ones.

    Of the pieces only one counts, chosen by `key`, which names the text: pieces of one text belong together, and the
    test is about things that do not.
    """
    unknown = sum(piece == unknown_id for piece in ids)
    confidence = max(probabilities["sentiment"])
    bins = {head: max(range(len(values)), key=values.__getitem__) for head, values in probabilities.items()}
    piece = ids[zlib.crc32(key.encode("utf-8", "surrogatepass")) % len(ids)] if ids else 0
    bins |= {
        "confidence": bisect_right(CONFIDENCES, confidence),
        "abstained": int(abstained),
        "length": bisect_right(LENGTHS, len(ids)),
        "unknown": bisect_right(UNKNOWN, unknown / max(1, len(ids))),
        "pieces": common.index(piece) if piece in common else COMMON + min(piece.bit_length(), BANDS - 1),
    }
    return Observation(confidence, len(ids), unknown, bins)


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """Id of the piece that stands for what the vocabulary lacks."""
    found = (tokenizer.token_to_id(name) for name in ("<unk>", "[UNK]"))
    return next((int(each) for each in found if each is not None), None)
