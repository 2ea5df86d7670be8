"""What of a rule may be varied."""

from __future__ import annotations

import pytest

from alerts.evaluation.spaces import RANGES, NotVaried, space_of, vary, with_values
from alerts.rule_files import PRESETS, SHIPPED, load_rules
from alerts.rules import LEAVES
from tests.unit.alerts.signals import rule

SURGE = rule("type: surge, window: 90m, p: 0.002, min_count: 4")
RULES = [r for path in (SHIPPED, *sorted(PRESETS.glob("[!_]*.yaml"))) if "_test" not in path.name
         for r in load_rules(path)]  # fmt: skip


def test_every_kind_has_its_ranges() -> None:
    """A new kind of rule without them could not be tuned."""
    assert RANGES.keys() == LEAVES.keys()


@pytest.mark.parametrize("shipped", RULES, ids=lambda r: r.name)
def test_every_shipped_rule_has_a_space_with_its_own_values_in_it(shipped: object) -> None:
    """Each value in order, each once, and the rule with its own values is the rule."""
    for parameter in space_of(shipped):  # type: ignore[arg-type]
        assert len(set(parameter.values)) == len(parameter.values) > 1
    assert with_values(shipped, {}).hash == shipped.hash  # type: ignore[arg-type, attr-defined]


def test_the_rule_s_own_value_stands_in_its_place_among_the_others() -> None:
    """Written as the rule writes it; durations by length, numbers by size."""
    found = {each.path: each.values for each in space_of(SURGE)}
    assert found["window"][:3] == ("1h", "1h30m", "2h")
    assert found["p"][4:7] == (0.001, 0.002, 0.003)
    assert found["min_count"] == RANGES["surge"]["min_count"]


def test_a_budget_of_false_alarms_is_varied_in_place_of_p() -> None:
    """Where a rule says how many it may ring for nothing, p is not looked at."""
    paths = [each.path for each in space_of(rule("type: surge, window: 2h, false_per_week: 1"))]
    assert "false_per_week" in paths
    assert "p" not in paths


def test_a_bound_that_the_rule_does_without_stays_away() -> None:
    """A share without a multiple of the usual gets none."""
    paths = [each.path for each in space_of(rule("type: share, window: 6h, at_least: 0.4"))]
    assert "at_least" in paths
    assert "over_baseline" not in paths


def test_conditions_are_varied_by_their_place() -> None:
    """Each condition for itself."""
    both = rule("type: all, conditions: [{type: surge, window: 2h}, {type: threshold, window: 6h, at_least: 3}]")
    assert {"conditions[0].p", "conditions[1].at_least"} <= {each.path for each in space_of(both)}
    changed = with_values(both, {"conditions[1].at_least": 5})
    assert [leaf.window for leaf in changed.leaves] == [leaf.window for leaf in both.leaves]
    assert getattr(changed.leaves[1], "at_least") == 5  # noqa: B009 - of a threshold, as every leaf may not have it


def test_values_of_one_s_own() -> None:
    """As they are written in a rule file; the rule's own joins them."""
    assert vary(SURGE, "window=6h, 2h,1h30m").values == ("1h30m", "2h", "6h")
    assert vary(SURGE, "p=1e-4").values == (1e-4, 0.002)
    assert vary(SURGE, "scope.min_relevance=0.5,0.9").values == (0.0, 0.5, 0.9)
    assert vary(SURGE, "window=90m").values == ("1h30m",)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("window", "expected FIELD=VALUE"),
        ("window=", "expected FIELD=VALUE"),
        ("widow=2h", "has no field 'widow'"),
        ("conditions[3].p=0.1", "has no field"),
        ("window=soon", "duration"),
        ("p=2", "p"),
        ("scope=1", "no single value"),
        ("ignore_stale=1", "no single value"),
        ("false_per_week=1", "does without 'false_per_week'"),
    ],
)
def test_what_cannot_be_varied_is_told(text: str, word: str) -> None:
    """Before anything is replayed."""
    with pytest.raises(NotVaried, match=word):
        vary(SURGE, text)
