"""What operators get: the Grafana dashboard and the rules of Prometheus, against the list of metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from deploy.grafana.dashboard import COLUMNS, FILE, dashboard, text
from streams import metrics
from streams.metrics import PORTS

FOLDER = Path(__file__).parents[3] / "deploy" / "prometheus"
RULES = FOLDER / "tocsin.rules.yaml"
ENDS = ("", "_total", "_bucket", "_sum", "_count")
WRAPPERS = [wrapper for wrapper in vars(metrics).values() if isinstance(wrapper, MetricWrapperBase)]
KNOWN = {wrapper._name + end: wrapper for wrapper in WRAPPERS for end in ENDS}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OTHERS = {"job", "process", "instance", "le"}  # Prometheus' own, and the scrape example's


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard()["panels"]
    return found


def questions() -> Iterator[tuple[str, str]]:
    """Every expression with where it stands."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield f"grafana: {panel['title']}", target["expr"]
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield f"prometheus: {rule['alert']}", rule["expr"]


QUESTIONS = list(questions())


@pytest.mark.parametrize(("where", "expr"), QUESTIONS, ids=[where for where, _ in QUESTIONS])
def test_every_metric_that_is_asked_for_exists_with_its_labels(where: str, expr: str) -> None:
    """A renamed metric or label would be an empty panel, or a rule that never rings."""
    named = re.findall(r"\b(tocsin_[a-z_]+)(?:\{([^}]*)\})?", expr)
    assert named or "up{" in expr
    for name, selector in named:
        assert name in KNOWN, f"{where}: there is no metric {name}"
        wrapper = KNOWN[name]
        ends = SUFFIXES[wrapper._type]
        assert any(name == wrapper._name + end for end in ends), f"{where}: {name} is a {wrapper._type}"
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            assert label in {*wrapper._labelnames, *OTHERS}, f"{where}: {name} has no label {label}"
    labels = {label for name, _ in named for label in KNOWN[name]._labelnames} | OTHERS
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expr):
        assert {one.strip() for one in group.split(",") if one.strip()} <= labels, f"{where}: by ({group})"


def test_the_kept_dashboard_is_the_one_that_the_code_makes() -> None:
    """After a change: python -m deploy.grafana.dashboard."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_every_metric_of_the_list_is_shown_or_watched() -> None:
    """A metric that nobody looks at is cost without use; those of one document or batch are in others' sums."""
    asked = " ".join(expr for _, expr in QUESTIONS)
    unseen = sorted(wrapper._name for wrapper in set(KNOWN.values()) if wrapper._name not in asked)
    assert unseen == [
        "tocsin_confidence_mean", "tocsin_drift_open_texts", "tocsin_label_ratio", "tocsin_mentions",
        "tocsin_unknown_pieces_ratio",
    ]  # fmt: skip


def test_the_panels_lie_in_the_grid_without_overlap_and_have_a_unit_and_a_reason() -> None:
    """Grafana would move them; and a number without a unit is none."""
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= COLUMNS
        assert not cells & taken
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"]
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_scrape_example_has_the_ports_of_every_process() -> None:
    """Each process takes the port after the one before, in the order of the list."""
    given = yaml.safe_load((FOLDER / "scrape.example.yaml").read_text(encoding="utf-8"))
    found = {one["labels"]["process"]: one["targets"] for one in given["scrape_configs"][0]["static_configs"]}
    assert found == {stage: [f"127.0.0.1:{9400 + n}"] for n, stage in enumerate(PORTS)}


def test_every_rule_says_what_to_do_and_has_a_test() -> None:
    """Woken at night, one wants to know the command."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    tests = yaml.safe_load((FOLDER / "tocsin.rules.test.yaml").read_text(encoding="utf-8"))["tests"]
    rung = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one.get("exp_alerts")}
    silent = {one["alertname"] for one in tests[0]["alert_rule_test"]}
    assert {rule["alert"] for rule in rules} == rung == silent
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert re.search(r"tocsin |TOCSIN_|channels file", rule["annotations"]["description"]), rule["alert"]


@pytest.fixture
def promtool() -> str:
    """The checker that comes with Prometheus. Absent is a failure, not a skip."""
    found = shutil.which("promtool")
    assert found, "promtool is missing: sudo apt-get install prometheus (it may stay stopped)"
    return found


def checked(*command: str) -> str:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.engines
def test_prometheus_takes_the_rules(promtool: str) -> None:
    """As they are shipped."""
    assert "SUCCESS" in checked(promtool, "check", "rules", RULES.name)
    assert "SUCCESS" in checked(promtool, "check", "config", "--syntax-only", "scrape.example.yaml")


@pytest.mark.engines
def test_the_rules_ring_when_they_must_and_only_then(promtool: str) -> None:
    """Their own timelines, run by Prometheus' own engine."""
    assert "SUCCESS" in checked(promtool, "test", "rules", "tocsin.rules.test.yaml")


@pytest.mark.engines
def test_prometheus_understands_every_question_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    """Each expression, with Grafana's variables filled in, as a recording rule."""
    filled = [expr.replace("$__rate_interval", "5m").replace("$stage", ".*") for _, expr in QUESTIONS]
    rules = [{"record": f"tried:{n}", "expr": expr} for n, expr in enumerate(filled)]
    file = tmp_path / "tried.yaml"
    file.write_text(json.dumps({"groups": [{"name": "tried", "rules": rules}]}))
    assert f"{len(rules)} rules found" in checked(promtool, "check", "rules", str(file))
