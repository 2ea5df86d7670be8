"""Java and Maven."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from deploy import jvm
from deploy.faults import EngineError
from deploy.lock import read


def program(folder: Path, name: str, script: str) -> Path:
    """An executable shell script."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ("no idea", 0),
    ],
)
def test_version_reads_what_java_says(tmp_path: Path, line: str, expected: int) -> None:
    """Both ways of counting Java's versions are understood."""
    assert jvm.version(str(program(tmp_path, "java", f"echo '{line}' >&2"))) == expected


def test_java_home_wins_over_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's JAVA_HOME is honoured."""
    own = program(tmp_path / "jdk" / "bin", "java", "echo 'version \"21.0.1\"' >&2")
    monkeypatch.setattr(jvm, "environ", {"JAVA_HOME": str(tmp_path / "jdk")})
    assert jvm.check_java() == str(own)


@pytest.mark.parametrize(
    ("name", "code"), [("java", "java_missing"), ("javac", "javac_missing"), ("mvn", "mvn_missing")]
)
def test_a_missing_program_has_its_own_word(
    name: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each prerequisite that is missing is named."""
    monkeypatch.setattr(jvm, "environ", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        jvm.tool(name)
    assert caught.value.code == code


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java 11 is found and named, with what is needed instead."""
    program(tmp_path / "bin", "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setattr(jvm, "environ", {"JAVA_HOME": str(tmp_path)})
    with pytest.raises(EngineError) as caught:
        jvm.check_java()
    assert (caught.value.code, caught.value.values["found"]) == ("java_old", 11)


def test_maven_is_asked_for_exactly_the_locked_coordinates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One project with a module for each set of libraries; no repository is named, so the user's settings decide."""
    arguments = tmp_path / "arguments"
    program(tmp_path / "bin", "mvn", f'echo "$@" > {arguments}')
    monkeypatch.setattr(jvm, "environ", {})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    jvm.download(tmp_path / "fetch", lambda _: None)
    assert "copy-dependencies" in arguments.read_text()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    for name, jars in read().jars.items():
        tree = ET.parse(tmp_path / "fetch" / name / "pom.xml")  # noqa: S314 - written by us, just now
        found = [":".join(child.text or "" for child in list(d)[:3]) for d in tree.iterfind(".//m:dependency", space)]
        assert found == jars.artifacts + jars.alone
        assert tree.find(".//m:repositories", space) is None


def test_a_failing_maven_becomes_a_clear_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error lines are handed on; the rest of its chatter is not."""
    program(tmp_path / "bin", "mvn", "echo '[INFO] Scanning'; echo '[ERROR] no route to host'; exit 1")
    monkeypatch.setattr(jvm, "environ", {})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(EngineError) as caught:
        jvm.download(tmp_path / "fetch", lambda _: None)
    assert caught.value.code == "download"
    assert caught.value.values["tail"] == "[ERROR] no route to host"
