"""What a served model says about itself, on disk and in Triton's configuration.

A model is a folder `opinion-<language>` of the model repository: `config.pbtxt`, `tokenizer.json`, and a numbered
folder with the weights, `model.py` and `metadata.json`. Everything here is pure but `read` and `find`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from models.labels import HEADS

PREFIX: Final = "opinion-"
SHIPPED: Final = Path(__file__).resolve().parent / "repository"


class ModelRefused(RuntimeError):  # noqa: N818 - what happened, said plainly
    """A model must not be used: it is not the one its folder describes, or its answers are wrong."""


class Probe(msgspec.Struct, frozen=True):
    """A text whose sentiment anybody would name alike, its token ids, and the exported network's own answer."""

    text: str
    sentiment: str
    ids: tuple[int, ...]
    probabilities: tuple[float, ...]  # of the sentiments, in the order of the labels


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """`metadata.json`: what the weights beside it are. Written by `models.export`, never by hand."""

    model: str
    version: str
    lang: str
    labels: dict[str, tuple[str, ...]]
    tokenizer_sha256: str
    weights_sha256: str
    token_limit: int  # the network reads no more
    vocabulary: int  # token ids are below this
    probes: tuple[Probe, ...]
    base: str
    licence: str
    recipe: dict[str, Any]
    rows: dict[str, int]  # "<data set>/<tier>" -> rows learnt from
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Served:
    """One model folder: its metadata and where things are. `number` is the version folder's name."""

    metadata: Metadata
    folder: Path
    number: str

    @property
    def tokenizer(self) -> Path:
        """The tokenizer that made the ids the network was trained on."""
        return self.folder / "tokenizer.json"

    @property
    def weights(self) -> Path:
        """The network."""
        return self.folder / self.number / "model.onnx"


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parameters(metadata: Metadata) -> dict[str, str]:
    """What Triton tells its clients about the model: the `parameters` of `config.pbtxt`."""
    return {
        "language": metadata.lang,
        "version": metadata.version,
        **{f"labels_{head}": json.dumps(names) for head, names in metadata.labels.items()},
        "tokenizer_sha256": metadata.tokenizer_sha256,
        "weights_sha256": metadata.weights_sha256,
        "token_limit": str(metadata.token_limit),
        "probes": json.dumps([{"text": p.text, "sentiment": p.sentiment} for p in metadata.probes], ensure_ascii=False),
    }


def check_labels(metadata: Metadata) -> None:
    """Raise ModelRefused unless the outputs mean what `models.labels` says, in that order."""
    if metadata.labels != HEADS:
        wrong = [head for head in {*HEADS, *metadata.labels} if metadata.labels.get(head) != HEADS.get(head)]
        raise ModelRefused(
            f"{metadata.model}: the labels of {', '.join(sorted(wrong))} are not those of models/labels.py, or not in "
            "that order. Export the model again with this version of Tocsin."
        )


def check_parameters(metadata: Metadata, told: Mapping[str, str]) -> None:
    """Raise ModelRefused where the running model's parameters differ from its folder's metadata."""
    for name, expected in parameters(metadata).items():
        if told.get(name) != expected:
            raise ModelRefused(
                f"{metadata.model}: the running model says {name}={told.get(name)!r}, its folder says {expected!r}. "
                "Restart Triton on this model repository, or set TOCSIN_MODEL_REPOSITORY to the one it reads."
            )


def read(folder: Path) -> Served:
    """The newest version of the model in `folder`. Raises ModelRefused when files are missing or do not match."""
    numbers = sorted((int(child.name) for child in folder.iterdir() if child.name.isdigit()), reverse=True)
    if not numbers:
        raise ModelRefused(f"{folder} holds no numbered version folder")
    number = str(numbers[0])
    path = folder / number / "metadata.json"
    try:
        metadata = msgspec.json.decode(path.read_bytes(), type=Metadata)
        served = Served(metadata, folder, number)
        found = sha256(served.tokenizer)
    except FileNotFoundError as error:
        raise ModelRefused(f"{error.filename} is missing: a model folder needs it") from None
    except msgspec.DecodeError as error:
        raise ModelRefused(f"{path} cannot be read: {error}") from None
    if found != metadata.tokenizer_sha256:
        raise ModelRefused(
            f"{served.tokenizer} is not the tokenizer of {metadata.model} {metadata.version} "
            f"(sha256 {found[:12]}, expected {metadata.tokenizer_sha256[:12]})"
        )
    if folder.name != metadata.model or metadata.model != PREFIX + metadata.lang:
        raise ModelRefused(f"{folder} holds {metadata.model} for language {metadata.lang!r}: the names must agree")
    check_labels(metadata)
    return served


def find(repository: Path) -> dict[str, Served]:
    """Every opinion model of a repository, by language. Raises ModelRefused when there is none."""
    folders = sorted(path for path in repository.glob(f"{PREFIX}*") if path.is_dir())
    if not folders:
        raise ModelRefused(f"no model in {repository}: it needs a folder {PREFIX}<language>")
    return {served.metadata.lang: served for served in map(read, folders)}
