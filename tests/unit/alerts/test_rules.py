"""Rule files: what is accepted, and how a fault is told."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerts.rule_files import SHIPPED, RuleError, in_force, load_rules, parse_rules
from alerts.rule_schema import json_schema
from alerts.rules import Duration, Surge, Threshold
from tests.unit.alerts.signals import rule

GOOD = "rules:\n  - name: a\n    type: threshold\n    scope: {subject: entity}\n    window: 30m\n    at_least: 5\n"


def test_the_shipped_rules_load_and_satisfy_their_own_schema() -> None:
    """What editors check and what the loader checks agree on the shipped file."""
    rules = load_rules(SHIPPED)
    assert {r.name for r in rules} >= {"entity-negative-surge", "entity-negative-share"}
    jsonschema.validate(yaml.safe_load((SHIPPED / "default.yaml").read_text()), json_schema())


def test_the_committed_schema_is_the_one_made_from_the_types() -> None:
    """An editor never checks against rules of yesterday."""
    assert json.loads((SHIPPED / "schema.json").read_text()) == json.loads(json.dumps(json_schema()))


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("threshold", "treshold"), 3, "unknown type 'treshold'; there are: threshold, share, surge, shift"),
        (("at_least", "at_leest"), 6, "unknown field 'at_leest'; did you mean 'at_least'?"),
        (("window: 30m", "windw: 30m"), 5, "did you mean 'window'?"),
        (("30m", "30 minutes"), 5, "expected a duration such as 30m, 2h or 1h30m, got '30 minutes'"),
        (("30m", "10s"), 5, "expected between 1m and 7d"),
        (("30m", "9d"), 5, "expected between 1m and 7d"),
        (("at_least: 5", "at_least: 0"), 6, "at_least: Expected `int` >= 1"),
        (("at_least: 5", "at_least: many"), 6, "Expected `int`, got `str`"),
        (("entity", "entety"), 4, "there are: entity, topic, source, list, market; did you mean 'entity'?"),
        (("{subject: entity}", "{subject: topic, ids: [earning]}"), 4, "unknown topic 'earning'; did you mean 'earn"),
        (("{subject: entity}", "{subject: entity, ids: [1]}"), 4, "got `int`; write it in quotes"),
        (("{subject: entity}", "{subject: entity, ids: ['entity:x']}"), 4, "without its prefix: x"),
        (("{subject: entity}", "{subjekt: entity}"), 4, "did you mean 'subject'?"),
        (("at_least: 5", "at_least: 5\n    severity: {critical: 2}"), 7, "one level must begin at 1"),
        (("at_least: 5", "at_least: 5\n    severity: {loud: 1}"), 7, "there are: info, warning, critical"),
        (("at_least: 5", "at_least: 5\n    count: story"), 7, "did you mean 'stories'?"),
        (("at_least: 5", "at_least: 5\n    labels: {baseline: x}"), 7, "set by the detector itself"),
        (("at_least: 5", "at_least: 5\n    at_least: 6"), 7, "'at_least' is given twice"),
        (("name: a", "name: A b"), 2, "name: Expected `str` matching"),
        (("name: a", "name: [a"), 3, "not valid YAML"),
        (("rules:", "ruls:"), 1, "expected `rules:` with a list of rules; did you mean 'rules'?"),
        (("name: a", "name: !!python/name:os.system"), 2, "YAML"),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_was_meant(change: tuple[str, str], line: int, words: str) -> None:
    """A table of mistakes people make."""
    with pytest.raises(RuleError) as caught:
        parse_rules(GOOD.replace(*change), "desk.yaml")
    fault = str(caught.value.faults[0])
    assert fault.startswith(f"desk.yaml:{line}: "), fault
    assert words in fault


def test_every_faulty_rule_is_told_in_one_go() -> None:
    """Nobody fixes a file one error at a time; two rules of one name are an error too."""
    text = GOOD + "  - {name: b}\n  - 7\n" + GOOD.removeprefix("rules:\n")
    with pytest.raises(RuleError) as caught:
        parse_rules(text, "f")
    assert [f.line for f in caught.value.faults] == [7, 8, 9]
    assert "exists already, at f:2" in str(caught.value)


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    """The setting names something that is not there."""
    with pytest.raises(RuleError, match="cannot be read"):
        load_rules(tmp_path / "none.yaml")
    with pytest.raises(RuleError, match="holds no rule file"):
        load_rules(tmp_path)


def test_names_that_yaml_1_1_reads_as_booleans_stay_names() -> None:
    """NO and ON are tickers."""
    found = parse_rules(GOOD.replace("{subject: entity}", "{subject: entity, ids: [NO, ON, on]}"))[0]
    assert found.scope.ids == ("NO", "ON", "on")
    assert found.covers("entity:ON")
    assert not found.covers("entity:OFF")
    assert not found.covers("topic:ON")


def test_another_text_of_a_rule_is_another_rule_and_comments_are_not() -> None:
    """The hash names what the rule says, not how it is written."""
    one = parse_rules(GOOD)[0]
    assert one.hash == parse_rules("# c\n" + GOOD.replace("30m", "0h30m"))[0].hash
    assert one.hash != parse_rules(GOOD.replace("5", "6"))[0].hash
    assert isinstance(one, Threshold)


def test_severity_grows_with_how_far_beyond() -> None:
    """Levels begin where the rule says; a single level is always that."""
    graded = rule("type: threshold, at_least: 5, window: 30m, severity: {info: 1, warning: 1.5, critical: 4}")
    assert [graded.level(x) for x in (1, 1.49, 1.5, 3.9, 4, 100)] == [
        "info", "info", "warning", "warning", "critical", "critical",
    ]  # fmt: skip
    assert rule("type: threshold, at_least: 5, window: 30m, severity: info").level(50) == "info"


@pytest.mark.parametrize("text", ["", "rules:", "[]", "x", "\x00", "rules: &a [*a]", "rules: " + "[" * 5000])
def test_hostile_and_empty_files_are_refused(text: str) -> None:
    """No file crashes the loader."""
    with pytest.raises(RuleError):
        parse_rules(text)


@pytest.mark.parametrize(
    "tag", ['!!int ""', '!!float ""', "!!bool maybe", '!!int "0b"', "!!timestamp 2026", "!!binary x"]
)
def test_tags_do_not_break_the_reader(tag: str) -> None:
    """A value that is none of the type it is said to be is a fault with its line, like any other."""
    with pytest.raises(RuleError) as refused:
        parse_rules(f"rules:\n- name: {tag}\n")
    assert [fault.line for fault in refused.value.faults] == [2]


def test_long_words_before_colons_are_refused() -> None:
    """Each value's place names the words around it: thirty thousand characters of one, fifteen thousand times, would
    fill the memory."""
    text = f"rules:\n- ? {'k' * 30_000}\n  : [{'1, ' * 15_000}]\n"
    with pytest.raises(RuleError, match="256 characters"):
        parse_rules(text)


def test_anchors_that_multiply_are_refused() -> None:
    """A small file cannot ask for a large memory."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
    )
    with pytest.raises(RuleError, match="too large"):
        parse_rules(bomb)


@given(st.integers(0, 10_000_000))
def test_a_duration_reads_back_as_it_is_written(seconds: int) -> None:
    """30m, 2h, 1d2h3m4s."""
    assert Duration.parse(str(Duration(seconds))) == Duration(seconds)


@given(st.text(max_size=60))
def test_any_text_is_rules_or_a_rule_error(text: str) -> None:
    """The loader never raises anything else."""
    with contextlib.suppress(RuleError):
        assert parse_rules(text)


def test_a_surge_counts_stories_and_a_share_needs_a_bound() -> None:
    """Values that are right one by one and wrong together."""
    with pytest.raises(RuleError, match="its baseline does"):
        rule("type: surge, window: 1h, count: authors")
    with pytest.raises(RuleError, match="needs at_least, over_baseline or both"):
        rule("type: share, window: 1h")
    assert isinstance(rule("type: surge, window: 1h"), Surge)


COMPOSED = """rules:
  - name: run
    type: all
    scope: {subject: entity, ids: [ACM]}
    conditions:
      - {type: surge, window: 2h, min_count: 5}
      - {type: threshold, window: 6h, at_least: 1, of: all, scope: {risks: [rumour]}}
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("", ""), ""),
        (("{risks: [rumour]}", "{subject: entity, risks: [rumour]}"), ""),
        (("window: 2h", "windw: 2h"), "did you mean 'window'"),
        (("window: 2h, ", ""), "conditions[0].window: expected between 1m and 7d, got 0"),
        (("{type: surge", "{name: x, type: surge"), "'name' belongs to the rule"),
        (("{type: surge", "{severity: info, type: surge"), "'severity' belongs to the rule"),
        (("{risks: [rumour]}", "{ids: [OTHER]}"), "write them in the scope of the rule"),
        (("{risks: [rumour]}", "{lists: [banks]}"), "write them in the scope of the rule"),
        (("at_least: 1", "at_least: 0"), "at_least"),
        (("type: surge", "type: any"), "unknown type 'any'"),
        (("2h", "''"), "expected a duration"),
        (("2h", "30"), "expected a duration"),
        (("type: all", "type: all\n    window: 2h"), "a composed rule has no window"),
    ],
)
def test_the_schema_and_the_loader_agree_on_composed_rules(change: tuple[str, str], said: str) -> None:
    """What an editor marks the loader refuses, and the other way round."""
    text = COMPOSED.replace(*change, 1)
    told = ""
    try:
        parse_rules(text)
    except RuleError as error:
        told = str(error)
    assert (said in told) if said else not told
    valid = jsonschema.Draft202012Validator(json_schema()).is_valid(yaml.safe_load(text))
    assert valid is (not told)


def test_a_word_in_the_scope_of_a_condition_is_looked_up_too() -> None:
    """A condition about a kind of trouble that no model knows would never hold."""
    with pytest.raises(RuleError, match=r"<rules>:7: .*unknown kind of risk event 'rumor'; did you mean 'rumour'"):
        parse_rules(COMPOSED.replace("rumour", "rumor"))


def test_who_is_on_a_list_is_not_the_text_of_a_rule() -> None:
    """Its hash stays when a company joins."""
    (written,) = parse_rules(GOOD.replace("{subject: entity}", "{subject: entity, lists: [banks]}"))
    one, two = (in_force([written], {"banks": frozenset(ids)})[0] for ids in (["A"], ["A", "B"]))
    assert one.scope.ids != two.scope.ids
    assert one.hash == two.hash == written.hash
