"""The shared cache."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from deploy.cache import component, sha256, verify
from deploy.faults import EngineError


def test_many_callers_at_once_build_a_component_once(tmp_path: Path) -> None:
    """Two clones that need the same engine at the same time: one downloads, the others get the finished folder."""
    built: list[int] = []
    found: list[str] = []

    def build(folder: Path) -> None:
        built.append(1)
        (folder / "half").write_text("")
        time.sleep(0.1)
        (folder / "whole").write_text("done")

    def call() -> None:
        found.append((component(tmp_path, "engine-1", build) / "whole").read_text())

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [1]
    assert found == ["done"] * 6


def test_a_failed_build_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    """A download that breaks off never looks like an installed engine."""

    def broken(folder: Path) -> None:
        (folder / "half").write_text("")
        raise EngineError("download", tool="mvn", tail="")

    with pytest.raises(EngineError):
        component(tmp_path, "engine-1", broken)
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == []
    assert component(tmp_path, "engine-1", lambda folder: None).is_dir()


def test_leftovers_of_a_killed_build_are_swept(tmp_path: Path) -> None:
    """A half-built folder of a process that was killed is removed by the next build of the same component."""
    (tmp_path / ".engine-1.new-abc").mkdir()
    (tmp_path / ".other-1.new-abc").mkdir()
    component(tmp_path, "engine-1", lambda folder: None)
    assert not (tmp_path / ".engine-1.new-abc").exists()
    assert (tmp_path / ".other-1.new-abc").exists()


def test_verify_accepts_exactly_the_expected_files(tmp_path: Path) -> None:
    """A missing, an additional and a changed library are each refused, with the file's name."""
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"code")
    (tmp_path / "notes.txt").write_text("not executed")
    good = {"a.jar": sha256(jar)}
    verify(tmp_path, good)
    for expected, code in (
        (good | {"b.jar": "0"}, "file_missing"),
        ({}, "file_unexpected"),
        ({"a.jar": "0" * 64}, "checksum"),
    ):
        with pytest.raises(EngineError) as caught:
            verify(tmp_path, expected)
        assert caught.value.code == code
        assert ".jar" in str(caught.value)
