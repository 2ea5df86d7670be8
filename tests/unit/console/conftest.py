"""What tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import load


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder of the test's own, and settings read anew."""
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path / "state"))
    load.cache_clear()
    yield
    load.cache_clear()
