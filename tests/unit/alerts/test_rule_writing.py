"""Rules written as a person would."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alerts.rule_files import PRESETS, SHIPPED, load_rules, parse_rules
from alerts.rule_writing import written
from alerts.rules import Duration, Rule, Scope, Threshold
from tests.unit.alerts.signals import rule

RULES = [r for path in (SHIPPED, *sorted(PRESETS.glob("*.yaml"))) if "_test" not in path.name
         for r in load_rules(path)]  # fmt: skip


@pytest.mark.parametrize("shipped", RULES, ids=lambda r: r.name)
def test_a_rule_that_is_written_and_read_is_the_same_rule(shipped: Rule) -> None:
    """By its hash: every field, conditions and their scopes too."""
    [read] = parse_rules(written(shipped))
    assert (read.name, read.hash) == (shipped.name, shipped.hash)


def test_only_what_differs_from_the_defaults_is_written() -> None:
    """In the order of the documentation; a list of words on one line."""
    found = written(rule("window: 30m, type: threshold, at_least: 3, min_share: 0", "{subject: entity, ids: [NO, B]}"))
    assert found == (
        "rules:\n  - name: r\n    type: threshold\n    scope:\n      subject: entity\n      ids: ['NO', B]\n"
        "    window: 30m\n    at_least: 3\n"
    )


@pytest.mark.parametrize("text", ["yes: no", "{braces} # and more", "  blanks ", "改变", "'quotes\"", "a\nb", "NO"])
def test_any_words_survive(text: str) -> None:
    """Annotations are free text."""
    import json

    [read] = parse_rules(written(rule(f"window: 1h, type: threshold, at_least: 3, about: {json.dumps(text)}")))
    assert read.about == text


@pytest.mark.parametrize("word", ["0E0", "1e5", "600941", "1.5", "yes", "null", "-", "a: b", "# no", "\u2028"])
def test_words_that_look_like_something_else_stay_words(word: str) -> None:
    """A label or a stock's code may be written 1e5: read again it is no number."""
    before = Threshold(name="a", at_least=3, window=Duration(60), labels={"desk": word})
    before = replace(before, scope=Scope(subject="entity", ids=(word,)))
    assert [each.hash for each in parse_rules(written(before))] == [before.hash]
