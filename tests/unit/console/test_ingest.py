"""`tocsin ingest` on the command line."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from aiokafka.errors import KafkaConnectionError
from typer.testing import CliRunner

from console import ingest
from console.ingest import progress_line, summary_lines
from streams.settings import load
from streams.sources.ingest import Summary, Tally
from tests.unit.streams.sources.sink import NOW, FakeSink

app = typer.Typer()
ingest.register(app)
SINKS: list[FakeSink] = []


class FakeProducer(FakeSink):
    """Stands for the producer of a broker that answers."""

    def __init__(self, *_: Any) -> None:
        super().__init__()
        SINKS.append(self)

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    addresses = {
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "ELASTICSEARCH_URL": "http://127.0.0.1:1",
        "TRITON_URL": "127.0.0.1:1",
    }
    for name, value in (addresses | {"STATE_DIR": str(tmp_path / "state"), "LANG": "en"}).items():
        monkeypatch.setenv(f"TOCSIN_{name}", value)

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(ingest, "Producer", FakeProducer)
    monkeypatch.setattr(ingest, "ensure_topics", nothing)
    monkeypatch.setattr(ingest, "told_until", nothing)
    SINKS.clear()
    load.cache_clear()
    yield
    load.cache_clear()


def rows(tmp_path: Path) -> str:
    good = {"no": 1, "words": "Borealis Foods rises", "at": "2026-11-20 09:00"}
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join([json.dumps(good), "{broken", json.dumps(good | {"no": 2})]))
    return str(path)


OPTIONS = ["--map", "native_id=no", "--map", "text=words", "--map", "published_at=at", "--zone", "Asia/Shanghai"]


def test_maps_and_tells(tmp_path: Path) -> None:
    """Columns are mapped as asked; the summary as JSON tells every row; rejected rows are no failure."""
    result = CliRunner().invoke(app, [rows(tmp_path), *OPTIONS, "--source", "board", "--kind", "news", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["read"], told["sent"], told["rejected"]) == (3, 2, 1)
    assert told["reasons"]["bad_json"]["first"][0].startswith("posts.jsonl:2:")
    item = SINKS[0].items[0]
    assert (item.source, item.kind, item.collected_at.hour) == ("board", "news", 1)


def test_an_archive_that_comes_too_late_to_ring_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time has been told further than the items reach, the summary says that they ring nothing."""

    async def told(*_: Any) -> datetime:
        return NOW

    monkeypatch.setattr(ingest, "told_until", told)
    result = CliRunner().invoke(app, [rows(tmp_path), *OPTIONS])
    assert result.exit_code == 0, result.output
    assert "2 of them are older" in result.stdout
    assert "TOCSIN_NAMESPACE" in result.stdout


def test_strict(tmp_path: Path) -> None:
    """With --strict a rejected row makes the exit code 1."""
    result = CliRunner().invoke(app, [rows(tmp_path), *OPTIONS, "--strict"])
    assert result.exit_code == 1
    assert "bad_json: 1" in result.stdout


def test_stdin() -> None:
    """`-` reads standard input as JSONL."""
    line = json.dumps({"id": 1, "text": "x", "time": 1790000000, "source": "s"})
    result = CliRunner().invoke(app, ["-"], input=line)
    assert result.exit_code == 0, result.output
    assert SINKS[0].items[0].native_id == "1"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["none.jsonl"], "No such file"),
        (["file.dat"], "--format"),
        (["-", "--map", "x"], "FIELD=COLUMN"),
        (["-", "--map", "txt=x"], "did you mean text"),
        (["-", "--zone", "Mars/Base"], "Asia/Shanghai"),
        (["-", "--zone", "../../etc"], "Asia/Shanghai"),
        (["-", "--pace", "event", "--speed", "0"], "--speed"),
        (["-", "--settle", "-1"], "--settle"),
        (["-", "--settle", "inf"], "--settle"),
        (["-", "--settle", "nan"], "--settle"),
    ],
)
def test_wrong_input(arguments: list[str], word: str) -> None:
    """Wrong options and files end with exit code 2 and say what to write."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert word in result.output


def test_kafka_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no broker answers at the start the command says how to get one."""

    async def topics(*_: Any) -> None:
        raise KafkaConnectionError("no")

    monkeypatch.setattr(ingest, "ensure_topics", topics)
    result = CliRunner().invoke(app, [rows(tmp_path), *OPTIONS])
    assert result.exit_code == 69
    assert "tocsin up" in result.output


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_words(lang: str) -> None:
    """Every line exists in both languages, and text from a file cannot move the cursor."""
    summary = Summary(
        read=9, accepted=3, sent=2, resumed=1, rejected={"bad_json": Tally(6, ["x\x1b[2J:1: broken"])},
        unused=["a\rb"], first=NOW, last=NOW, event_time=NOW, seconds=2.0,
    )  # fmt: skip
    lines = summary_lines(summary, lang)
    assert not any("\x1b" in line or "\r" in line for line in lines)
    assert any("5" in line for line in lines)
    assert "2026-11-22 12:00" in progress_line(summary, 7, lang)
    assert progress_line(Summary(read=4), 0, lang)
