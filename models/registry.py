"""What a served model says about itself, on disk and in Triton's configuration.

A model is a folder `opinion-<name>` of the model repository: `config.pbtxt` and numbered folders, one a version, each
with its weights, tokenizer, `model.py` and `metadata.json`. Several versions lie side by side; the configuration says
which one is used, and which one, if any, is scored as a shadow. Everything here is pure but `read`, `versions`, `find`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from models.labels import HEADS

PREFIX: Final = "opinion-"
SHIPPED: Final = Path(__file__).resolve().parent / "repository"
# The network and, beside it, its table of word pieces: one file of both would be too large for a repository.
WEIGHTS: Final = ("model.onnx", "words.bin")
SERVING: Final = Path(__file__).resolve().parent / "serving"
PROGRAMS: Final = ("model.py", "runtimes.py")  # what Triton runs beside the weights, the same for every model
ACTIVE: Final = "active"  # parameter of the configuration: the version folder that is used
SHADOW: Final = "shadow"  # the one that is scored beside it and not used; empty: none
PREVIOUS: Final = "previous"  # those that were used before, the latest last, between spaces
_PARAMETER: Final = re.compile(
    r'^parameters \{ key: "([^"]+)" value: \{ string_value: ("(?:[^"\\]|\\.)*") \} \}$', re.M
)


class ModelRefused(RuntimeError):  # noqa: N818 - what happened, said plainly
    """A model must not be used: it is not the one its folder describes, or its answers are wrong."""


class Probe(msgspec.Struct, frozen=True):
    """A text whose sentiment anybody would name alike, its token ids, and the exported network's own answer."""

    text: str
    lang: str
    sentiment: str
    ids: tuple[int, ...]
    probabilities: tuple[float, ...]  # of the sentiments, in the order of the labels


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the network's probabilities honest for one language. Measured on rows it did not learn from."""

    # Head, or "<head>/<kind of source>" -> T: probabilities are raised to the power 1/T and made to sum to one.
    temperature: dict[str, float]
    abstain_below: float  # a sentiment less likely than this is no judgement
    # Row: the true sentiment; columns: judged negative, neutral, positive, abstained. Rows sum to one.
    confusion: tuple[tuple[float, float, float, float], ...]
    rows: int  # that it was measured on


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """`metadata.json`: what the weights beside it are. Written by `models.export`, never by hand."""

    model: str
    version: str
    langs: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    tokenizer_sha256: str
    weights_sha256: str
    token_limit: int  # the network reads no more
    vocabulary: int  # token ids are below this
    probes: tuple[Probe, ...]
    calibration: dict[str, Calibration]  # by language
    base: str
    licence: str
    recipe: dict[str, Any]
    rows: dict[str, int]  # "<data set>/<tier>" -> rows learnt from
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Served:
    """One version of a model: its metadata and where things are. `number` is the version folder's name."""

    metadata: Metadata
    folder: Path
    number: str

    @property
    def tokenizer(self) -> Path:
        """The tokenizer that made the ids the network was trained on."""
        return self.folder / self.number / "tokenizer.json"

    @property
    def weights(self) -> Path:
        """The network; the table of word pieces may lie beside it (`WEIGHTS`)."""
        return self.folder / self.number / WEIGHTS[0]

    def weights_digest(self) -> str:
        """Digest of all files of the network, as `metadata.weights_sha256` states it."""
        return sha256(*(path for name in WEIGHTS if (path := self.folder / self.number / name).exists()))


def sha256(*paths: Path) -> str:
    """Hex digest of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def parameters(metadata: Metadata, number: str) -> dict[str, str]:
    """What Triton tells its clients about one version: `parameters` of `config.pbtxt`, which all versions share."""
    return {
        f"{number}.version": metadata.version,
        f"{number}.languages": " ".join(metadata.langs),
        **{f"{number}.labels_{head}": json.dumps(names) for head, names in metadata.labels.items()},
        f"{number}.tokenizer_sha256": metadata.tokenizer_sha256,
        f"{number}.weights_sha256": metadata.weights_sha256,
        f"{number}.token_limit": str(metadata.token_limit),
    }


def configuration(served: Mapping[str, Metadata], active: str, shadow: str = "", previous: str = "") -> str:
    """`config.pbtxt` for the versions `served` (number -> metadata), of which `active` is used.

    Clients send batches of like length, so Triton's own batching stays off (max_batch_size 0).
    """
    outputs = ",\n".join(
        f'  {{ name: "{head}", data_type: TYPE_FP32, dims: [ -1, {len(names)} ] }}' for head, names in HEADS.items()
    )
    told = {ACTIVE: active, SHADOW: shadow, PREVIOUS: previous}
    for number in sorted(served, key=int):
        told |= parameters(served[number], number)
    lines = "\n".join(
        f'parameters {{ key: "{key}" value: {{ string_value: {json.dumps(value, ensure_ascii=False)} }} }}'
        for key, value in told.items()
    )
    numbers = ", ".join(sorted(served, key=int))
    return (
        f"# Written by Tocsin (models/registry.py); `tocsin models` changes it.\n"
        f'name: "{served[active].model}"\nbackend: "python"\nmax_batch_size: 0\n'
        f"version_policy {{ specific {{ versions: [ {numbers} ] }} }}\n"
        f'input [ {{ name: "input_ids", data_type: TYPE_INT32, dims: [ -1, -1 ] }} ]\n'
        f'output [\n{outputs},\n  {{ name: "runtime", data_type: TYPE_STRING, dims: [ 1 ] }}\n]\n'
        f"instance_group [ {{ count: 1, kind: KIND_CPU }} ]\n{lines}\n"
    )


def configured(folder: Path) -> dict[str, str]:
    """The parameters that stand in a model folder's `config.pbtxt`. Raises ModelRefused when it is missing."""
    path = folder / "config.pbtxt"
    try:
        return {key: json.loads(value) for key, value in _PARAMETER.findall(path.read_text(encoding="utf-8"))}
    except FileNotFoundError:
        raise ModelRefused(f"{path} is missing: a model folder needs it") from None


def check_labels(metadata: Metadata) -> None:
    """Raise ModelRefused unless the outputs mean what `models.labels` says, in that order."""
    if metadata.labels != HEADS:
        wrong = [head for head in {*HEADS, *metadata.labels} if metadata.labels.get(head) != HEADS.get(head)]
        raise ModelRefused(
            f"{metadata.model}: the labels of {', '.join(sorted(wrong))} are not those of models/labels.py, or not in "
            "that order. Export the model again with this version of Tocsin."
        )


def check_parameters(metadata: Metadata, number: str, told: Mapping[str, str]) -> None:
    """Raise ModelRefused where the running model's parameters differ from its folder's metadata."""
    for name, expected in parameters(metadata, number).items():
        if told.get(name) != expected:
            raise ModelRefused(
                f"{metadata.model}: the running model says {name}={told.get(name)!r}, its folder says {expected!r}. "
                "Restart Triton on this model repository, or set TOCSIN_MODEL_REPOSITORY to the one it reads."
            )


def numbers(folder: Path) -> list[str]:
    """Names of a model's version folders, oldest first."""
    return sorted((child.name for child in folder.iterdir() if child.name.isdigit()), key=int)


def decode(path: Path) -> Metadata:
    """A version's `metadata.json`, as it says. Raises ModelRefused when it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Metadata)
    except FileNotFoundError:
        raise ModelRefused(f"{path} is missing: a model folder needs it") from None
    except msgspec.DecodeError as error:
        raise ModelRefused(f"{path} cannot be read: {error}") from None


def read(folder: Path, number: str | None = None) -> Served:
    """A version of the model in `folder`, by default the one in use. Raises ModelRefused when files do not match."""
    if number is None:
        number = configured(folder).get(ACTIVE, "")
    if not number.isdigit():
        raise ModelRefused(f"{folder / 'config.pbtxt'} does not say which version is active")
    metadata = decode(folder / number / "metadata.json")
    served = Served(metadata, folder, number)
    try:
        found = sha256(served.tokenizer)
    except FileNotFoundError as error:
        raise ModelRefused(f"{error.filename} is missing: a model folder needs it") from None
    if found != metadata.tokenizer_sha256:
        raise ModelRefused(
            f"{served.tokenizer} is not the tokenizer of {metadata.model} {metadata.version} "
            f"(sha256 {found[:12]}, expected {metadata.tokenizer_sha256[:12]})"
        )
    if folder.name != metadata.model or not metadata.model.startswith(PREFIX):
        raise ModelRefused(f"{folder} holds {metadata.model}: the names must agree and begin with {PREFIX}")
    if set(metadata.calibration) != set(metadata.langs):
        raise ModelRefused(f"{metadata.model}: every language it judges needs its calibration; export the model again")
    check_labels(metadata)
    return served


def named(folder: Path, version: str) -> Served:
    """The version of the model that calls itself `version`, whatever number it has here. Raises ModelRefused."""
    for number in reversed(numbers(folder)):
        try:
            found = decode(folder / number / "metadata.json").version
        except (ModelRefused, OSError):
            continue  # a damaged one is no reason to miss another
        if found == version:
            return read(folder, number)
    raise ModelRefused(f"{folder} has no version {version}")


def models(repository: Path) -> list[Path]:
    """The opinion models' folders of a repository. Raises ModelRefused when there is none."""
    folders = sorted(path for path in repository.glob(f"{PREFIX}*") if path.is_dir())
    if not folders:
        raise ModelRefused(f"no model in {repository}: it needs a folder {PREFIX}<name>")
    return folders


def find(repository: Path) -> dict[str, Served]:
    """The version in use of the model that judges each language. Raises ModelRefused; also when two judge one."""
    found: dict[str, Served] = {}
    for served in map(read, models(repository)):
        for lang in served.metadata.langs:
            if lang in found:
                raise ModelRefused(f"{found[lang].folder.name} and {served.folder.name} both judge {lang!r}")
            found[lang] = served
    return found
