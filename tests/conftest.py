"""Fixtures for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

from streams.log import NOISY

pytest_plugins = ["tests.engines"]

# A loaded machine is no fault of the code under test.
hypothesis.settings.register_profile("tocsin", deadline=None)
hypothesis.settings.load_profile("tocsin")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Logging that a command sets up writes to that test's captured output: it must not outlive the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in NOISY}
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, own in levels.items():
        logging.getLogger(name).setLevel(own)
