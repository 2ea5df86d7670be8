"""What is downloaded is pinned and checksummed, in one place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from deploy import lock

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


def test_every_library_has_a_checksum() -> None:
    """Nothing is executed that was not written down: 64 hex digits for each file."""
    found = lock.read()
    sums = [value for jars in found.jars.values() for value in jars.files.values()] + list(found.triton.sha256.values())
    assert len(sums) > 80
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in sums)


def test_versions_agree_with_the_coordinates() -> None:
    """The version named for an engine is the one asked for, and its file is among those listed."""
    found = lock.read()
    for engine, artifact in (("kafka", "kafka_2.13"), ("elasticsearch", "elasticsearch")):
        version = found.versions[engine]
        assert any(a.endswith(f":{artifact}:{version}") for a in found.jars[engine].artifacts)
        assert f"{artifact}-{version}.jar" in found.jars[engine].files


def test_the_model_environment_is_locked_as_required() -> None:
    """Each requirement of Triton's environment is in its lock file with checksums, and numpy is below 2."""
    wanted = re.findall(r"^([\w-]+==[\w.]+)", (DEPLOY / "triton-requirements.txt").read_text(), re.MULTILINE)
    locked = lock.requirements()
    pins = re.findall(r"^([\w-]+==[\w.]+) ", locked, re.MULTILINE)
    assert set(wanted) <= set(pins)
    assert locked.count("--hash=sha256:") >= len(pins)
    assert any(pin.startswith("numpy==1.") for pin in pins)


@pytest.mark.parametrize("name", ["constraints.txt", lock.REQUIREMENTS, lock.FILE])
def test_no_lock_file_names_a_registry(name: str) -> None:
    """Where packages come from is the user's setting, not ours."""
    assert not re.search(r"https?://|--index-url|--find-links", (DEPLOY / name).read_text())


def test_every_dependency_is_pinned() -> None:
    """`deploy/constraints.txt` covers what pyproject.toml asks for; otherwise: make lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]
    names = {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in wanted}  # type: ignore[index]
    pinned = {line.split("==")[0].lower() for line in (DEPLOY / "constraints.txt").read_text().splitlines()}
    assert names <= pinned, f"make lock: {sorted(names - pinned)}"
