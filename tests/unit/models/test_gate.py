"""Whether a new version may take the old one's place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import Row
from models.gate import ReportRefused, compare, compare_forms, read_report
from models.report import one_set

ROWS = 1000


def report(wrong: float, rows: int = ROWS, version: str = "1-a", name: str = "s", seed: int = 1) -> dict[str, Any]:
    """A report of one set of which a share is judged wrongly; the rows are the same for every share."""
    chance = np.random.default_rng(5)
    truth = chance.integers(0, 3, rows)
    missed = np.random.default_rng(seed).random(rows) < wrong
    judged = np.where(missed, (truth + 1) % 3, truth)
    part = [Row(str(at), f"text {at}", {"sentiment": int(label)}, name, "A", "en") for at, label in enumerate(truth)]
    found = one_set(part, "sentiment", np.eye(3)[judged], {"en": 0.5}, False)
    models = {"opinion-x": {"version": version, "langs": ["en"]}}
    return {"models": models, "data_sets": {name: found | {"lang": "en"}}}


@pytest.mark.parametrize(
    ("new", "seed", "reason"),
    [(0.20, 1, "kept"), (0.10, 1, "better"), (0.205, 1, "kept"), (0.22, 2, "chance"), (0.30, 2, "lost")],
)
def test_loss_beyond_chance_and_tolerance_fails(new: float, seed: int, reason: str) -> None:
    """Two points on a thousand rows may be chance; ten are not."""
    [found] = compare(report(0.20), report(new, seed=seed), 0.01)
    assert found.reason == reason
    assert found.fails is (reason == "lost")


def test_interval_belongs_to_the_change() -> None:
    """It holds the change, and a greater tolerance lets it pass."""
    [found] = compare(report(0.2), report(0.3))
    assert found.low < found.new - found.old < found.high < -0.01
    assert not compare(report(0.2), report(0.3), 0.2)[0].fails


def test_small_sets_tell_nothing() -> None:
    """Of fifty rows five more misses are not held against a version."""
    [found] = compare(report(0.1, 50), report(0.3, 50))
    assert (found.reason, found.fails) == ("few_rows", False)


def test_set_that_was_not_measured_fails() -> None:
    """Asked for and absent is a failure; a set that only the new report has is none."""
    [found] = compare(report(0.2), report(0.2, name="other"))
    assert (found.data_set, found.reason, found.fails) == ("s", "missing", True)


def test_a_language_that_the_new_report_is_not_about_is_not_missing() -> None:
    """A version of one model is held against the report of all."""
    old = report(0.2)
    old["data_sets"]["z"] = report(0.2, name="z")["data_sets"]["z"] | {"lang": "zh"}
    assert [each.data_set for each in compare(old, report(0.2))] == ["s"]


def test_served_form_is_held_to_the_plain_loss() -> None:
    """The network is the same: what the form loses is no chance, and a point and a half is too much."""
    full, served = report(0.200), report(0.222, seed=2)
    assert compare(full, served)[0].reason == "chance"
    assert compare_forms(full, served)[0].reason == "lost"
    assert compare_forms(full, report(0.203))[0].reason == "kept"


def test_reports_that_cannot_be_compared_are_refused() -> None:
    """Other rows, other labels, or two versions where one was meant."""
    with pytest.raises(ReportRefused, match="different rows"):
        compare(report(0.2), report(0.2, ROWS + 1))
    other = report(0.2)
    other["data_sets"]["s"]["answers"]["truth"] = "0" * ROWS
    with pytest.raises(ReportRefused, match="true labels"):
        compare(report(0.2), other)
    with pytest.raises(ReportRefused, match="1-a, the served form of 2-b"):
        compare_forms(report(0.2), report(0.2, version="2-b"))


@pytest.mark.parametrize("broken", ["{", "[]", "{}", '{"data_sets": {"s": {"macro_f1": 1, "rows": 1}}}'])
def test_file_that_is_no_report_is_refused(tmp_path: Path, broken: str) -> None:
    """With its name and what it should be."""
    path = tmp_path / "r.json"
    path.write_text(broken)
    with pytest.raises(ReportRefused, match=r"r\.json is no report of `tocsin models evaluate --json`"):
        read_report(path)
    with pytest.raises(ReportRefused):
        read_report(tmp_path / "absent.json")
    spoilt = report(0.2)
    spoilt["data_sets"]["s"]["answers"]["judged"] = "01"
    path.write_text(json.dumps(spoilt))
    with pytest.raises(ReportRefused, match="not those of its rows"):
        read_report(path)
    path.write_text(json.dumps(report(0.2)))
    assert read_report(path) == report(0.2)
