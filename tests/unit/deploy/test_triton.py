"""Triton's files and its Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import triton
from streams.settings import Settings


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PIP_INDEX_URL": "https://mirror.test/simple"}, "https://mirror.test/simple"),
        ({"PIP_INDEX_URL": "https://mirror.test/simple", "UV_DEFAULT_INDEX": "https://own.test"}, "https://own.test"),
        ({}, "https://configured.test"),
    ],
)
def test_the_mirror_set_for_pip_counts_for_uv(
    given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the network reaches only a mirror, one setting is enough, whichever tool installs."""
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(triton, "_pip_index", lambda: "https://configured.test")
    assert triton._registry()["UV_DEFAULT_INDEX"] == expected


def test_a_launcher_without_its_python_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version managers put `python3.12` on PATH also where there is none; the next candidate is taken."""
    for name, script in (("python3.11", "exit 127"), ("python3.12", "printf '3\\n12\\n/usr/lib\\n'")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(triton.sys, "_base_executable", str(tmp_path / "python3.11"))
    assert triton.interpreter() == (str(tmp_path / "python3.12"), (3, 12), "/usr/lib")


def test_compiled_files_do_not_count_as_a_changed_model(tmp_path: Path) -> None:
    """Triton compiles a model when it loads it; that alone must not restart it."""
    version = tmp_path / "echo" / "1"
    (version / "__pycache__").mkdir(parents=True)
    (version / "model.py").write_text("a")
    engine = triton.Triton(Settings(model_repository=tmp_path))
    before = engine._content()
    (version / "__pycache__" / "model.cpython-311.pyc").write_text("x")
    assert engine._content() == before
    (version / "model.py").write_text("ab")
    assert engine._content() != before


def test_two_state_folders_have_different_shared_memory(tmp_path: Path) -> None:
    """Removing what one stack left in shared memory never touches another's."""
    assert triton.shared_memory(tmp_path / "a") != triton.shared_memory(tmp_path / "b")


def test_a_file_on_its_way_does_not_count_as_a_changed_model(tmp_path: Path) -> None:
    """A version that is being copied, or a configuration being written, is none yet."""
    (tmp_path / "echo" / "1").mkdir(parents=True)
    engine = triton.Triton(Settings(model_repository=tmp_path))
    before = engine._content()
    (tmp_path / "echo" / ".new-x" / "2").mkdir(parents=True)
    (tmp_path / "echo" / ".new-x" / "2" / "model.py").write_text("a")
    assert engine._content() == before


def test_loading_a_model_needs_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are loaded by explicit control, and what the key guards is restricted over gRPC and HTTP."""
    monkeypatch.setattr(triton, "interpreter", lambda: ("python3", (3, 11), "/usr/lib"))
    engine = triton.Triton(Settings(state_dir=tmp_path / "state", model_repository=tmp_path))
    launch = engine.launch(tmp_path, tmp_path, {"grpc": 1, "http": 2, "metrics": 3})
    key = (tmp_path / "state" / triton.KEY_FILE).read_text()
    guard = f"model-repository,shared-memory,trace,logging:tocsin-control={key}"
    assert {f"--grpc-restricted-protocol={guard}", f"--http-restricted-api={guard}"} <= set(launch.argv)
    assert {"--model-control-mode=explicit", "--load-model=*"} <= set(launch.argv)
    assert launch.secret == key
    assert key not in repr(launch).replace(repr(launch.argv), "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "kept"),
        ({"triton_control_key": "own"}, "own"),
        ({"triton_url": "triton:8001"}, None),
        ({"triton_url": "triton:8001", "triton_control_key": "own"}, "own"),
    ],
)
def test_which_key_goes_to_which_triton(given: dict[str, str], expected: str | None, tmp_path: Path) -> None:
    """The kept key is the local Triton's; one of your own gets the setting's key or none."""
    (tmp_path / triton.KEY_FILE).write_text("kept")
    headers = triton.control_headers(Settings(state_dir=tmp_path, **given))
    assert headers == ({"triton-grpc-protocol-tocsin-control": expected} if expected else {})
