"""A model folder without a network, for what reads metadata and tokenizer only."""

from __future__ import annotations

from pathlib import Path

import msgspec

from models.labels import HEADS
from models.registry import Calibration, Metadata, Served, configuration, read, sha256
from tests.unit.models.tiny import tokenizer

NAME = "opinion-tiny"


def shelve(repository: Path, number: str = "1") -> Served:
    """Write version `number` of opinion-tiny, English and Chinese, and make it the one in use."""
    folder = repository / NAME
    version = folder / number
    version.mkdir(parents=True)
    tokenizer().save(str(version / "tokenizer.json"))
    flat = Calibration(
        temperature=dict.fromkeys(HEADS, 1.0), abstain_below=0.5, confusion=((0.25, 0.25, 0.25, 0.25),) * 3, rows=0
    )
    metadata = Metadata(
        model=NAME, version=f"{number}-0123abcd", langs=("en", "zh"), labels=dict(HEADS),
        tokenizer_sha256=sha256(version / "tokenizer.json"), weights_sha256="", token_limit=64, vocabulary=300,
        probes=(), calibration={"en": flat, "zh": flat}, base="", licence="", recipe={}, rows={}, metrics={},
    )  # fmt: skip
    (version / "metadata.json").write_bytes(msgspec.json.encode(metadata))
    (folder / "config.pbtxt").write_text(configuration({number: metadata}, number), encoding="utf-8")
    return read(folder, number)
