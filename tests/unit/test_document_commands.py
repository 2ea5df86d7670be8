"""Commands of the task pages that need neither engines nor data of one's own are run, in the order of the page.

Pages whose commands need engines are run by tests/integration/test_quick_start.py, test_operations.py and
test_training.py; those about looking by tests/browser/test_documented.py.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import typer
from typer.testing import CliRunner

from tests import documents
from tests.documents import DOCS, ROOT, blocks, named

# What a line needs that is not here: engines, the reader's own files, what the program shows on a screen.
NEEDS: Final = (
    "archive.jsonl", "elasticsearch:", "quotes", "events.json", "tocsin alerts", "tocsin truth export", "schema",
)  # fmt: skip
PAGES: Final = {"rules": ("watch.yaml", "watch_test.yaml"), "evaluation": ()}
WATCHLIST: Final = "- {id: halden, name: Halden Corp, lists: [suppliers]}\n"
RUN: Final = {"rules": 7, "evaluation": 8}  # lines that are left: a page that changes says so here


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    """The whole command line."""
    return documents.program()


def lines(page: str) -> list[str]:
    """Every command line that can be run here, with comments taken off."""
    shown = [line for b in blocks(DOCS / f"{page}.md", "sh") for line in b.replace("\\\n", " ").splitlines()]
    return [line.split("  #")[0].strip() for line in shown if not any(need in line for need in NEEDS)]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_page_run(
    page: str, app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends well, with what the page's examples and the lines before it have made. Curves, which take most of the
    time, are left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "watchlist.yaml").write_text(WATCHLIST, encoding="utf-8")
    monkeypatch.setenv("TOCSIN_WATCHLIST", str(tmp_path / "watchlist.yaml"))
    for name in PAGES[page]:
        (tmp_path / name).write_text(named(DOCS / f"{page}.md", name), encoding="utf-8")
    wanted = lines(page)
    assert len(wanted) == RUN[page]
    for line in wanted:
        first, *rest = shlex.split(line)
        if first == "export":
            monkeypatch.setenv(*rest[0].split("=", 1))
        elif first == "python":
            subprocess.run(
                [sys.executable, *rest], check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}
            )
        else:
            assert first == "tocsin", line
            if rest[0] == "replay" and "--json" in rest:
                rest.append("--no-curve")
            result = CliRunner().invoke(app, rest)
            assert result.exit_code == 0, f"{line}\n{result.output}"
