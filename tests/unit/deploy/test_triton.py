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
