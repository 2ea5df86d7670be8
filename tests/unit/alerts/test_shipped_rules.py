"""Every shipped rule stays quiet on five kinds of noise, made here from one table, and rings in its own timeline.

Each scenario follows two calm weeks and is as hard as it can be: its texts have the language, the kind and the risk
event that the rule looks for, as if the model were fooled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from alerts.rule_files import PRESETS, SHIPPED, TEST_END, in_force, load_rules, presets
from alerts.rule_tests import Case, Feed, read_suite, run, run_file
from alerts.rules import Duration, Rule, Scope
from streams.records import AlertEvent

FILES: Final = (SHIPPED / "default.yaml", *(PRESETS / f"{name}.yaml" for name in presets()))
HERE, ELSEWHERE = "acme", "another"
CALM_DAYS: Final = 16  # two weeks before, and on through the scenario: nobody falls silent because others shout
AT: Final = "14d9h"

# What is fed in each scenario, beside the calm weeks. `there: True` is about another subject.
SCENARIOS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "advertisement": (
        {"tone": "positive", "copies": True, "times": 400, "every": "10s", "authors": 400},
        {"tone": "neutral", "copies": True, "times": 400, "every": "10s", "authors": 400},
        {"tone": "negative", "copies": True, "times": 400, "every": "10s", "authors": 400, "risk": True},
    ),
    "retweet storm": (
        {"tone": "negative", "copies": True, "times": 600, "every": "5s", "authors": 600, "sources": 5, "risk": True},
    ),
    # Complaints are what complaints are, not what the rule looks for: seven stories of a theft are no few complaints.
    "good news": (
        {"tone": "positive", "times": 100, "every": "1m", "authors": 80, "sources": 4},
        {"tone": "negative", "times": 7, "every": "15m", "authors": 7, "sources": 4, "risk": "consumer_backlash"},
    ),
    "old news": (
        {"tone": "negative", "times": 60, "every": "1m", "authors": 60, "sources": 5, "stale": "stale", "risk": True},
    ),
    "wrong entity": (
        {"tone": "negative", "times": 60, "every": "1m", "authors": 60, "sources": 5, "relevance": 0.4, "risk": True},
        {"tone": "negative", "times": 60, "every": "1m", "authors": 60, "sources": 5, "risk": True, "there": True},
    ),
}  # fmt: skip

# Why a scenario cannot be put to a rule, by (type or subject, scenario).
NOT_APPLICABLE: Final = {
    ("topic", "wrong entity"): "a topic is not a company: a text is about it or not, and has no lesser relevance to it",
    ("silence", "wrong entity"): "no number of mentions, of whatever relevance, can make a silence",
}  # fmt: skip
# What ships to be measured against: it does what other products do, noise included.
FORMULAS: Final = "formulas"
# A rule for any subject rings, rightly, for the other subject: only the mentions in passing are put to it.


@cache
def shipped() -> dict[str, Rule]:
    """All shipped rules by name, with one company on each list."""
    rules = load_rules(*FILES)
    lists = {name: frozenset({HERE}) for rule in rules for name in rule.scope.lists}
    return {rule.name: rule for rule in in_force(rules, lists)}


def ours() -> dict[str, Rule]:
    """Those that a desk relies upon."""
    return {name: rule for name, rule in shipped().items() if rule.labels.get("preset") != FORMULAS}


def scopes(rule: Rule) -> Iterator[Scope]:
    """The scopes of the rule and its conditions."""
    yield rule.scope
    yield from (leaf.scope for leaf in rule.leaves)


def feeds(rule: Rule, scenario: str) -> Iterator[Feed]:
    """The calm weeks, then the scenario once for each risk event that the rule looks for, a day apart."""
    subject, other = f"{rule.scope.subject}:{HERE}", f"{rule.scope.subject}:{ELSEWHERE}"
    kind = next((s.kind for s in scopes(rule) if s.kind != "any"), "chat")
    common = {"lang": rule.scope.languages[0] if rule.scope.languages else "en", "kind": kind}
    yield _feed(common, subject, at="30m", every="3h", times=CALM_DAYS * 8, tone="positive", sources=3, authors=9)
    yield _feed(
        common, subject, at="50m", every="15h", times=CALM_DAYS * 24 // 15, tone="negative", sources=3, authors=9
    )
    sought = sorted({risk for scope in scopes(rule) for risk in scope.risks}) or ["outage"]
    for day, risk in enumerate(sought):
        for line in SCENARIOS[scenario]:
            there = line.get("there", False)
            if there and not rule.scope.ids:
                continue
            given = {k: v for k, v in line.items() if k not in ("risk", "there")}
            named = risk if line.get("risk") is True else line.get("risk", "")
            hours = AT if len(sought) == 1 else f"{14 - day}d9h"
            yield _feed(common, other if there else subject, at=hours, risk=named, **given)


def _feed(common: dict[str, str], subject: str, *, tone: str, **fields: Any) -> Feed:
    given = common | {"subject": subject, tone: 0.9} | fields
    return msgspec.convert(given, Feed, dec_hook=lambda _, value: Duration.parse(value))


def events(rule: Rule, scenario: str) -> tuple[AlertEvent, ...]:
    """What the rule says about a scenario."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    until = Duration.parse(f"{CALM_DAYS}d")
    return run(Case(name=scenario, start=start, until=until, feed=tuple(feeds(rule, scenario))), [rule]).events


def applicable() -> list[tuple[str, str]]:
    """Every rule with every scenario that can be put to it."""
    return [
        (name, scenario)
        for name, rule in ours().items()
        for scenario in SCENARIOS
        if not {(rule.type, scenario), (rule.scope.subject, scenario)} & NOT_APPLICABLE.keys()
    ]


@pytest.mark.parametrize(("name", "scenario"), applicable())
def test_a_shipped_rule_stays_quiet(name: str, scenario: str) -> None:
    """Nothing fires: at most something begins and lapses before anybody is told."""
    said = {(e.state, e.reason) for e in events(shipped()[name], scenario)}
    assert said <= {("pending", "began"), ("resolved", "lapsed")}


def test_nearly_every_scenario_applies() -> None:
    """The table of exceptions stays short, and names nothing that is not there."""
    assert len(ours()) * len(SCENARIOS) - len(applicable()) == len(NOT_APPLICABLE) + 1  # two silences, one topic rule


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_rule_rings_in_the_timeline_beside_it(path: Path) -> None:
    """A rule without a crisis in its test file would be a rule nobody has seen ring."""
    suite = read_suite(path.with_name(path.stem + TEST_END))
    rung = {e.rule for case in suite.tests for e in case.expect if e.state == "firing"}
    assert {rule.name for rule in load_rules(path)} <= rung
    told = {e.state for case in suite.tests for e in case.expect}
    assert {"firing", "updated", "resolved"} <= told


@pytest.mark.parametrize("name", presets())
def test_the_timelines_of_the_presets_are_kept(name: str) -> None:
    """Every case of every preset's test file, through the engine that runs live."""
    differences = [(o.case, o.differences) for o in run_file(PRESETS / f"{name}{TEST_END}") if o.differences]
    assert differences == []


def test_published_formulas_ring_where_our_rules_do_not() -> None:
    """For an advertisement from hundreds of accounts, among others: that is what is compared with ours."""
    formulas = {name: rule for name, rule in shipped().items() if name not in ours()}
    noisy = {name for name, rule in formulas.items() if any(e.state == "firing" for e in events(rule, "advertisement"))}
    assert len(formulas) == 9
    assert noisy == {
        "socialmetrix-high",
        "meltwater-social",
        "meltwater-editorial",
        "elastalert-frequency",
        "kommonpoll-negative-share",
    }


@pytest.mark.parametrize("desk", sorted({name.rpartition("-")[0] for name in presets()} - {""}))
def test_the_chinese_preset_judges_as_the_english_one(desk: str) -> None:
    """They differ in language, name and comment only, and both may be in force together."""
    english, chinese = load_rules(PRESETS / f"{desk}-en.yaml"), load_rules(PRESETS / f"{desk}-zh.yaml")
    assert [f"{rule.name}-zh" for rule in english] == [rule.name for rule in chinese]
    assert [_judgement(rule) for rule in english] == [_judgement(rule) for rule in chinese]


def _judgement(rule: Rule) -> Any:
    """Everything of a rule but its words and its language."""
    plain = msgspec.to_builtins(rule, enc_hook=str)
    for part in (plain, *plain.get("conditions", ())):
        part["scope"]["languages"] = ()
    return {name: value for name, value in plain.items() if name not in ("name", "about")}


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_rule_explains_itself_to_its_desk(name: str) -> None:
    """It says what it is for in its own language, has a sentence in both, a desk, and is looked at in its language."""
    rule = shipped()[name]
    chinese = name.endswith("-zh")
    assert rule.annotations.keys() == {"en", "zh"}
    assert bool(re.search("[\u4e00-\u9fff]", rule.about)) is chinese
    assert re.search("[\u4e00-\u9fff]", rule.annotations["zh"])
    assert rule.labels["desk"]
    assert rule.scope.subject != "entity" or rule.scope.min_relevance == 0.5 or name not in ours()
