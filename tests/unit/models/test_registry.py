"""What a model folder says about itself."""

import json
import shutil
from pathlib import Path

import pytest

import models
from models.data import LANGUAGES
from models.labels import HEADS, SENTIMENTS
from models.registry import (
    ACTIVE,
    SHADOW,
    SHIPPED,
    WEIGHTS,
    ModelRefused,
    check_parameters,
    configuration,
    configured,
    find,
    named,
    numbers,
    parameters,
    read,
)

NAME = "opinion-en"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model's folder without its weights."""
    source, target = SHIPPED / NAME, tmp_path / NAME
    (target / "1").mkdir(parents=True)
    shutil.copy(source / "config.pbtxt", target)
    for name in ("tokenizer.json", "metadata.json"):
        shutil.copy(source / "1" / name, target / "1")
    return target


def change(folder: Path, **changes: object) -> None:
    """Rewrite fields of the metadata."""
    path = folder / "1" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_shipped_model_is_whole(lang: str) -> None:
    """Digests of weights and tokenizer, labels, size and probes of a model in the repository are as stated."""
    served = find(SHIPPED)[lang]
    metadata = served.metadata
    assert served.weights_digest() == metadata.weights_sha256
    assert set(find(SHIPPED)) == set(LANGUAGES)
    assert metadata.langs == (lang,)
    assert metadata.version == f"{served.number}-{metadata.weights_sha256[:8]}"
    sizes = [(served.weights.parent / name).stat().st_size for name in WEIGHTS]
    assert max(sizes) < 30_000_000
    assert {probe.sentiment for probe in metadata.probes} == set(SENTIMENTS)
    for probe in metadata.probes:
        assert SENTIMENTS[probe.probabilities.index(max(probe.probabilities))] == probe.sentiment
    assert {probe.lang for probe in metadata.probes} == set(metadata.langs)
    assert all(name.endswith("/A") for name in metadata.rows), "shipped weights learn from permitted rows only"
    for calibration in metadata.calibration.values():
        assert {name.partition("/")[0] for name in calibration.temperature} == set(HEADS)
        assert all(sum(row) == pytest.approx(1, abs=0.001) for row in calibration.confusion)


def test_programs_beside_the_weights_are_those_of_this_version() -> None:
    """What Triton runs is what `models/serving` holds: a change of it must be copied to the shipped model."""
    for program in (Path(models.__file__).parent / "serving").glob("*.py"):
        for version in SHIPPED.glob("*/[0-9]*"):
            assert (version / program.name).read_bytes() == program.read_bytes()


def test_configuration_for_triton_says_what_the_metadata_says() -> None:
    """Every parameter a client checks stands in config.pbtxt, letter by letter."""
    served = find(SHIPPED)["en"]
    told = configured(served.folder)
    assert told.items() >= parameters(served.metadata, "1").items()
    assert (told[ACTIVE], told[SHADOW]) == ("1", "")


def test_configuration_names_every_version_and_the_one_in_use(folder: Path) -> None:
    """What is written is read back, quotes and all; versions are served side by side."""
    metadata = read(folder).metadata
    text = configuration({"10": metadata, "9": metadata}, active="9", shadow="10")
    (folder / "config.pbtxt").write_text(text, encoding="utf-8")
    assert "specific { versions: [ 9, 10 ] }" in text
    told = configured(folder)
    assert (told[ACTIVE], told[SHADOW]) == ("9", "10")
    assert told.items() >= (parameters(metadata, "9") | parameters(metadata, "10")).items()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": {**HEADS, "sentiment": ["positive", "neutral", "negative"]}}, "sentiment"),
        ({"labels": {"sentiment": list(SENTIMENTS)}}, "topic"),
        ({"tokenizer_sha256": "0" * 64}, "not the tokenizer"),
        ({"model": "opinion-de"}, "names must agree"),
        ({"model": "judge-en"}, "names must agree"),
        ({"langs": ["en", "de"]}, "calibration"),
        ({"token_limit": "many"}, "cannot be read"),
    ],
)
def test_folder_that_contradicts_itself_is_refused(folder: Path, changes: dict[str, object], words: str) -> None:
    """Swapped or missing labels, a foreign tokenizer, a wrong name or type: the message names the fault."""
    change(folder, **changes)
    with pytest.raises(ModelRefused, match=words):
        read(folder)


@pytest.mark.parametrize("missing", ["config.pbtxt", "1/tokenizer.json", "1/metadata.json"])
def test_missing_file_is_named(folder: Path, missing: str) -> None:
    """A folder that is not whole is refused with the path."""
    (folder / missing).unlink()
    with pytest.raises(ModelRefused, match=missing):
        read(folder)


def test_the_active_version_is_read(folder: Path) -> None:
    """The one that the configuration names, not the newest; another can be asked for. 10 comes after 9."""
    for number in ("10", "9"):
        shutil.copytree(folder / "1", folder / number)
    assert read(folder).number == "1"
    assert read(folder, "10").number == "10"
    assert numbers(folder) == ["1", "9", "10"]


def test_a_version_is_found_by_its_own_name(folder: Path) -> None:
    """One that came from elsewhere has another number here than in its name."""
    shutil.copytree(folder / "1", folder / "7")
    told = json.loads((folder / "7" / "metadata.json").read_text(encoding="utf-8"))
    (folder / "7" / "metadata.json").write_text(json.dumps(told | {"version": "3-elsewhere"}), encoding="utf-8")
    assert named(folder, "3-elsewhere").number == "7"
    with pytest.raises(ModelRefused, match="has no version 4-x"):
        named(folder, "4-x")


def test_two_models_for_one_language_are_refused(folder: Path) -> None:
    """Which one would judge is not left to chance."""
    other = shutil.copytree(folder, folder.with_name("opinion-other"))
    change(other, model="opinion-other")
    with pytest.raises(ModelRefused, match="both judge"):
        find(folder.parent)


def test_folder_without_a_version_is_refused(folder: Path) -> None:
    """A configuration that does not say which version is used is of no use."""
    (folder / "config.pbtxt").write_text('name: "x"\n', encoding="utf-8")
    with pytest.raises(ModelRefused, match="which version is active"):
        read(folder)


def test_running_model_must_say_what_its_folder_says(folder: Path) -> None:
    """Each parameter is compared; the message tells what to do."""
    metadata = read(folder).metadata
    told = parameters(metadata, "1")
    check_parameters(metadata, "1", told)
    for name in told:
        with pytest.raises(ModelRefused, match=name):
            check_parameters(metadata, "1", told | {name: "other"})
