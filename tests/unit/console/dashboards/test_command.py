"""`tocsin dashboards`, driven as a person would, against a Kibana on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from console.dashboards import command
from console.dashboards.command import spans
from console.dashboards.words import FIELDS, words
from console.exits import UNAVAILABLE, WRONG_INPUT, WRONG_SETTINGS
from console.messages import catalogue
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.naming import VIEWS
from deploy.dashboards.spec import Split, Terms
from models.labels import HEADS
from streams.records import State
from streams.settings import load
from tests.kibana import KEY, KibanaServer, kibana

OBJECTS = len(BOARDS) + len(VIEWS)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TOCSIN_NAMESPACE", "desk")
    for name in ("KIBANA_URL", "KIBANA_API_KEY", "ELASTICSEARCH_URL"):
        monkeypatch.delenv(f"TOCSIN_{name}", raising=False)
    load.cache_clear()
    yield
    load.cache_clear()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A Kibana in a thread of its own, named by the settings."""

    @contextmanager
    def started(key: str = KEY, **changes: Any) -> Iterator[KibanaServer]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        context = kibana(**changes)
        server = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
        monkeypatch.setenv("TOCSIN_KIBANA_URL", server.url)
        monkeypatch.setenv("TOCSIN_KIBANA_API_KEY", key)
        load.cache_clear()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    return started


def run(*arguments: str) -> Result:
    program = typer.Typer()
    command.register(program)
    return CliRunner().invoke(program, ["dashboards", *arguments])


@pytest.mark.parametrize("version", ["8.19.4", "9.4.0", "9.5.0", "9.6.2-SNAPSHOT"])
def test_push_brings_everything_into_each_version(serve: Callable[..., Any], version: str) -> None:
    """The version decides the way; the objects are the same."""
    with serve(version=version) as server:
        done = run("push")
    assert done.exit_code == 0, done.output
    assert f"Kibana {version}" in done.output
    assert f"{OBJECTS} of {OBJECTS} objects are in Kibana" in done.output
    assert f"{server.url}/app/dashboards#/view/tocsin-desk-overview" in done.output
    assert len(server.objects) == OBJECTS
    imports = [path for _, path, _ in server.requests if "_import" in path]
    assert bool(imports) == (version < "9.5")


def test_a_dry_run_asks_and_sends_nothing(serve: Callable[..., Any]) -> None:
    """The version is asked for, so that one knows what would be sent."""
    with serve() as server:
        done = run("push", "--dry-run", "--json")
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert (told["format"], told["objects"], told["sent"]) == ("dashboards-api", OBJECTS, False)
    assert [path for _, path, _ in server.requests] == ["/api/status"]


def test_a_space_is_named_in_every_address(serve: Callable[..., Any]) -> None:
    """Also in the one that is shown."""
    with serve() as server:
        done = run("push", "--space", "risk-desk", "--lang", "zh")
    assert "/s/risk-desk/app/dashboards" in done.output
    assert {space for space, _, _ in server.objects} == {"risk-desk"}
    assert server.objects["risk-desk", "dashboard", "tocsin-desk-overview"]["title"] == "Tocsin · 总览"


def test_a_refused_object_is_told_and_the_exit_code_says_so(serve: Callable[..., Any]) -> None:
    """The others are there all the same."""
    with serve(version="9.2.0", refuse={"tocsin-desk-replay": "mapping is too old"}) as server:
        done = run("push")
    assert done.exit_code == 1
    assert "failed dashboard tocsin-desk-replay: unknown: mapping is too old" in done.output
    assert f"{OBJECTS - 1} of {OBJECTS} objects" in done.output
    assert len(server.objects) == OBJECTS - 1


@pytest.mark.parametrize(
    ("changes", "options", "code", "words"),
    [
        ({"key": "wrong"}, (), WRONG_SETTINGS, "does not accept the key (HTTP 401)"),
        ({"version": "8.17.2"}, (), WRONG_SETTINGS, "Kibana 8.17.2 is older than 8.19"),
        ({"version": "10.0.0"}, (), WRONG_SETTINGS, "Kibana 10.0.0 is newer"),
        ({"version": "9.1.0"}, ("--format", "dashboards-api"), WRONG_SETTINGS, "leave --format out"),
        ({}, ("--space", "../admin"), WRONG_INPUT, "--space ../admin"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_before_anything_is_sent(
    serve: Callable[..., Any], changes: dict[str, Any], options: tuple[str, ...], code: int, words: str
) -> None:
    """A wrong key, version, format or space: what to do, and no object in Kibana."""
    with serve(**changes) as server:
        done = run("push", *options)
    assert done.exit_code == code, done.output
    assert words in done.output
    assert KEY not in done.output
    assert server.objects == {}


def test_an_unknown_newer_version_may_be_tried(serve: Callable[..., Any]) -> None:
    """When the person says so."""
    with serve(version="10.1.0") as server:
        done = run("push", "--format", "dashboards-api")
    assert done.exit_code == 0
    assert len(server.objects) == OBJECTS


def test_without_an_address_the_setting_is_named() -> None:
    """The first thing a new user meets."""
    done = run("push")
    assert done.exit_code == WRONG_SETTINGS
    assert "TOCSIN_KIBANA_URL" in done.output


def test_a_kibana_that_is_away_may_be_back_later(serve: Callable[..., Any]) -> None:
    """Another exit code than that of wrong settings."""
    with serve():
        pass
    done = run("push")
    assert done.exit_code == UNAVAILABLE
    assert "does not answer" in done.output


def test_export_writes_all_three_files(tmp_path: Path) -> None:
    """For both Kibanas and for Grafana, into a folder that is made."""
    folder = tmp_path / "new" / "folder"
    done = run("export", "--out", str(folder), "--lang", "zh")
    assert done.exit_code == 0, done.output
    assert {file.name for file in folder.iterdir()} == {"tocsin.ndjson", "tocsin.json", "tocsin-grafana.json"}
    assert len((folder / "tocsin.ndjson").read_text(encoding="utf-8").splitlines()) == OBJECTS
    assert "Tocsin · 公司" in (folder / "tocsin.json").read_text(encoding="utf-8")


def test_export_says_when_it_cannot_write(tmp_path: Path) -> None:
    """The file and the reason."""
    (tmp_path / "taken").write_text("")
    done = run("export", "--out", str(tmp_path / "taken"))
    assert done.exit_code == WRONG_INPUT
    assert "cannot be written" in done.output


def test_lint_needs_no_engine() -> None:
    """And does not claim more than it looked at."""
    done = run("lint")
    assert done.exit_code == 0, done.output
    assert "no faults" in done.output
    assert "no Kibana was asked" in done.output
    assert json.loads(run("lint", "--json").output)["empty"] is None


@pytest.mark.parametrize("arguments", [("lint", "--elasticsearch"), ("preview", "--out", "x.html")])
def test_what_asks_elasticsearch_says_how_to_start_it(arguments: tuple[str, ...]) -> None:
    """Without one it is told how to get one."""
    done = run(*arguments)
    assert done.exit_code == UNAVAILABLE
    assert "TOCSIN_ELASTICSEARCH_URL" in done.output


def test_an_end_that_is_no_time_is_told() -> None:
    """With an example of how to write one."""
    done = run("lint", "--until", "yesterday")
    assert done.exit_code == WRONG_INPUT
    assert "--until yesterday" in done.output


def test_each_dashboard_looks_back_as_far_as_it_says() -> None:
    """From the same end; a time without a zone is UTC."""
    from datetime import UTC, datetime

    found = spans("2026-03-01T12:00:00", datetime(2026, 1, 1, tzinfo=UTC))
    assert {window.end for window in found.values()} == {datetime(2026, 3, 1, 12, tzinfo=UTC)}
    assert (found["overview"].end - found["overview"].begin).days == 1
    assert (found["replay"].end - found["replay"].begin).days == 90


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_word_of_the_dashboards_is_there(lang: str) -> None:
    """Titles, labels, help: no panel is without its name in either language."""
    said = words(lang)
    for board in BOARDS:
        for part in ("title", "open", "about", "help"):
            assert said.say(f"boards.{board.id}.{part}")
        for control in board.controls:
            assert said.say(f"buckets.{control.label}")
        for panel, _ in board.panels():
            assert said.say(f"panels.{panel.id}")
            for metric in panel.metrics:
                assert said.say(f"metrics.{metric.label}")
            for bucket in panel.by:
                if isinstance(bucket, Terms | Split):
                    assert said.say(f"buckets.{bucket.label}")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_label_of_the_taxonomy_has_a_name(lang: str) -> None:
    """A value that a chart shows is one that a reader knows."""
    named = words(lang).values
    for head, labels in HEADS.items():
        assert set(labels) <= named[f"{head}.label"].keys()
    assert set(State.__args__) == named["state"].keys()  # type: ignore[attr-defined]
    assert {"info", "warning", "critical"} == named["severity"].keys()
    assert set(FIELDS) < named.keys()


def test_no_message_of_the_dashboards_is_unused() -> None:
    """A message that nobody shows is one that nobody keeps right."""
    ids = {panel.id for board in BOARDS for panel, _ in board.panels()}
    metrics = {m.label for board in BOARDS for panel, _ in board.panels() for m in panel.metrics}
    splits = {
        label
        for board in BOARDS
        for panel, _ in board.panels()
        for b in panel.by
        if isinstance(b, Split)
        for label, _ in b.parts
    }
    keys = catalogue("en")
    assert {key.split(".")[2] for key in keys if key.startswith("dashboards.panels.")} == ids
    assert {key.split(".")[2] for key in keys if key.startswith("dashboards.metrics.")} == metrics | splits
