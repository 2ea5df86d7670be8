"""`tocsin feedback add` and `tocsin models corrections` beside a topic and an index that the test holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from console import feedback, model_feedback
from console.exits import UNAVAILABLE, WRONG_INPUT
from models import own_data
from streams.endpoints import EnginesDown
from streams.kafka import Message, Outgoing
from streams.pii import pseudonym
from streams.records import Feedback, decode
from streams.settings import Settings
from streams.topics import FEEDBACK

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE, TWO, GONE = "1" * 31 + "a", "2" * 31 + "b", "3" * 31 + "c"
INDEX: dict[str, Any] = {
    ONE: {
        "title": "Halden plunges", "text": "Halden plunges on fraud probe", "lang": "en", "source": "wire",
        "may_train": True, "sentiment": {"label": "neutral"}, "risk": {"label": "none"},
        "model": {"name": "opinion-en", "version": "1-x"},
    },
    TWO: {"title": "", "text": "远岭生物跌停", "lang": "zh", "source": "forum", "may_train": False},
}  # fmt: skip

app = typer.Typer()
feedback.register(app)
model_feedback.register(app)


class Elastic:
    """An index of two documents."""

    async def search(self, query: Any, size: int, **_: Any) -> Any:
        wanted = query["ids"]["values"]
        assert size >= len(wanted) > 0
        return {"hits": {"hits": [{"_id": name, "_source": INDEX[name]} for name in wanted if name in INDEX]}}

    async def close(self) -> None: ...


class Log:
    """The topic of feedback: what is sent is read again."""

    def __init__(self, *_: Any) -> None: ...

    written: list[Outgoing] = []  # noqa: RUF012 - one topic for all producers of a test

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        Log.written.extend(records)

    async def stop(self) -> None: ...


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Outgoing]:
    """An installation with a key of pseudonyms, whose clock stands still."""
    Log.written = []

    async def read(*_: Any) -> AsyncIterator[Message]:
        for offset, record in enumerate(Log.written):
            yield Message("feedback", 0, offset, record.key, record.value, 0.0)

    async def nothing(*_: Any) -> None: ...

    settings = Settings(state_dir=tmp_path, pseudonym_key="k" * 32)  # type: ignore[arg-type]
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setattr(feedback, "load", lambda: settings)
    monkeypatch.setattr(feedback, "resolve", lambda *_: SimpleNamespace(kafka="", elasticsearch=""))
    monkeypatch.setattr(feedback.clock, "now", lambda: NOW)
    monkeypatch.setattr(feedback, "Producer", Log)
    monkeypatch.setattr(model_feedback, "read_topic", read)
    for module in (feedback, model_feedback):
        monkeypatch.setattr(module, "ensure_topics", nothing)
        monkeypatch.setattr(module.es, "client", lambda *_: Elastic())
    return Log.written


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def add(document: str, *arguments: str) -> Result:
    return run("feedback", "add", document, *arguments)


def test_a_correction_is_told_as_one_json_object_a_head(log: list[Outgoing]) -> None:
    """What was written, as it was written, and nothing beside it."""
    done = add(ONE, "--sentiment", "negative", "--risk", "none", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [json.loads(each.value or b"") for each in log]
    assert {json.loads(line)["head"] for line in done.stdout.splitlines()} == {"sentiment", "risk"}


def test_a_correction_is_written_with_what_was_judged(log: list[Outgoing]) -> None:
    """One record a head, keyed by the document, with the version judged and a pseudonym for the author."""
    done = add(ONE, "--sentiment", "negative", "--risk", "none", "--note", "says\nfraud", "--author", "Ann")
    assert done.exit_code == 0
    first, second = (decode(record.value, Feedback) for record in Log.written)
    assert {(record.topic, record.key) for record in Log.written} == {(FEEDBACK, ONE.encode())}
    assert first == Feedback(
        document=ONE, head="sentiment", label="negative", judged="neutral", author=pseudonym("Ann", b"k" * 32), at=NOW,
        note="saysfraud", model="opinion-en", version="1-x",
    )  # fmt: skip
    assert (second.head, second.label, second.judged) == ("risk", "none", "none")
    assert "Ann" not in str(Log.written)
    assert "it was judged neutral" in done.output
    assert "none, as it was judged" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((ONE,), "Say what is to be corrected"),
        ((ONE, "--sentiment", "negativ"), "did you mean negative?"),
        ((ONE, "--topic", "\x1bzz"), "There are: analyst_update"),
        ((GONE, "--sentiment", "negative"), "holds no document"),
    ],
)
def test_what_cannot_be_taken_is_told(arguments: tuple[str, ...], words: str) -> None:
    """Nothing is written; the message says what to do."""
    done = add(*arguments)
    assert done.exit_code == WRONG_INPUT
    assert words in done.output
    assert "\x1b" not in done.output
    assert Log.written == []


def test_without_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words and the exit code of the other commands."""

    def down(*_: Any) -> None:
        raise EnginesDown("no engine runs: tocsin up")

    monkeypatch.setattr(feedback, "resolve", down)
    done = add(ONE, "--sentiment", "negative")
    assert done.exit_code == UNAVAILABLE
    assert "tocsin up" in done.output


def test_a_text_past_its_retention_is_not_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the index holds it for up to an hour more."""
    for until, words in (("2026-11-22T12:00:00Z", "0 label(s)"), ("2026-11-22T12:00:01Z", "1 label(s)")):
        monkeypatch.setitem(INDEX, ONE, INDEX[ONE] | {"expires_at": until})
        Log.written.clear()
        add(ONE, "--sentiment", "negative")
        done = run("corrections", "--review", "--out", str(tmp_path / f"{until[-3:-1]}.tsv"))
        assert words in done.output


def test_from_a_correction_to_a_training_row(tmp_path: Path) -> None:
    """Two steps, and a person between them; a text that may not be learnt from never gets into the table."""
    add(ONE, "--sentiment", "negative", "--author", "Ann")
    add(TWO, "--sentiment", "negative", "--author", "Ann")
    add(ONE, "--sentiment", "positive", "--author", "Bob")
    Log.written.append(Outgoing(FEEDBACK, b"{strange"))
    table, out = tmp_path / "review.tsv", tmp_path / "rows.jsonl"
    done = run("corrections", "--review", "--out", str(table))
    assert done.exit_code == 0
    assert "2 label(s) to review; authors disagree about 1." in done.output
    assert "1 left out: the source forbids training" in done.output
    assert "1 record(s) of the topic could not be read" in done.output
    assert TWO not in table.read_text(encoding="utf-8")
    run("corrections", "--accepted", str(table), "--out", str(out))
    assert out.read_text(encoding="utf-8") == ""  # nothing is accepted by itself
    table.write_text(table.read_text(encoding="utf-8").replace("\n\t", "\ny\t", 1), encoding="utf-8")
    done = run("corrections", "--accepted", str(table), "--out", str(out))
    assert "1 row(s) written" in done.output
    assert json.loads(out.read_text(encoding="utf-8")) == {
        "id": f"own-{ONE}", "text": "Halden plunges on fraud probe", "lang": "en", "tier": "own",
        "sentiment": "negative",
    }  # fmt: skip
    own = own_data.read([out], [], own_data.Reading())
    (row,) = own.train + own.dev
    assert (own.findings, row.labels, row.tier, row.lang) == ([], {"sentiment": 0}, "own", "en")


def test_the_steps_and_their_files(tmp_path: Path) -> None:
    """Neither step or both, a table that is not there, and one that is not text: told, and nothing is written."""
    out = tmp_path / "rows.jsonl"
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for arguments, words in [
        ((), "Say which step"),
        (("--review", "--accepted", "x"), "Say which step"),
        (("--accepted", str(tmp_path / "none")), "cannot be read"),
        (("--accepted", str(binary)), "not UTF-8"),
    ]:
        done = run("corrections", "--out", str(out), *arguments)
        assert done.exit_code == WRONG_INPUT
        assert words in done.output
    assert not out.exists()
    assert "is there already" in run("corrections", "--review", "--out", str(binary)).output
    assert "separated by tabs" in run("corrections", "--review", "--out", str(tmp_path / "review.csv")).output
    assert "reviewed table" in run("corrections", "--accepted", str(binary), "--out", str(binary)).output
    assert "cannot be written" in run("corrections", "--review", "--out", str(tmp_path / "no" / "x.tsv")).output
