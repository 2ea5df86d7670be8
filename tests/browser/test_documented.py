"""The commands of the pages about looking are run, by a shell, on the day that the browser looks at."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.browser.day import Day
from tests.browser.served import Served, serving
from tests.documents import DOCS, ROOT, blocks, named

pytestmark = [pytest.mark.engines, pytest.mark.browser, pytest.mark.timeout(280)]
# Lines that are not run here, and why. A page that changes says so: a line that is gone turns the test red.
ELSEWHERE: Final = {
    "make test": "this is a part of it",
    "make bench": "it measures for minutes",
    "tocsin api": "it serves already",
    "tocsin console --as li.wei": "callers with names are in test_callers.py",
    "tocsin dashboards push --dry-run": "a Kibana as strict as its documentation is in tests/unit/console/dashboards",
    "tocsin dashboards push --space risk --lang zh": "there, too",
    "tocsin report daily --deliver": "tests/integration/test_notify_reports.py",
    "tocsin collect &": "tests/integration/test_quick_start.py",
    "curl -sS http://127.0.0.1:8099/v1/items": "there, too",
}
POSTS: Final = (
    '{"native_id": "p1", "source": "board", "kind": "chat", "text": "Halden Corp shares fall",'
    '"published_at": "2026-03-02T09:00:00Z"}\n'
)


def lines(page: str) -> list[str]:
    """Every command line of a page, with comments taken off."""
    shown = [line for b in blocks(DOCS / f"{page}.md", "sh") for line in b.replace("\\\n", " ").splitlines()]
    return [found for line in shown if (found := re.split(r"\s{2,}#", line)[0].strip())]


def left_out(line: str) -> str:
    """Which of the lines above it is, if any."""
    return next((each for each in ELSEWHERE if line == each or (each.startswith("curl") and line.startswith(each))), "")


@pytest.fixture
def place(day: Day, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str], str]]:
    """A folder with the reader's own files, the variables of its shell, and where `tocsin api` serves by default."""
    for page, name in (("sources", "feeds.yaml"), ("sources", "watchlist.yaml")):
        (tmp_path / name).write_text(named(DOCS / f"{page}.md", name), encoding="utf-8")
    (tmp_path / "posts.jsonl").write_text(POSTS, encoding="utf-8")
    with gzip.open(tmp_path / "more.csv.gz", "wt", encoding="utf-8") as more:
        more.write("native_id,source,kind,text,published_at\nm1,board,chat,Halden Corp recovers,2026-03-02T10:00:00Z\n")
    board = "no,words,at,source,kind\nb1,Halden Corp warns,2026-03-02 09:00,board,chat\n"
    (tmp_path / "board.csv").write_text(board, encoding="utf-8")
    (tmp_path / "kibana").write_text("an-invented-key", encoding="utf-8")
    (tmp_path / ".tocsin").symlink_to(day.state)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with serving(day.variables, tmp_path / "api.log", api_tokens="") as local:
        yield tmp_path, day.variables | {"BROWSER": "true", "PYTHONPATH": str(ROOT), "PATH": path}, local.url


def test_every_command_of_the_pages_about_looking_runs(
    day: Day, served: Served, place: tuple[Path, dict[str, str], str]
) -> None:
    """Each ends well, in the order of its page; in place of the reader's own are an alert, a day, a port, a key."""
    folder, variables, url = place
    alert = served.get("/alerts?state=all")["alerts"][-1]
    theirs = {"3b5718ec": alert["alert"][:8], "2026-11-28": alert["since"][:10], "http://127.0.0.1:8098": url}
    theirs["/run/secrets/kibana"] = str(folder / "kibana")
    ran, skipped = 0, set()
    for page in ("console", "api", "reports", "dashboards", "sources"):
        script = ["set -e"]
        for line in lines(page):
            if name := left_out(line):
                skipped.add(name)
                continue
            for before, after in theirs.items():
                line = line.replace(before, after)
            # What a page writes goes into a namespace of its own: others look at the day after this test.
            kept = "TOCSIN_NAMESPACE=$TOCSIN_NAMESPACE-own " if line.startswith("tocsin ingest") else ""
            script.append(f"echo '+ '{line.split()[0]!r} >&2; {kept}{line}")
            ran += 1
        shell = subprocess.run(
            ["bash", "-c", "\n".join(script)], cwd=folder, env=variables, text=True, capture_output=True, timeout=250
        )
        said = f"{page}: {shell.stdout[-1500:]}\n{shell.stderr[-3000:]}"
        assert shell.returncode == 0, said
        assert '"error"' not in shell.stdout, said
    assert skipped == set(ELSEWHERE)
    assert ran == 31
    for made in ("report.html", "week.pdf", "alert.pdf", "preview.html", "dashboards"):
        assert (folder / made).exists(), made
