"""How strict a rule is: one parameter, and the rule at other settings of it."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from msgspec.structs import replace

from alerts.evaluation.knobs import knob_of, variants, with_value
from alerts.rule_files import PRESETS, SHIPPED, load_rules, parse_rules, presets
from alerts.rules import LEAVES, Conditions, Rule
from tests.unit.alerts.signals import engine, fold, mention, rule, tick

SHIPPED_RULES = load_rules(SHIPPED, *(PRESETS / f"{name}.yaml" for name in presets()))
SURGE = "type: surge, window: 2h"


@pytest.mark.parametrize(
    ("body", "name", "lenient", "strict", "current"),
    [
        (SURGE, "p", 0.5, 1e-9, 1e-3),
        (f"{SURGE}, false_per_week: 2", "false_per_week", 1000.0, 1e-6, 2.0),
        ("type: threshold, window: 2h, at_least: 7", "at_least", 1.0, 100.0, 7.0),
        ("type: share, window: 2h, at_least: 0.4", "at_least", 0.1, 0.95, 0.4),
        ("type: share, window: 2h, over_baseline: 1.5", "over_baseline", 1.05, 10.0, 1.5),
        ("type: spike, window: 2h", "ratio", 1.0, 100.0, 3.0),
        ("type: deviation, window: 1d", "k", 0.0, 20.0, 2.0),
        ("type: shift, window: 3d", "at_least", 1.0, 50.0, 6.0),
        ("type: silence, window: 12h", "p", 0.5, 1e-9, 1e-3),
        ("type: first_seen, window: 12h", "at_least", 1.0, 100.0, 1.0),
        ("type: coordination, window: 1h", "at_least", 2.0, 500.0, 20.0),
        (f"type: all, conditions: [{{{SURGE}}}, {{type: silence, window: 2h}}]", "conditions[0].p", 0.5, 1e-9, 1e-3),
    ],
)
def test_each_kind_has_a_knob(body: str, name: str, lenient: float, strict: float, current: float) -> None:
    """From lenient to strict, the setting of the rule itself among them."""
    knob = knob_of(rule(body))
    assert knob is not None
    assert (knob.name, knob.values[0], knob.values[-1], knob.current) == (name, lenient, strict, current)
    assert current in knob.values
    assert list(knob.values) in (sorted(knob.values), sorted(knob.values, reverse=True))


def test_no_kind_is_forgotten() -> None:
    """A kind of rule that is added needs a knob."""
    assert set(LEAVES.values()) == set(get_args(get_args(get_args(Conditions)[0])[0]))
    assert all(knob_of(each) is not None for each in SHIPPED_RULES)


@pytest.mark.parametrize("each", SHIPPED_RULES, ids=lambda each: each.name)
def test_variants_differ_in_the_knob_alone(each: Rule) -> None:
    """And in their name, which a rule file could hold."""
    knob = knob_of(each)
    assert knob is not None
    made = variants(each)
    assert len(made) >= 10
    for value, variant in made:
        assert re.fullmatch("[a-z][a-z0-9-]{0,63}", variant.name)
        found = knob_of(variant)
        assert found is not None
        assert (found.name, found.current) == (knob.name, value)
        assert replace(with_value(variant, knob.name, knob.current), name=each.name).hash == each.hash


def test_variants_of_all_rules_run_side_by_side() -> None:
    """No two have one name, however alike and long the names of their rules are."""
    alike = [replace(rule(SURGE), name="a" * 63 + end) for end in "bc"]
    names = [variant.name for each in (*SHIPPED_RULES, *alike) for _, variant in variants(each)]
    names += [each.name for each in SHIPPED_RULES]
    assert len(set(names)) == len(names)


def test_each_variant_rings_at_its_own_setting() -> None:
    """The thresholds of one rule in one engine."""
    made = variants(rule("type: threshold, window: 2h, at_least: 3"))
    signals = [mention(n, f"d{n}") for n in range(1, 8)]
    rung = {e.rule for e in fold(engine(*(each for _, each in made)), *signals, tick(10)) if e.state == "firing"}
    assert [value for value, each in made if each.name in rung] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("window", 3600, "window: 1h"),
        ("window", "1h30m", "window: 1h30m"),
        ("for", 300, "window: 2h, for: 5m"),
        ("min_count", 7.0, "window: 2h, min_count: 7"),
        ("min_share", 0.25, "window: 2h, min_share: 0.25"),
        ("min_ratio", 3, "window: 2h, min_ratio: 3"),
    ],
)
def test_any_number_or_duration_is_set_by_its_place(name: str, value: float | str, found: str) -> None:
    """The rule is as if it had been written so."""
    assert with_value(rule(SURGE), name, value) == rule(f"type: surge, {found}")


def test_a_parameter_of_the_scope_and_of_a_condition_has_a_place() -> None:
    """And the rule still knows where it was written."""
    both = f"type: any, conditions: [{{{SURGE}}}, {{type: share, window: 2h, at_least: 0.4}}]"
    whole = rule(both)
    changed = with_value(with_value(whole, "conditions[1].at_least", 0.6), "conditions[0].scope.min_relevance", 0.5)
    assert [leaf.scope.min_relevance for leaf in changed.leaves] == [0.5, 0.0]
    assert getattr(changed.leaves[1], "at_least", None) == 0.6
    assert changed.place == whole.place
    assert changed.hash != whole.hash


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nothing", 1), ("scope", 1), ("scope.nothing", 1), ("conditions[0].p", 0.1), ("name", 1), ("enabled", 0),
        ("severity", 1), ("p", 0.7), ("p", -1), ("min_count", 0), ("min_count", 2.5), ("window", "8d"), ("window", "x"),
        ("window", 5), ("", 1), ("window.seconds", 3600), ("count", 3), ("p", "much"),
    ],
)  # fmt: skip
def test_a_parameter_or_a_value_that_no_rule_has_is_refused(name: str, value: float | str) -> None:
    """With the name of the rule, the parameter and what is wrong."""
    with pytest.raises(ValueError, match=r"rule r.*"):
        with_value(rule(SURGE), name, value)


def test_a_setting_that_a_rule_may_not_have_is_left_out() -> None:
    """Where a file with it would be refused."""
    text = "rules: [{name: r, type: spike, window: 2h, min_count: 2, scope: {subject: entity}}]"
    (spike,) = parse_rules(text)
    assert next(value for value, _ in variants(spike)) == 1.0
