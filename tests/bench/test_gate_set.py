"""No change may lose alerts that the shipped rules gave on the invented archive."""

from __future__ import annotations

from msgspec.structs import replace
from rich.console import Console

from alerts.evaluation.gate import gate
from console.replay.gate import report
from console.replay.results import read_result
from tests.bench.gate_set import BASELINE, measured, shipped
from tests.bench.invented import BEGIN, CONTROLS, CRISES, DAYS, Archive


def test_the_shipped_rules_lose_nothing_against_the_baseline() -> None:
    """Renew the baseline with `python -m tests.bench.gate_set --renew`, in the change that explains why."""
    assert report(Console(), gate(read_result(BASELINE), measured(shipped())))


def test_the_gate_closes_when_a_rule_hears_less() -> None:
    """A surge that asks for three times as many stories misses crises, and that is told."""
    baseline = read_result(BASELINE)
    [rule] = [each for each in shipped() if each.name == "entity-negative-surge"]
    checks = gate(baseline, measured([replace(rule, min_count=12)]))
    assert "recall" in {check.figure for check in checks if check.rule == rule.name and check.state == "lost"}
    assert {check.rule for check in checks if check.state == "missing"} == baseline.rules.keys() - {rule.name}


def test_the_archive_is_the_same_every_time() -> None:
    """One seed, one archive: in order, with every shape in it, and crises only once there is a baseline."""
    one, other = Archive(), Archive()
    assert one.mentions == other.mentions
    assert one.truth == other.truth
    assert one.mentions == sorted(one.mentions, key=lambda mention: (mention.collected_at, mention.document))
    assert {event.note for event in one.events} == {shape.kind for shape in (*CRISES, *CONTROLS)}
    assert all(7 < (event.onset - BEGIN).days < DAYS for event in one.events)
