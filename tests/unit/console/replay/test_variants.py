"""What a curve is made of: the settings of rules that can be measured, over the subjects whose alerts count."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.evaluation.matching import judged_subjects
from alerts.evaluation.result import Matching
from alerts.evaluation.truth import Labelled, Truth
from alerts.evaluation.truth_files import parse_truth
from alerts.rule_files import parse_rules
from console.replay.choices import NOTHING, Choices
from console.replay.files import Reading
from console.replay.session import Outputs, Session
from console.replay.span import Span
from console.replay.variants import vary
from tests.unit.console.replay.past import RULES, TRUTH, crises, lines, settings

RULE_SET = parse_rules(RULES)
EXCLUDED, ALL = Matching(unlabelled="excluded"), Matching(unlabelled="false")
EVENTS = parse_truth(TRUTH)
ACME = Labelled(subjects=("entity:acme",))


def choices(path: Path, truth: Truth, matching: Matching, *subjects: str) -> Choices:
    """Both rules over one file, with curves."""
    return Choices(
        (str(path),), RULE_SET, truth, matching, Reading(), Span(), subjects=frozenset(subjects), curve=True,
        bootstrap=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("truth", "matching", "chosen", "judged"),
    [
        (EVENTS, ALL, None, None),
        (EVENTS, EXCLUDED, None, {"entity:acme", "entity:other"}),
        (Truth(events=(), labelled=ACME), EXCLUDED, None, {"entity:acme"}),
        (Truth(events=(), labelled=ACME), EXCLUDED, {"entity:x"}, {"entity:x"}),
        (Truth(events=(), labelled=Labelled()), EXCLUDED, None, None),
        (NOTHING, EXCLUDED, None, set()),
    ],
)
def test_about_whom_alerts_are_judged(
    truth: Truth, matching: Matching, chosen: set[str] | None, judged: set[str] | None
) -> None:
    """Those who were chosen, else those whom the truth says it is complete for, else those of its events."""
    assert judged_subjects(truth, matching, chosen) == judged


async def test_a_curve_is_the_same_whoever_else_is_spoken_of(tmp_path: Path) -> None:
    """With alerts about others left out, and their mentions not played, every point is that of all being played."""
    past = lines(tmp_path / "past.jsonl", crises())
    truth = Truth(events=EVENTS.events, labelled=ACME)
    few = (await Session(choices(past, truth, EXCLUDED), Outputs(), settings(tmp_path)).conduct()).evaluation
    full = Session(choices(past, truth, EXCLUDED), Outputs(), settings(tmp_path))
    full._variants = vary(RULE_SET, None)  # the long way, to compare
    all_played = (await full.conduct()).evaluation
    assert few.rules == all_played.rules
    assert any(point.recall for rule in few.rules.values() for point in rule.curve)


def test_a_rule_that_looks_at_nobody_who_counts_has_no_curve() -> None:
    """A flat line of a rule about topics would be no measurement."""
    topics = parse_rules("rules: [{name: t, type: threshold, at_least: 3, window: 1h, scope: {subject: topic}}]")
    made = vary([*RULE_SET, *topics], {"entity:acme"})
    assert set(made.knobs) == {"three-stories", "far-more"}
    assert set(vary([*RULE_SET, *topics], None).knobs) == {"three-stories", "far-more", "t"}
    assert vary(RULE_SET, set()).rules == ()


def test_whose_alerts_count() -> None:
    """Subjects that were asked for, else the judged ones and those of events, who may be found there; else all."""
    path = Path("x")
    assert choices(path, EVENTS, EXCLUDED, "entity:x").counted == {"entity:x"}
    assert choices(path, Truth(events=EVENTS.events, labelled=ACME), EXCLUDED).counted == {
        "entity:acme", "entity:other",
    }  # fmt: skip
    assert choices(path, EVENTS, ALL).counted is None
    assert choices(path, NOTHING, EXCLUDED).counted == set()
