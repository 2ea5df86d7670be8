"""Running a download tool."""

from __future__ import annotations

import sys

import pytest

from deploy import downloads


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("[INFO] Downloaded from central: a.jar (1.2 kB at 3 kB/s)", True),
        ("[INFO] Downloading from central: a.jar", False),
        (" Downloaded numpy", True),
        ("Downloading numpy (17.1MiB)", False),
        ("Downloading numpy-1.26.4-cp311-manylinux.whl (18.3 MB)", True),
        ("Resolved 1 package", False),
    ],
)
def test_finished_files_are_counted_as_each_tool_tells_them(line: str, counts: bool) -> None:
    """Maven, uv and pip report a finished file in three ways."""
    assert (downloads.FINISHED.match(line) is not None) == counts


def test_progress_is_told_while_the_tool_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file prints nothing for long; the user still sees that it goes on."""
    monkeypatch.setattr(downloads, "SAY_EVERY", 0.02)
    heard: list[str] = []
    code = "import time; print('[INFO] Downloaded x', flush=True); time.sleep(0.15)"
    downloads.fetch([sys.executable, "-c", code], heard.append)
    assert "1 · 0 s" in heard
