"""`tocsin doctor`: each missing prerequisite gets a clear word, in both languages."""

from __future__ import annotations

import ast
import json
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from console import engines
from console.doctor import command
from console.messages import LANGUAGES, say
from deploy import doctor, jvm, triton
from deploy.faults import EngineError
from streams.settings import Settings, load

ROOT = Path(__file__).resolve().parents[3]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    model = tmp_path / "models" / "echo"
    model.mkdir(parents=True)
    (model / "config.pbtxt").write_text("")
    return Settings(state_dir=tmp_path / "state", cache_dir=tmp_path / "cache", model_repository=model.parent)


def faults(settings: Settings) -> dict[str, str]:
    """Code of each failed check."""
    return {check.name: check.error.code for check in doctor.examine(settings) if check.error}


def test_nothing_is_missing_where_the_engines_run(settings: Settings) -> None:
    """On a machine that runs the engine tests, every check passes, and examining leaves no trace."""
    assert faults(settings) == {}
    assert not settings.state_dir.exists()
    assert not settings.cache_dir.exists()


def test_missing_programs_are_each_named(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Java, compiler and Maven is told all three at once, not one after the other."""
    monkeypatch.setattr(jvm, "environ", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert faults(settings) == {"java": "java_missing", "javac": "javac_missing", "maven": "mvn_missing"}


def test_little_disk_and_memory_are_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is said before an hour of data fills it."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100, 100, 50 * doctor.MIB))
    found = faults(settings)
    assert (found["disk"], found["shared_memory"]) == ("disk", "shared_memory")
    stack = doctor.Stack(settings)
    assert doctor._memory(settings, stack, "") == "?"  # no Linux: another check says what that means
    with pytest.raises(EngineError) as caught:
        doctor._memory(settings, stack, "MemTotal: 9999999 kB\nMemAvailable: 1024000 kB\n")
    assert caught.value.values["free"] == 1000


def test_the_other_preconditions_have_words_of_their_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An old C library, another processor, a wrong Python, no models, a folder that is a file."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(triton.platform, "libc_ver", lambda: ("glibc", "2.31"))
    monkeypatch.setattr(triton, "PYTHONS", ((2, 7),))
    found = faults(settings.model_copy(update={"model_repository": tmp_path / "none", "state_dir": blocked / "x"}))
    assert found == {
        "machine": "glibc",
        "python": "python_version",
        "models": "no_models",
        "state_folder": "folder",
    }
    monkeypatch.setattr(triton.platform, "machine", lambda: "riscv64")
    assert faults(settings)["machine"] == "platform"


def test_what_is_missing_is_told_before_anything_is_started(settings: Settings, tmp_path: Path) -> None:
    """Without a model nothing is downloaded or started first."""
    with pytest.raises(EngineError) as caught:
        doctor.Stack(settings.model_copy(update={"model_repository": tmp_path / "none"})).up()
    assert caught.value.code == "no_models"
    assert not settings.cache_dir.exists()
    assert [path.name for path in settings.state_dir.iterdir()] == ["engines.lock"]


def test_a_taken_port_is_told_and_is_no_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports give way, so a program on the preferred one costs nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setattr(doctor.Stack, "ports", lambda _: {"kafka": {"broker": port}})
        ports = next(check for check in doctor.examine(settings) if check.name == "ports")
    assert ports.error is None
    assert f"({port} ->)" in ports.detail


def test_with_engines_of_ones_own_nothing_local_is_asked_for(settings: Settings) -> None:
    """Whoever brings all three engines needs neither Java nor Maven, but is told that they do not answer."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        own = {"kafka_bootstrap": address, "elasticsearch_url": f"http://{address}", "triton_url": address}
        found = doctor.examine(settings.model_copy(update=own))
    assert {check.name: check.error.code for check in found if check.error} == dict.fromkeys(own_names(), "external")
    assert [check.name for check in found if not check.error] == ["state_folder"]


def own_names() -> tuple[str, ...]:
    return ("kafka", "elasticsearch", "triton")


def raised() -> Iterator[tuple[str, set[str]]]:
    """Code and value names of every EngineError in the package, read from its source."""
    for path in sorted((ROOT / "deploy").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "EngineError":
                names = {keyword.arg for keyword in node.keywords if keyword.arg}
                if any(keyword.arg is None for keyword in node.keywords):
                    names |= {"log", "tail"}  # **self._trace(...)
                code = node.args[0]
                codes = [code.value] if isinstance(code, ast.Constant) else ["java_missing", "javac_missing"]
                yield from ((str(c), names) for c in codes)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_fault_has_a_sentence_a_reason_and_a_remedy(lang: str) -> None:
    """No fault of an engine ends in a missing message or an unfilled placeholder."""
    found = list(raised())
    assert len(found) > 20
    for code, names in found:
        text = engines.explain(EngineError(code, **dict.fromkeys(names, "x")), lang)
        assert "{" not in text
        assert len(text.splitlines()) >= 3


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_check_has_a_title(lang: str, settings: Settings) -> None:
    """The list reads well in both languages."""
    names = {check.name for check in doctor.examine(settings)} | {*own_names(), "javac", "maven"}
    assert all(say(f"doctor.checks.{name}", lang) for name in names)


def test_json_lists_every_check_and_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Scripts get one list: name, ok, what, why, fix; exit code 1 when something is missing."""
    app = typer.Typer()
    command.register(app)
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TOCSIN_MODEL_REPOSITORY", str(tmp_path / "none"))
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    load.cache_clear()
    try:
        answer = CliRunner().invoke(app, ["--json"])
    finally:
        load.cache_clear()
    entries = json.loads(answer.stdout)
    wrong = [entry for entry in entries if entry["ok"] is False]
    assert answer.exit_code == 1
    assert [entry["name"] for entry in wrong] == ["models", "models_read"]
    assert all(set(entry) == {"name", "ok", "what", "why", "fix"} for entry in entries)
    assert "没有模型" in wrong[0]["what"]
    assert wrong[0]["why"]
    assert wrong[0]["fix"]
