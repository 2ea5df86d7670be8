"""Waiting for the pipeline to come to rest, and what the command says when it does not."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain, count, repeat
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from aiokafka.errors import KafkaConnectionError
from rich.console import Console
from typer.testing import CliRunner

from console.demo import command, play
from console.demo.display import Display
from console.demo.play import DemoStuck, Scene, WorkerGaveUp, settle, unchanged
from console.demo.session import DemoBusy
from deploy.faults import EngineError
from streams.endpoints import Endpoints
from streams.settings import Settings, SettingsError


class Watched:
    """Workers that may give up."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def watch(self) -> None:
        """As the real ones."""
        if self.fault:
            raise RuntimeError(self.fault)


def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answers: Iterator[Any], workers: Any) -> Scene:
    """A scene whose lags are these answers, one after the other; exceptions are raised."""

    async def lags(*_: Any) -> dict[str, int]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return {"enrich": answer}

    async def look(*_: Any) -> None:
        """Elasticsearch is not asked here."""

    async def sleep(_: float) -> None:
        """Nobody waits."""

    monkeypatch.setattr(play, "lags", lags)
    monkeypatch.setattr(play.asyncio, "sleep", sleep)
    monkeypatch.setattr(Scene, "look", look)
    nothing: Any = SimpleNamespace()
    settings = Settings(state_dir=tmp_path)
    return Scene(settings, Endpoints("", "", ""), nothing, nothing, workers, date(2026, 1, 15), tmp_path / "x", 1)


def display() -> Display:
    """A display whose clock moves ten seconds at each look."""
    ticks = count(0, 10)
    return Display(Console(file=io.StringIO()), "en", monotonic=lambda: float(next(ticks)))


@pytest.mark.parametrize(
    "answers", [[0, 0], [5, 0, 3, 0, 0], [KafkaConnectionError(), 0, KafkaConnectionError(), 0, 0]]
)
async def test_rest_means_twice_in_a_row(answers: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One moment without lag is not the end: what one stage wrote, the next may still have to read."""
    left = iter(answers)
    await settle(stage(monkeypatch, tmp_path, left, Watched()), display())
    assert next(left, None) is None


async def test_slow_is_not_stuck(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As long as something moves, there is patience."""
    await settle(stage(monkeypatch, tmp_path, chain(range(100, 0, -1), repeat(0)), Watched()), display())


async def test_no_change_is_stuck(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A lag that never changes ends the wait, and the error says which stage has it."""
    with pytest.raises(DemoStuck) as caught:
        await settle(stage(monkeypatch, tmp_path, repeat(7), Watched()), display())
    assert caught.value.lags == {"enrich": 7}


async def test_a_worker_with_wrong_settings_ends_the_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is waited for that cannot come."""
    with pytest.raises(WorkerGaveUp, match="detect"):
        await settle(stage(monkeypatch, tmp_path, repeat(7), Watched("worker detect cannot run")), display())


def test_duplicates_are_read_from_the_index_worker(tmp_path: Path) -> None:
    """The worker's own metric is read; workers that are gone and broken notes count nothing."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(
                b"# TYPE tocsin_index_items counter\n"
                b'tocsin_index_items_total{outcome="written"} 9.0\n'
                b'tocsin_index_items_total{outcome="unchanged"} 4.0\n'
            )

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Metrics)
    Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path / "metrics"
    folder.mkdir()
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    (folder / "index-1.json").write_text(json.dumps({"url": url}), encoding="utf-8")
    (folder / "index-2.json").write_text(json.dumps({"url": "http://127.0.0.1:1/metrics"}), encoding="utf-8")
    (folder / "index-3.json").write_text("{", encoding="utf-8")
    (folder / "enrich-4.json").write_text(json.dumps({"url": url}), encoding="utf-8")
    try:
        assert unchanged(Settings(state_dir=tmp_path)) == 4
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (SettingsError("TOCSIN_PARTITIONS: must be at least 1"), 78, "TOCSIN_PARTITIONS"),
        (EngineError("java_missing"), 1, "Java"),
        (DemoBusy("/somewhere"), 1, "/somewhere"),
        (DemoStuck(120, {"enrich": 7}), 1, "'enrich': 7"),
        (WorkerGaveUp("worker detect cannot run"), 1, "worker detect cannot run"),
    ],
)
def test_each_fault_has_words_and_an_exit_code(
    lang: str, fault: Exception, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that a person can mend is told in a sentence, not in a traceback."""

    async def run(*_: Any) -> None:
        raise fault

    monkeypatch.setenv("TOCSIN_LANG", lang)
    monkeypatch.setattr(command, "_run", run)
    app = typer.Typer()
    command.register(app)
    answer = CliRunner().invoke(app, ["--once"])
    assert answer.exit_code == code
    assert words in answer.output
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_json_is_one_object_and_the_exit_code_tells(ok: bool, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output holds the result and nothing else."""

    async def run(*_: Any) -> dict[str, Any]:
        return {"ok": ok, "name": "昆砾"}

    monkeypatch.setattr(command, "_run", run)
    app = typer.Typer()
    command.register(app)
    answer = CliRunner().invoke(app, ["--once", "--json"])
    assert answer.exit_code == code
    assert json.loads(answer.stdout) == {"ok": ok, "name": "昆砾"}
