"""What `tocsin status` says of the workers, whatever answers where they were."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from console.figures import Since, figures, workers
from console.running import scrape
from streams.settings import Settings

STAGE = "pytest"  # the word by which this process is known for what it is
FIGURES = b"""# TYPE tocsin_records_total counter
tocsin_records_total{stage="detect",outcome="accepted"} 40
tocsin_records_total{stage="detect",outcome="tick"} 2
# TYPE tocsin_rejects_total counter
tocsin_rejects_total{stage="detect",reason="bad_json"} 3
# TYPE tocsin_watermark_timestamp_seconds gauge
tocsin_watermark_timestamp_seconds{partition="0"} 1.8e+09
tocsin_watermark_timestamp_seconds{partition="1"} 1.7e+09
"""


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    """An HTTP server that answers everything with `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()
        thread.join()


def note(folder: Path, url: str, pid: int, stage: str = STAGE) -> Path:
    path = folder / "metrics" / f"{stage}-{pid}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"stage": stage, "pid": pid, "url": url}))
    return path


def test_figures_are_added_up_over_labels_and_the_watermark_is_the_last_of_them(tmp_path: Path) -> None:
    """Counts are sums; the watermark is how far all partitions have got, not a sum of times."""
    with serving(FIGURES) as url:
        note(tmp_path, url, os.getpid())
        [found] = workers(Settings(state_dir=tmp_path), seconds=0.01)
    assert (found["records"], found["rejected"], found["watermark"]) == (42, 3, 1.7e9)
    assert (found["per_second"], found["answers"]) == (0.0, True)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Behind a company's proxy the workers of this machine are still seen."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(FIGURES) as url:
        assert scrape(url) is not None


@pytest.mark.parametrize("body", [b"\xff\xfe", b"<html>", b'{"no": "metrics"}'], ids=["bytes", "page", "json"])
def test_another_program_on_the_port_is_no_worker(body: bytes) -> None:
    """A port that was used again answers something else: that is no figure and no fault."""
    with serving(body) as url:
        assert scrape(url) in (None, {})


def test_a_worker_that_does_not_answer_stays_known(tmp_path: Path) -> None:
    """A process that is stopped or too busy is told as such and found again by the next call."""
    path = note(tmp_path, "http://127.0.0.1:1/metrics", os.getpid())
    [found] = workers(Settings(state_dir=tmp_path), seconds=0.01)
    assert (found["answers"], found["pid"]) == (False, os.getpid())
    assert path.exists()


def test_rates_are_known_at_the_second_look_without_waiting(tmp_path: Path) -> None:
    """At the first nobody knows how fast a count grows; then it is what was added since."""
    since, mine = Since(), Settings(state_dir=tmp_path)
    with serving(FIGURES) as url:
        note(tmp_path, url, os.getpid())
        begun = time.monotonic()
        first, second = since.workers(mine), since.workers(mine)
    assert time.monotonic() - begun < 1
    assert (first[0]["per_second"], second[0]["per_second"]) == (None, 0.0)
    assert since.rejects() == {"bad_json": 3}


def test_a_rate_is_of_what_was_added(tmp_path: Path) -> None:
    """Also when a process said nothing in between; one that began anew has not gone backwards."""
    worker = {"stage": "detect", "pid": 1, "url": "u"}

    def told(records: float) -> dict[str, list[tuple[dict[str, str], float]]]:
        return {"tocsin_records_total": [({}, records)]}

    assert figures(worker, (10.0, told(40)), (14.0, told(60)))["per_second"] == 5.0
    assert figures(worker, (10.0, told(40)), (14.0, told(3)))["per_second"] == 0.0
    silent = figures(worker, (10.0, told(40)), (14.0, None))
    assert (silent["answers"], silent["per_second"]) == (False, 0.0)


def test_a_worker_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Neither a process that ended nor another one with its id counts as a worker. That is told to the watcher, who
    removes their notes: whoever else did would hide from it that they ended."""
    gone = note(tmp_path, "http://127.0.0.1:1/metrics", 2**22 + 1)
    other = note(tmp_path, "http://127.0.0.1:1/metrics", os.getpid(), stage="no-such-stage")
    assert workers(Settings(state_dir=tmp_path), seconds=0.01) == []
    assert gone.exists()
    assert other.exists()
