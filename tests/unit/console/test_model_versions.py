"""`tocsin models list | deploy | rollback | shadow | compare` without a Triton: what is refused, shown and read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from console import model_versions
from console.exits import UNAVAILABLE, WRONG_INPUT
from console.model_samples import RowRefused, read_samples, shipped_samples, told
from console.model_versions import REFUSED
from models import registry, versions
from models.compare import Sample
from models.labels import HEADS
from streams.settings import load
from tests.unit.models.test_versions import small

NAME = "opinion-en"
FIRST = "1-first"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A repository and a state folder of the test's own."""
    repository = tmp_path / "models"
    metadata = registry.decode(small(repository / NAME / "1", FIRST) / "metadata.json")
    (repository / NAME / "config.pbtxt").write_text(registry.configuration({"1": metadata}, "1"), encoding="utf-8")
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TOCSIN_MODEL_REPOSITORY", str(repository))
    monkeypatch.setenv("TOCSIN_LANG", "en")
    load.cache_clear()
    yield repository
    load.cache_clear()


def run(*arguments: str | Path) -> Result:
    """The command's result."""
    app = typer.Typer()
    model_versions.register(app)
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_versions_are_listed() -> None:
    """Number, version, state and languages, as a table and as JSON."""
    (row,) = json.loads(run("list", "--json").output)
    assert (row["model"], row["number"], row["version"], row["state"]) == (NAME, "1", FIRST, "active")
    assert row["languages"] == ["en"]
    table = run("list")
    assert table.exit_code == 0
    assert table.output.split() == [NAME, "1", FIRST, "active", "en"]


def test_nothing_is_changed_without_triton(own: Path, tmp_path: Path) -> None:
    """A deployment without engines ends with 69 and says how to start them; the repository is as it was."""
    made = tmp_path / "made"
    shutil.copytree(own / NAME / "1", made)
    metadata = json.loads((made / "metadata.json").read_text(encoding="utf-8"))
    (made / "metadata.json").write_text(json.dumps(metadata | {"version": "2-x"}), encoding="utf-8")
    before = (own / NAME / "config.pbtxt").read_bytes()
    for command in (("deploy", made), ("deploy", "--shadow", made)):
        done = run(*command)
        assert (done.exit_code, "tocsin up" in done.output) == (UNAVAILABLE, True)
        assert {path.name for path in (own / NAME).iterdir()} == {"1", "config.pbtxt"}
        assert (own / NAME / "config.pbtxt").read_bytes() == before


def test_what_was_changed_is_one_json_object(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a deployment, of a shadow and of a way back: the version and its state, and nothing beside it."""

    async def carried_out(*_: object) -> None: ...

    monkeypatch.setattr(model_versions, "_carry_out", carried_out)
    monkeypatch.setattr(versions, "roll_back", lambda plan: plan)
    made = tmp_path / "made"
    shutil.copytree(own / NAME / "1", made)
    metadata = json.loads((made / "metadata.json").read_text(encoding="utf-8"))
    (made / "metadata.json").write_text(json.dumps(metadata | {"version": "2-x"}), encoding="utf-8")
    told = [
        json.loads(run(*command, "--json").stdout)
        for command in (("deploy", made), ("shadow", "2"), ("shadow", "off"), ("rollback",))
    ]
    assert [(each["number"], each["state"]) for each in told] == [
        ("2", "active"), ("2", "shadow"), (None, "off"), ("1", "active"),
    ]  # fmt: skip
    assert {tuple(each) for each in told} == {("model", "number", "version", "state", "removed")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rollback",), "no version was active before"),
        (("shadow", "7"), "no version 7"),
        (("shadow", "1"), "is the active one"),
        (("compare", "1", "2", "--sample"), "no version 2"),
        (("rollback", "--model", "opinion-other"), NAME),
        (("deploy", "/nowhere"), "no version of a model"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], words: str) -> None:
    """With the exit code 1 and words that help."""
    done = run(*arguments)
    assert (done.exit_code, words in done.output) == (REFUSED, True), done.output


def test_a_version_that_is_not_loaded_is_not_compared(own: Path) -> None:
    """The message names the command that loads it."""
    shutil.copytree(own / NAME / "1", own / NAME / "2")
    done = run("compare", "1", "2", "--sample")
    assert (done.exit_code, "tocsin models shadow 2" in done.output) == (REFUSED, True)


@pytest.mark.parametrize("options", [(), ("--sample", "--data", "x.jsonl")])
def test_one_source_of_texts_is_named(options: tuple[str, ...]) -> None:
    """Neither none nor two."""
    assert run("compare", "1", "1", *options).exit_code == WRONG_INPUT


def test_texts_are_read_with_their_labels(tmp_path: Path) -> None:
    """A language that is not stated is found; labels are optional."""
    path = tmp_path / "texts.jsonl"
    lines = (
        '{"text": "Profit rose", "lang": "EN", "sentiment": "positive", "id": 1}',
        '{"text": "公司股价大跌，投资者恐慌"}',
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_samples(path) == [
        Sample("Profit rose", "en", {"sentiment": "positive"}),
        Sample("公司股价大跌，投资者恐慌", "zh"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [("{", ":1: "), ('{"lang": "en"}', "text"), ('{"text": "a", "sentiment": "glad"}', "'glad' is no sentiment")],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    """File, line and fault."""
    path = tmp_path / "texts.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(RowRefused, match=words):
        read_samples(path)


def test_the_shipped_sample_is_labelled_in_both_languages() -> None:
    """A few hundred texts, each with a sentiment that the taxonomy knows."""
    samples = shipped_samples()
    assert 200 <= len(samples) <= 700
    assert {sample.lang for sample in samples} == {"en", "zh"}
    assert all(sample.labels["sentiment"] in HEADS["sentiment"] for sample in samples)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_comparison_in_words(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    """Every figure of the report is told, in both languages."""
    monkeypatch.setenv("TOCSIN_LANG", lang)
    report = {
        "versions": ["1-a", "2-b"], "texts": 100, "skipped": 3, "changed": 1,
        "agreement": {"sentiment": 0.99}, "shift": {"sentiment": 0.0123},
        "examples": [{"text": "the text", "from": "neutral", "to": "negative", "label": "negative"}],
        "f1": {"sentiment": {"rows": 40, "macro_f1": [0.81, 0.84]}},
    }  # fmt: skip
    text = "\n".join(told(report))
    for figure in ("1-a", "2-b", "100", "3", "99.0%", "0.0123", "40", "0.8100", "0.8400", "the text"):
        assert figure in text
