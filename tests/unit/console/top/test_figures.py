"""The figures of `tocsin top`: rates and latency out of two looks, and how they are shown."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.messages import LANGUAGES
from console.running import Samples
from console.top.figures import Alerts, Figures, Look, Source, Stage, latency, quantile, rate, sources, stage
from console.top.screen import line, screen

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOUNDS = (0.1, 0.5, 1.0, float("inf"))


def look(at: float, records: float, requests: tuple[int, int, int, int] = (0, 0, 0, 0), **more: float) -> Look:
    """A look at enrich: records taken in, and requests by bucket."""
    counts = [sum(requests[: number + 1]) for number in range(len(BOUNDS))]
    name = "tocsin_score_request_seconds"
    samples: Samples = {
        "tocsin_records_total": [({"stage": "enrich"}, records)],
        f"{name}_bucket": [({"le": f"{bound}"}, float(count)) for bound, count in zip(BOUNDS, counts, strict=True)],
        f"{name}_count": [({}, float(counts[-1]))],
        f"{name}_sum": [({}, more.get("total", 0.0))],
        "tocsin_score_requests_total": [
            ({"outcome": "answered"}, float(counts[-1])),
            ({"outcome": "retried"}, more.get("retried", 0.0)),
        ],
    }
    return Look("enrich", 7, at, samples)


def test_a_rate_needs_two_looks_at_the_same_process() -> None:
    """The first look has none; a counter that began anew has none below zero."""
    assert rate(None, look(10, 100), "tocsin_records_total") is None
    assert rate(look(10, 100), look(14, 180), "tocsin_records_total") == 20.0
    assert rate(look(10, 100), look(14, 3), "tocsin_records_total") == 0.0
    assert rate(look(10, 100), Look("enrich", 7, 14, None), "tocsin_records_total") is None
    assert rate(look(10, 100), look(14, 180), "tocsin_records_total", stage="other") == 0.0


def test_latency_is_that_of_the_requests_between_the_looks() -> None:
    """What was slow an hour ago is not shown as slow now."""
    before, after = look(0, 0, (0, 0, 50, 0), total=45.0), look(2, 0, (80, 20, 50, 0), total=65.0, retried=3)
    found = latency([(before, after)])
    assert found is not None
    assert (found.per_second, found.mean, found.failed) == (50.0, 0.2, 3)
    assert found.p95 == pytest.approx(0.4)  # three quarters into the bucket from 0.1 to 0.5
    assert latency([(None, after)]) is None
    idle = latency([(after, look(4, 0, (80, 20, 50, 0), total=65.0, retried=3))])
    assert idle is not None
    assert (idle.mean, idle.p95) == (None, None)


@given(st.lists(st.integers(0, 100), min_size=4, max_size=4), st.floats(0.01, 1))
def test_a_quantile_lies_within_the_bucket_that_holds_it(counts: list[int], share: float) -> None:
    """As many observations lie up to its bucket's end as the share asks for."""
    buckets = {bound: float(sum(counts[: number + 1])) for number, bound in enumerate(BOUNDS)}
    found = quantile(buckets, share)
    if not sum(counts):
        assert found is None
        return
    assert found is not None
    end = next(bound for bound in BOUNDS if buckets[bound] >= share * sum(counts))
    assert 0 <= found <= min(end, 1.0)


def test_a_process_that_does_not_answer_is_told_apart() -> None:
    """It runs, and nothing is known of it."""
    assert stage(None, Look("index", 8, 0, None), 0) == Stage("index", 8, answers=False)
    known = stage(look(0, 0), look(1, 5), NOW.timestamp())
    assert (known.answers, known.per_second, known.last_delivery_age) == (True, 5.0, None)


def test_sources_are_those_of_all_collectors_the_longest_away_first() -> None:
    """Items by source, and when each last answered."""
    name, seen = "tocsin_source_items_total", "tocsin_source_last_success_timestamp_seconds"
    at = NOW.timestamp()
    one = Look(
        "collect", 1, 0, {name: [({"source": "a"}, 3.0)], seen: [({"source": "a"}, at - 5), ({"source": "b"}, at - 90)]}
    )
    assert sources([one], at) == (Source("b", 0, 90.0), Source("a", 3, 5.0))


def figures(**changes: object) -> Figures:
    found = {
        "at": NOW, "documents_per_second": 12.5, "lag": {"enrich": 3, "index": 0, "detect": 0, "notify": 0},
        "stages": (Stage("enrich", 7, True, 12.5, 2, 180, 0.4), Stage("index", 8, False)),
        "triton": latency([(look(0, 0), look(1, 0, (3, 0, 0, 0), total=0.2))]),
        "alerts": Alerts({"critical": 1, "warning": 0, "info": 4}, 2, 1), "letters": 15,
        "sources": tuple(Source(f"feed [red]{n}\x1b[2J", n, float(n)) for n in range(12)),
        "engines": {"kafka": "serving", "elasticsearch": "unreachable", "triton": "stopped"}, "problems": (),
    }  # fmt: skip
    return Figures(**(found | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_picture_fits_a_terminal_of_any_width(width: int, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs out of the window, names from outside move no cursor, and what is unknown is a question mark."""
    monkeypatch.setenv("TOCSIN_LANG", lang)
    output = io.StringIO()
    console = Console(file=output, width=width, color_system=None)
    console.print(screen(figures(), keys=True))
    console.print(screen(figures(alerts=None, lag=None, letters=None, triton=None, stages=(), sources=()), keys=False))
    shown = output.getvalue()
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert "?" in shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_line_tells_it_all(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a log: one line, whatever is in the figures."""
    monkeypatch.setenv("TOCSIN_LANG", lang)
    told = line(figures(problems=("away",)))
    assert "\n" not in told
    assert all(part in told for part in ("12.5", "enrich 3", "15", "detect", "away"))


def test_json_has_the_time_with_its_zone() -> None:
    """A program reads it back."""
    found = json.loads(json.dumps(figures().as_dict()))
    assert found["at"] == "2026-03-01T12:00:00Z"
    assert found["alerts"]["firing"]["critical"] == 1


def test_it_works_while_everything_is_down(tmp_path: Path) -> None:
    """No engine, no worker: one line, one object, exit code 0."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    variables = kept | {"TOCSIN_STATE_DIR": str(tmp_path), "TOCSIN_LANG": "en"}
    command = [sys.executable, "-m", "console.cli", "top", "--once", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert (found["lag"], found["alerts"], found["stages"]) == (None, None, [])
    assert "tocsin up" in found["problems"][0]
