"""Commands beside running engines: `tocsin score` through Triton, ports that are taken, a model that is not served."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from console.exits import WRONG_SETTINGS
from deploy.stack import Stack
from models.labels import HEADS
from models.registry import SHIPPED, WEIGHTS
from streams.endpoints import resolve
from tests.installation import Installation

pytestmark = pytest.mark.engines


def test_score_answers_in_the_promised_form(stack: Stack) -> None:
    """Through Triton: every label of each head, language, model, version; a language without a model is unjudged."""
    run = Installation.make(stack.settings.state_dir, "score")
    lines = (
        b'{"text": "Halden Corp shares plunge after regulator opens accounting fraud probe"}\n'
        b'{"text": "Halden Corp beats profit expectations and raises guidance", "lang": "en"}\n'
        + '{"text": "公司股价大跌，投资者恐慌"}\n'.encode()
        + b'{"text": "Die Aktie der Bank ist nach dem Gewinn im Quartal gestiegen"}\n'
        + b"{not json\n"
        + b'{"text": "' + b"x" * 10_000_000 + b'"}\n'
    )  # fmt: skip
    done = run.tocsin("score", stdin=lines)
    bad, good, chinese, german, broken, large = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1  # two lines were bad
    for answer in (bad, good):
        assert set(answer) == {*HEADS, "abstained", "lang", "model", "version"}
        assert {head: tuple(answer[head]) for head in HEADS} == HEADS
        assert sum(answer["sentiment"].values()) == pytest.approx(1, abs=0.01)
        assert sum(answer["topic"].values()) == pytest.approx(1, abs=0.01)
        assert (answer["lang"], answer["model"]) == ("en", "opinion-en")
        assert answer["version"].startswith("1-")
    assert max(bad["sentiment"], key=bad["sentiment"].get) == "negative"
    assert max(good["sentiment"], key=good["sentiment"].get) == "positive"
    assert (chinese["lang"], max(chinese["sentiment"], key=chinese["sentiment"].get)) == ("zh", "negative")
    assert (german["lang"], german["sentiment"], german["unjudged"]) == ("de", None, "no_model")
    assert (broken["line"], large["line"]) == (5, 6)
    assert "longer than" in large["error"]


def refused(run: Installation, *arguments: str) -> str:
    """What a process that must end with code 78 says at its end."""
    done = run.tocsin(*arguments)
    assert done.returncode == WRONG_SETTINGS, done.stderr
    return done.stderr.splitlines()[-1]


def test_taken_ports_are_told(stack: Stack) -> None:
    """A port in use ends the process with code 78, the address and the setting that chooses another."""
    port = int(resolve(stack.settings).kafka.rpartition(":")[2])
    state = stack.settings.state_dir
    pushing = refused(Installation.make(state, "ports", push_port=port), "collect")
    assert f"cannot listen on 127.0.0.1:{port}" in pushing
    assert "TOCSIN_PUSH_PORT" in pushing
    metrics = refused(Installation.make(state, "ports", metrics_port=port - 4, push_port=0), "collect")
    assert "the metrics of collect cannot be served" in metrics
    worker = refused(Installation.make(state, "ports", metrics_port=port - 1), "worker", "index")
    assert worker.startswith("tocsin worker index: the metrics of index cannot be served")
    assert "TOCSIN_METRICS_PORT" in worker


def test_a_model_that_is_not_the_one_served_is_refused(stack: Stack, tmp_path: Path) -> None:
    """A repository of another version than Triton's: the worker says so, ends with 78, and stays ended."""
    shutil.copytree(SHIPPED, tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__", *WEIGHTS))
    metadata = tmp_path / "models" / "opinion-en" / "1" / "metadata.json"
    told = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(told | {"version": "1-other"}))
    run = Installation.make(stack.settings.state_dir, "othermodel", model_repository=tmp_path / "models")
    run.workers.start(("enrich",))
    try:
        with pytest.raises(RuntimeError, match="worker enrich cannot run with these settings"):
            run.wait(lambda: False, 60, "refusal")
        assert run.workers.children["enrich"].restarts == 0
        log = (run.settings.state_dir / "logs" / "othermodel" / "worker-enrich.log").read_text()
        assert "the running model says 1.version=" in log.splitlines()[-1]
        assert "TOCSIN_MODEL_REPOSITORY" in log.splitlines()[-1]
    finally:
        run.workers.stop()
