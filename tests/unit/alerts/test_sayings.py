"""What is wrong with a file of rules is said in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import alerts
from alerts.rule_files import RuleError, in_force, load_rules, parse_rules
from alerts.sayings import Saying, saying, sentences
from alerts.value_sayings import FORMS, of_value
from alerts.yaml_structs import Fault

AROUND = {"at", "hint", "kinds", "words"}
HAN = re.compile(r"[\u4e00-\u9fff]")
RULE = "rules:\n- name: quiet\n  type: threshold\n  window: 2h\n  at_least: 3\n  scope: {subject: entity}\n"
SHIFT = "rules: [{name: a, type: shift, window: 8h, scope: {subject: entity}, %s}]"
BROKEN = (
    "rules: [",
    "rules: {",
    "rules: 'x",
    "rules:\n\t- a",
    "a: b: c",
    "rules: []",
    "x",
    "rules: [x]",
    "rules: [{}]",
    "rulez: [1]",
    "include: x",
    "include: [../x.yaml]",
    "include: [preset:nowhere]",
    "rules: [{type: surge}]",
    "rules: [{type: surg}]",
    "rules: [!!int x]",
    "rules: [!!binary x]",
    "? [a]\n: b",
    "a: 1\na: 2",
    f"{'k' * 300}: 1",
    "[" * 40 + "]" * 40,
    *(
        RULE.replace(*pair)
        for pair in (
            ("quiet", "Quiet"),
            ("quiet", "1"),
            ("2h", "8d"),
            ("2h", "30 minutes"),
            ("2h", "0"),
            ("at_least: 3", "at_least: 0"),
            ("at_least: 3", "at_least: '3'"),
            ("at_least: 3", "at_leest: 3"),
            ("  at_least: 3\n", ""),
            ("entity", "entiti"),
            ("  scope: {subject: entity}\n", ""),
            ("{subject: entity}", "{subject: market, ids: [x]}"),
            ("{subject: entity}", "{}"),
            ("{subject: entity}", "{subject: topic, ids: [earning]}"),
            ("entity}", "entity, risks: [outige]}"),
            ("entity}", "entity, ids: ['entity:x']}"),
            ("entity}", "entity, keywords: [' ']}"),
            ("entity}", "topic, lists: [x]}"),
            ("entity}", "list}"),
            ("entity}", "entity, ids: [5]}"),
            ("2h", "2h\n  severity: {warning: 2}"),
            ("2h", "2h\n  severity: {warning: 1, critical: 1e999}"),
            ("2h", "2h\n  severity: {critical: 1, warning: 2}"),
            ("2h", "2h\n  severity: grave"),
            ("2h", "2h\n  labels: {baseline: x}"),
            ("2h", "2h\n  annotations: {en: '{nam}'}"),
            ("2h", "2h\n  about: ''\n  clear_at: 2"),
            ("2h", "2h\n  labels: {'': x}"),
        )
    ),
    RULE + RULE.removeprefix("rules:\n"),
    SHIFT % "count: authors",
    SHIFT.replace("shift", "share") % "count: authors",
    SHIFT.replace("8h", "1h") % "ratio: 2",
    SHIFT.replace("shift", "first_seen") % "what: risk, memory: 1h",
    SHIFT.replace("shift", "surge") % "also: [8h, 9d]",
    SHIFT.replace("shift", "spike") % "reference: 30d",
    SHIFT.replace("shift", "spike") % "count: authors, reference: 24h",
    SHIFT.replace("shift", "deviation") % "reference: 90m",
    SHIFT.replace("shift", "surge") % "also: [1h, 2h, 3h, 4h, 5h]",
    "rules: [{name: a, type: all, window: 1h, scope: {subject: entity}, conditions: [{type: share, window: 1h,"
    " name: b}, {type: share, window: 1h, scope: {subject: topic}}, 5]}]",
    "rules: [{name: a, type: all, window: 1h, scope: {subject: entity}, conditions:"
    " [{type: threshold, at_least: 2, window: 1h, scope: {ids: [x]}}, {type: threshold, at_least: 2, window: 2h}]}]",
    "rules: [{name: a, type: all, window: 1h, scope: {subject: entity}, conditions:"
    " [{type: threshold, at_least: 2, window: 1h}, {type: threshold, at_least: 2, window: 2h}]}]",
)


def faults(text: str) -> tuple[Fault, ...]:
    with pytest.raises(RuleError) as refused:
        parse_rules(text)
    return refused.value.faults


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def codes() -> set[str]:
    """Those that the sources name."""
    folder = Path(alerts.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    named = set(re.findall(r'(?:saying|_between)\(\s*"(\w+)"', text))
    return named | {code for code, _ in FORMS} | {"choice_of", "kind_text", "unknown_risk", "unknown_topic"}


def test_every_fault_has_both_languages() -> None:
    """With the same values in both; and there is no sentence that nobody says."""
    assert codes() == set(sentences()) - AROUND
    for code in {*codes(), "at", "hint"}:
        english, chinese = sentences()[code]["en"], sentences()[code]["zh"]
        assert placeholders(chinese) <= placeholders(english), code
        assert placeholders(english) - placeholders(chinese) <= {"what"}, code
        assert code in ("other", "at") or HAN.search(chinese), code


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_wrong_is_said_in_chinese_too(text: str) -> None:
    """Whatever is wrong, in the words of either language, and in English as ever."""
    for fault in faults(text):
        assert isinstance(fault.told, Saying)
        assert fault.told.code != "other", fault
        assert HAN.search(fault.said("zh")), fault
        assert not HAN.search(fault.said("en")), fault
        assert str(fault) == fault.shown("en")


def test_files_and_lists_that_are_not_there(tmp_path: Path) -> None:
    """Also what only the folder and the watchlist tell."""
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(RuleError) as refused:
            load_rules(path)
        assert all(HAN.search(fault.said("zh")) for fault in refused.value.faults)
    (tmp_path / "a.yaml").write_text("include: [b.yaml]\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"b.yaml: cannot be read: No such file") as refused:
        load_rules(tmp_path)
    assert refused.value.faults[0].said("zh") == "b.yaml：无法读取：没有这个文件"
    with pytest.raises(RuleError) as refused:
        in_force(parse_rules(RULE.replace("entity", "entity, lists: [piers]")), {"peers": ()})
    assert refused.value.faults[0].shown("zh").endswith("是否想写 'peers'？")


def test_kinds_of_values_are_words() -> None:
    """An analyst need not know what Python calls a number."""
    assert of_value("Expected `int`, got `str`").said("zh") == "应为整数，实际为文字"
    assert of_value("Expected `float | null`, got `array`").said("zh") == "应为数字或空，实际为列表"
    assert of_value("something new").said("zh") == "something new"


def test_what_was_written_is_shown_and_not_followed() -> None:
    """Braces and codes of a hostile text are text."""
    told = saying("unknown_field", word="{word.__class__}{0}\x1b[31m")
    assert told.said("en") == "unknown field '{word.__class__}{0}\\x1b[31m'"
    assert "\x1b" not in told.said("zh")
