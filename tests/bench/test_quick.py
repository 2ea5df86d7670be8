"""A smoke run of the whole benchmark on real engines: its shape and its checks, no times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.__main__ import main
from tests.bench.result import BARE, OURS, PEERS


@pytest.mark.engines
@pytest.mark.timeout(600)
def test_quick_run_is_complete_and_correct(tmp_path: Path) -> None:
    """Every contestant indexes every item once with the labels of bare inference, and every figure is there."""
    out = tmp_path / "result.json"
    assert main(["run", "--quick", "--corpora", "MIX", "--out", str(out), "--state", str(tmp_path / "state")]) == 0
    result = report.read(out)
    assert result.void == []
    section = result.corpora["MIX"]
    assert {run.contestant for run in section.runs} == {BARE, OURS, *PEERS, "bare_fifo"}
    assert all(run.problems == [] for run in section.runs)
    ours = section.figures[OURS]
    assert ours.of_bare is not None
    assert ours.of_best_peer is not None
    assert all(one.lost == 0 for one in result.latency)
    measured = next(run for run in section.runs if run.contestant == OURS)
    assert {
        "kafka",
        "elasticsearch",
        "triton",
        "model",
        "enrich",
        "index",
        "detect",
        "notify",
    } <= measured.cpu_us.keys()
