"""What a model folder says about itself."""

import json
import shutil
from pathlib import Path

import pytest

from models.labels import HEADS, SENTIMENTS
from models.registry import SHIPPED, ModelRefused, check_parameters, find, parameters, read, sha256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model's folder without its weights."""
    source, target = SHIPPED / "opinion-en", tmp_path / "opinion-en"
    (target / "1").mkdir(parents=True)
    shutil.copy(source / "tokenizer.json", target)
    shutil.copy(source / "1" / "metadata.json", target / "1")
    return target


def change(folder: Path, **changes: object) -> None:
    """Rewrite fields of the metadata."""
    path = folder / "1" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_shipped_model_is_whole() -> None:
    """Digests of weights and tokenizer, labels, size and probes of the model in the repository are as stated."""
    served = find(SHIPPED)["en"]
    metadata = served.metadata
    assert sha256(served.weights) == metadata.weights_sha256
    assert metadata.version == f"{served.number}-{metadata.weights_sha256[:8]}"
    assert served.weights.stat().st_size < 30_000_000
    assert {probe.sentiment for probe in metadata.probes} == set(SENTIMENTS)
    for probe in metadata.probes:
        assert SENTIMENTS[probe.probabilities.index(max(probe.probabilities))] == probe.sentiment
    assert all(name.endswith("/A") for name in metadata.rows), "shipped weights learn from permitted rows only"


def test_configuration_for_triton_says_what_the_metadata_says() -> None:
    """Every parameter a client checks stands in config.pbtxt, letter by letter."""
    served = find(SHIPPED)["en"]
    text = (served.folder / "config.pbtxt").read_text(encoding="utf-8")
    for key, value in parameters(served.metadata).items():
        assert f'key: "{key}" value: {{ string_value: {json.dumps(value, ensure_ascii=False)} }}' in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": {"sentiment": ["positive", "neutral", "negative"], "topic": list(HEADS["topic"])}}, "sentiment"),
        ({"labels": {"sentiment": list(SENTIMENTS)}}, "topic"),
        ({"tokenizer_sha256": "0" * 64}, "not the tokenizer"),
        ({"model": "opinion-de"}, "names must agree"),
        ({"lang": "de"}, "names must agree"),
        ({"token_limit": "many"}, "cannot be read"),
    ],
)
def test_folder_that_contradicts_itself_is_refused(folder: Path, changes: dict[str, object], words: str) -> None:
    """Swapped or missing labels, a foreign tokenizer, a wrong name or type: the message names the fault."""
    change(folder, **changes)
    with pytest.raises(ModelRefused, match=words):
        read(folder)


@pytest.mark.parametrize("missing", ["tokenizer.json", "1/metadata.json"])
def test_missing_file_is_named(folder: Path, missing: str) -> None:
    """A folder that is not whole is refused with the path."""
    (folder / missing).unlink()
    with pytest.raises(ModelRefused, match=missing):
        read(folder)


def test_newest_version_is_read(folder: Path) -> None:
    """Version 10 is newer than version 9, as Triton counts."""
    for number in ("9", "10"):
        shutil.copytree(folder / "1", folder / number)
    assert read(folder).number == "10"


def test_folder_without_a_version_is_refused(folder: Path) -> None:
    """Weights must lie in a numbered folder."""
    shutil.rmtree(folder / "1")
    with pytest.raises(ModelRefused, match="numbered"):
        read(folder)


def test_running_model_must_say_what_its_folder_says(folder: Path) -> None:
    """Each parameter is compared; the message tells what to do."""
    metadata = read(folder).metadata
    told = parameters(metadata)
    check_parameters(metadata, told)
    for name in told:
        with pytest.raises(ModelRefused, match=name):
            check_parameters(metadata, told | {name: "other"})
