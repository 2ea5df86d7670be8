"""Fixtures: the three real engines, started once a test session, on ports of their own, in a folder of their own.

A test that uses `stack` fails when the engines cannot be had; it never skips. Tests keep apart by the setting
`namespace` (fixture `namespace`), which prefixes topics, consumer groups and indices.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import Stack, end_abandoned
from streams.settings import Settings


@pytest.fixture(scope="session")
def engine_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the session's engines: a temporary state folder, the shared cache, the shipped models."""
    return Settings(state_dir=tmp_path_factory.mktemp("engines") / "state")


@pytest.fixture(scope="session")
def stack(engine_settings: Settings) -> Iterator[Stack]:
    """The running engines. Their addresses: `streams.endpoints.resolve(settings)` for settings with their state_dir."""
    end_abandoned()  # engines of a test run that was killed
    running = Stack(engine_settings, preferred=False, owned=True)
    try:
        running.up()
        yield running
    finally:
        running.down()
        for data in ("kafka", "elasticsearch"):  # the logs stay for whoever reads a failure
            shutil.rmtree(engine_settings.state_dir / data, ignore_errors=True)


@pytest.fixture
def namespace() -> str:
    """A prefix nobody else uses."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def settings(engine_settings: Settings, namespace: str, stack: Stack, tmp_path: Path) -> Settings:
    """Settings of one test: the session's engines, a namespace of its own."""
    return engine_settings.model_copy(update={"namespace": namespace})
