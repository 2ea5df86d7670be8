"""A rule in sentences: every number is the rule's, and both languages say all of it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rule_files import PRESETS, SHIPPED, load_rules, parse_rules, presets
from alerts.rules import Duration, Rule, Scope
from console.rule_display import brief
from console.rule_words import SECTIONS, sentences

SHIPPED_RULES = load_rules(SHIPPED, *(PRESETS / f"{name}.yaml" for name in presets()))
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_LANG", "en")


def rule(body: str, scope: str = "{subject: entity}") -> Rule:
    """One rule, in the words of a rule file."""
    return parse_rules(f"rules:\n  - {{name: r, scope: {scope}, {body}}}")[0]


def told(body: str, section: str, scope: str = "{subject: entity}") -> str:
    """One section about a rule."""
    return " ".join(sentences(rule(body, scope))[section])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("type: threshold, window: 30m, at_least: 3", "3 negative stories or more within 30m."),
        ("type: threshold, window: 30m, at_least: 1", "1 negative story or more"),
        ("type: threshold, window: 1h, at_least: 2000, of: all, count: authors", "2,000 authors or more within 1h."),
        (
            "type: share, window: 6h, at_least: 0.5, confidence: 0.9",
            "For certain (90%), at least 50% of the judged stories",
        ),
        ("type: share, window: 6h, over_baseline: 1.5", "at least 1.5 times the usual share of the judged stories"),
        (
            "type: share, window: 6h, at_least: 0.4, over_baseline: 2",
            "at least 40%, and at least 2 times the usual share,",
        ),
        ("type: surge, window: 2h, p: 0.002, min_count: 4", "(p = 0.002 or less) by what"),
        ("type: surge, window: 2h, false_per_week: 1, among: 84", "(p = 0.00014) that 84 subjects together"),
        ("type: surge, window: 2h, of: all", "More stories of any tone within 2h"),
        (
            "type: shift, window: 3d, at_least: 9",
            "3d, evidence for 2 times the usual adds up to 9, with 8 negative stories",
        ),
        ("type: silence, window: 12h", "Nothing at all within 12h, where 5 stories or more are usual"),
        ("type: silence, window: 12h, at_most: 2", "No more than 2 stories within 12h"),
        (
            "type: first_seen, window: 1d, what: topic, memory: 30d",
            "with a topic that the subject did not have for 30d",
        ),
        ("type: coordination, window: 1h, at_least: 25, max_author_share: 0.3", "25 copies by 7 authors at most."),
        (
            "type: spike, window: 1h, reference: 12h, count: documents",
            "5 negative documents or more within 1h, and 3 times or more what the 12h right before had",
        ),
        ("type: spike, window: 1h, min_reference: 4", "that time before had 4 negative stories or more."),
        ("type: deviation, window: 1d, k: 1.5", "more than 1.5 standard deviations above the mean of the hours of the"),
        ("type: deviation, window: 1d, apart: true", "the hours of the 7d before it."),
    ],
)
def test_each_kind_says_when_it_rings(body: str, words: str) -> None:
    """The condition with its numbers."""
    assert words in told(body, "begins")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "type: threshold, window: 1h, at_least: 3, severity: {warning: 1, critical: 2.5}",
            "critical from 8 negative stories on",
        ),
        (
            "type: threshold, window: 1h, at_least: 3, severity: {warning: 1, critical: 1.1}",
            "critical from 4 negative stories on",
        ),
        ("type: threshold, window: 1h, at_least: 3, severity: info", "Always info."),
        (
            "type: share, window: 6h, at_least: 0.4, severity: {info: 1, warning: 1.5}",
            "warning from a certain share of 60% on",
        ),
        ("type: share, window: 6h, at_least: 0.6, severity: {info: 1, warning: 2}", "warning: out of reach"),
        (
            "type: share, window: 6h, over_baseline: 2, severity: {info: 1, warning: 3}",
            "warning from 6 times the usual share",
        ),
        (
            "type: surge, window: 2h, min_count: 4, severity: {info: 1, warning: 2}",
            "warning from 8 negative stories (more where",
        ),
        ("type: shift, window: 2d, at_least: 6, severity: {info: 1, warning: 2}", "warning from a sum of 12 on"),
        (
            "type: silence, window: 2d, severity: {info: 1, warning: 4}",
            "warning from a silence where 20 stories are usual",
        ),
        ("type: coordination, window: 1h, severity: {info: 1, warning: 4}", "warning from 80 copies on"),
        (
            "type: spike, window: 1h, severity: {info: 1, warning: 4}",
            "warning from 20 negative stories (more where there",
        ),
    ],
)
def test_severity_grows_with_concrete_numbers(body: str, words: str) -> None:
    """Each level with the figure that reaches it, rounded up as the rule does; a share cannot exceed one."""
    assert words in told(body, "severity")


@pytest.mark.parametrize(
    ("body", "section", "words"),
    [
        ("min_sources: 2", "quiet", "fewer than 2 sources"),
        ("min_authors: 3", "quiet", "fewer than 3 authors"),
        ("min_share: 0.25", "quiet", "less than 25% of what was judged is negative"),
        ("min_support: 12", "quiet", "fewer than 12 stories were judged"),
        ("for: 10m", "quiet", "held for 10m"),
        ("count: documents", "begins", "3 negative documents or more"),
        ("negative_at: 0.7", "begins", "with a probability of 0.7"),
        ("ignore_stale: false", "looks_at", "counts too"),
        ("keep_firing_for: 2h", "ends", "has not held for 2h"),
        ("keep_firing_for: 0", "ends", "As soon as"),
        ("clear_at: 0.7", "ends", "down to 70%"),
    ],
)
def test_each_field_is_told(body: str, section: str, words: str) -> None:
    """What keeps a rule quiet and what ends it."""
    assert words in told(f"type: threshold, window: 1h, at_least: 3, {body}", section)


@pytest.mark.parametrize(
    ("scope", "words", "short"),
    [
        ("{subject: entity, ids: [AAPL]}", "These companies, each for itself: AAPL.", "companies: AAPL"),
        ("{subject: entity, lists: [banks]}", "Each company on the list banks", "companies on banks"),
        ("{subject: list, ids: [banks]}", "taken as one: banks.", "lists as one: banks"),
        ("{subject: market, kind: chat}", "Only chats and forums.", "everything as one (chats)"),
        ("{subject: topic, languages: [zh, de]}", "Only in Chinese, de.", "topics (Chinese, de)"),
        (
            "{subject: entity, risks: [data_breach], min_confidence: 0.7}",
            "sure of it to 70%",
            "companies (data breach)",
        ),
        ("{subject: entity, topics: [legal]}", "Only what is about", "companies ("),
        ("{subject: source, ids: [wire]}", "These sources, each for itself: wire.", "sources: wire"),
        ("{subject: entity, sources: [wire]}", "Only these sources: wire.", "companies"),
        ("{subject: entity, min_relevance: 0.7}", "relevance 0.7 or more", "companies"),
    ],
)
def test_the_scope_is_told_in_full_and_in_short(scope: str, words: str, short: str) -> None:
    """Who is looked at, and what of it."""
    made = rule("type: threshold, window: 1h, at_least: 3", scope)
    assert words in " ".join(sentences(made)["looks_at"])
    assert brief(made.scope).startswith(short)


def test_a_composed_rule_tells_each_condition_with_what_is_its_own() -> None:
    """Numbered; what the rule says already is not said again."""
    made = rule(
        "type: all, conditions: [{type: threshold, window: 3h, at_least: 4, min_authors: 3, scope: {risks: [rumour]}},"
        " {type: share, window: 6h, at_least: 0.6}], severity: {warning: 1, critical: 2}",
        "{subject: entity, kind: chat}",
    )
    said = sentences(made)
    assert said["begins"][:3] == [
        "All of these hold at once for one subject:",
        "1. 4 negative stories or more within 3h. Only what tells of rumour, by a model that is sure of it to 50% at"
        " least. From 3 authors at least.",
        "2. For certain (95%), at least 60% of the judged stories within 6h are negative: few of them prove little,"
        " many prove much.",
    ]
    assert said["severity"] == [
        "warning from 4 negative stories (condition 1) and a certain share of 60% (condition 2) on.",
        "critical: out of reach, no share is above 100%.",
        "The condition that is least beyond its bound decides.",
    ]


def test_one_condition_of_any_is_enough_for_a_severity() -> None:
    """What one of them cannot reach another can."""
    body = (
        "type: any, conditions: [{type: threshold, window: 1h, at_least: 4}, {type: share, window: 6h, at_least: 0.6}]"
    )
    assert "critical from 8 negative stories (condition 1) on." in told(body, "severity")


def test_needs_name_what_is_missing_on_the_first_day() -> None:
    """A list, a followed kind of subject, a history."""
    assert "TOCSIN_FOLLOW=source" in told("type: silence, window: 12h", "needs", "{subject: source}")
    assert "list banks" in told(
        "type: threshold, window: 1h, at_least: 2", "needs", "{subject: entity, lists: [banks]}"
    )
    assert "8 negative stories" in told("type: surge, window: 2h, min_count: 4", "needs")
    assert "followed the subject for 3d" in told("type: first_seen, window: 1d, learn: 3d", "needs")
    assert "followed the subject for 8d" in told("type: deviation, window: 1d, learn: 8d", "needs")
    assert "before the first mention" in told("type: spike, window: 1h, min_reference: 0", "needs")
    assert "history of 6d" in told("type: shift, window: 3d", "needs")
    assert told("type: threshold, window: 1h, at_least: 2, of: all", "needs") == "Nothing but what comes in."


@pytest.mark.parametrize("made", SHIPPED_RULES, ids=lambda made: made.name)
def test_every_shipped_rule_is_told_in_both_languages(made: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many sentences in one as in the other; the Chinese ones are Chinese."""
    english = sentences(made)
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    chinese = sentences(made)
    assert tuple(english) == tuple(chinese) == SECTIONS
    assert [len(said) for said in english.values()] == [len(said) for said in chinese.values()]
    for said in chinese.values():
        assert all(CHINESE.search(sentence) for sentence in said)


NAMES = st.text(min_size=1, max_size=12).filter(lambda s: ":" not in s)
LEAVES = st.one_of(
    st.fixed_dictionaries({"type": st.just("threshold"), "at_least": st.integers(1, 10**6)}),
    st.fixed_dictionaries({"type": st.just("share"), "at_least": st.floats(0.01, 0.99)}),
    st.fixed_dictionaries(
        {"type": st.just("surge"), "false_per_week": st.floats(0.01, 1000.0), "among": st.integers(1, 999)}
    ),
    st.fixed_dictionaries({"type": st.just("shift"), "ratio": st.floats(1.1, 100.0)}),
    st.fixed_dictionaries({"type": st.just("silence"), "min_expected": st.floats(0.1, 1e6)}),
    st.fixed_dictionaries({"type": st.just("first_seen"), "what": st.sampled_from(["risk", "topic", "source"])}),
    st.fixed_dictionaries({"type": st.just("coordination"), "max_author_share": st.floats(0.01, 1.0)}),
    st.fixed_dictionaries({"type": st.just("spike"), "ratio": st.floats(1.0, 1000.0), "reference": st.just("3d")}),
    st.fixed_dictionaries({"type": st.just("deviation"), "k": st.floats(0.0, 100.0), "apart": st.booleans()}),
).map(lambda leaf: leaf | {"window": "12h"})


@given(leaves=st.lists(LEAVES, min_size=1, max_size=4), ids=st.lists(NAMES, max_size=3), levels=st.floats(1.1, 50.0))
@settings(max_examples=60, deadline=None)
def test_any_rule_has_sentences(leaves: list[dict[str, Any]], ids: list[str], levels: float) -> None:
    """No section is empty, whatever the numbers."""
    body = leaves[0] if len(leaves) == 1 else {"type": "any", "conditions": leaves}
    entry = {"name": "r", "scope": {"subject": "entity", "ids": ids}, "severity": {"info": 1.0, "critical": levels}}
    made: Rule = msgspec.convert(entry | body, Rule, dec_hook=lambda _, value: Duration.parse(value))
    for said in sentences(made).values():
        assert said
        assert all(sentence.strip() for sentence in said)


def test_a_hidden_character_in_a_name_is_not_shown() -> None:
    """An id may come from a file that somebody else wrote."""
    assert brief(Scope(subject="source", ids=("wi\u202ere\x1b[31m",))) == "sources: wire[31m"
