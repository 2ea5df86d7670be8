"""The kinds of rules through the engine: what makes each ring, and what keeps it quiet."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.rule_files import RuleError, in_force, parse_rules
from streams.records import AlertEvent, Mention, Signature, digest
from tests.unit.alerts.signals import engine, fold, mention, rule, tick, told

DAY = 24 * 60
WEEK = 7 * DAY
MONTH = 28 * DAY


def calm(days: int, every: int = 60, negative: float = 0.1, **fields: Any) -> list[Mention]:
    """One good story every so many minutes."""
    return [mention(m, f"calm{m}", negative, **fields) for m in range(1, days * DAY, every)]


def rung(rules: str, signals: list[Mention], until: float, **scope: Any) -> list[AlertEvent]:
    """Events of one rule after these mentions and a last tick."""
    return fold(engine(rule(rules, **scope)), *signals, tick(until))


RISK = "type: first_seen, what: risk, window: 1h, memory: 30d, learn: 7d"


def risky(minutes: float, name: str, risk: str, negative: float = 0.9, **fields: Any) -> Mention:
    """A story that tells of a kind of risk event."""
    return mention(minutes, name, negative, risk=risk, risk_confidence=0.9, **fields)


@pytest.mark.parametrize(
    ("before", "now", "rings"),
    [
        (None, "fraud_accounting", True),
        ("fraud_accounting", "fraud_accounting", False),
        ("litigation", "fraud_accounting", True),
        (None, "none", False),
    ],
)
def test_a_kind_of_risk_event_rings_when_it_is_new(before: str | None, now: str, rings: bool) -> None:
    """New for this company, not in general; what was seen within the memory is known."""
    past = calm(10) + ([risky(5 * DAY, "before", before)] if before else [])
    events = rung(RISK, sorted([*past, risky(11 * DAY, "now", now)], key=lambda m: m.collected_at), 12 * DAY)
    first = [e for e in events if e.state == "firing" and e.at.day == 16]
    assert bool(first) is rings
    if rings:
        assert (first[0].unit, first[0].observed, first[0].risks) == (
            "negative stories of a risk not seen before", 1.0, {now: 1},
        )  # fmt: skip


def test_what_was_forgotten_is_new_again_and_a_new_subject_has_nothing_new() -> None:
    """After the memory without it; and not before the subject was followed for the time to learn."""
    signals = [risky(10, "a", "outage"), *calm(2), risky(9 * DAY, "b", "outage"), risky(50 * DAY, "c", "outage")]
    events = rung(RISK, sorted(signals, key=lambda m: m.collected_at), 51 * DAY)
    assert [m for m, s, _ in told(events) if s == "firing"] == [50 * DAY]


def test_an_unsure_risk_is_not_seen() -> None:
    """Below `min_confidence` the model's word does not count."""
    unsure = mention(11 * DAY, "now", 0.9, risk="outage", risk_confidence=0.4)
    assert rung(RISK, [*calm(10), unsure], 12 * DAY) == []


COPIES = "type: coordination, window: 1h, at_least: 20, max_author_share: 0.3"


@pytest.mark.parametrize(
    ("copies", "authors", "rings"), [(20, 6, True), (19, 2, False), (40, 13, False), (40, 12, True)]
)
def test_many_copies_by_few_authors_are_coordination(copies: int, authors: int, rings: bool) -> None:
    """A story shared by many people is not; the bound itself rings."""
    same = Signature(copy_key=digest("the same words"))
    posts = [
        mention(i / 10, f"c{i}", 0.5, signature=same, author=f"a{i % authors}", kind="chat") for i in range(copies)
    ]
    events = rung(COPIES, posts, 10)
    assert bool(events) is rings
    if rings:
        assert (events[0].stories, events[0].documents, events[0].unit) == (1, copies, "copies of one story")
        assert events[0].counterfactual is not None
        assert events[0].counterfactual.stops


QUIET = "type: silence, window: 12h, at_most: 0, min_expected: 5, p: 0.001"


def test_a_subject_that_always_speaks_rings_when_it_falls_silent_and_ends_when_it_speaks() -> None:
    """With nothing new at all: time alone brings it, on a grid of five minutes."""
    quiet = tick(31 * DAY)
    again = [mention(31 * DAY + 7, "back", 0.1)]
    events = fold(engine(rule(QUIET)), *calm(30, 30), quiet, *again, tick(31 * DAY + 60))
    assert [(s, r) for _, s, r in told(events)] == [("firing", "held"), ("resolved", "ended")]
    began = told(events)[0][0] - 30 * DAY
    assert 11 * 60 < began <= 13 * 60
    assert (events[0].observed, events[0].unit, events[0].labels["baseline"]) == (0.0, "stories", "seasonal")
    assert told(events)[1][0] == 31 * DAY + 7


def test_the_silence_of_a_rare_speaker_or_of_a_new_one_says_nothing() -> None:
    """Fewer than `min_expected` in such a window, or less than a week of history."""
    assert fold(engine(rule(QUIET)), *calm(30, 8 * 60), tick(33 * DAY)) == []
    assert fold(engine(rule(QUIET)), *calm(3, 30), tick(5 * DAY)) == []


def test_silence_is_the_same_at_any_density_of_ticks() -> None:
    """One tick at the end, or one every few minutes."""
    speech = calm(30, 30)
    sparse = fold(engine(rule(QUIET)), *speech, tick(32 * DAY))
    dense = fold(engine(rule(QUIET)), *speech, *[tick(30 * DAY + m) for m in range(0, 2 * DAY + 1, 7)], tick(32 * DAY))
    assert sparse == dense != []


LEVEL = "type: shift, window: 2d, of: negative, ratio: 3, at_least: 6, min_count: 8"


def test_a_level_that_changed_rings_though_no_hour_is_unusual() -> None:
    """One negative story in eight hours becomes one in two: a surge never sees it."""
    past = [mention(m, f"old{m}", 0.9) for m in range(1, 28 * DAY, 8 * 60)]
    later = [mention(28 * DAY + m, f"new{m}", 0.9) for m in range(1, 2 * DAY, 100)]
    assert rung("type: surge, window: 2h, min_count: 4", past + later, 30 * DAY) == []
    events = rung(LEVEL, past + later, 30 * DAY)
    assert [s for _, s, _ in told(events)][:1] == ["firing"]
    assert events[0].unit == "negative stories since the level changed"
    assert events[0].expected is not None
    assert events[0].observed > 2 * events[0].expected
    assert rung(LEVEL, past, 30 * DAY) == []


BOTH = """type: all, conditions: [
  {type: threshold, at_least: 3, window: 30m},
  {type: threshold, at_least: 1, window: 2h, scope: {risks: [litigation]}}]"""
EITHER = BOTH.replace("type: all", "type: any")


@pytest.mark.parametrize(
    ("plain", "risks", "all_", "any_"),
    [(3, 0, False, True), (0, 1, False, True), (3, 1, True, True), (2, 0, False, False)],
)
def test_all_needs_every_condition_and_any_one(plain: int, risks: int, all_: bool, any_: bool) -> None:
    """Each condition has a window and a scope of its own; the alert tells what each said."""
    subject = "subject: entity"
    signals = [mention(i + 1, f"p{i}", 0.9) for i in range(plain)]
    signals += [risky(10 + i, f"r{i}", "litigation") for i in range(risks)]
    for body, rings in ((BOTH, all_), (EITHER, any_)):
        events = rung(body, signals, 15, scope=f"{{{subject}}}")
        assert bool(events) is rings
        if rings:
            assert [c.type for c in events[0].conditions] == ["threshold", "threshold"]
            assert events[0].kind == ("all" if body is BOTH else "any")


def test_the_stories_of_all_conditions_are_shown_and_the_counterfactual_covers_them() -> None:
    """What made a composed rule ring is the union of what its conditions counted."""
    signals = [mention(i + 1, f"p{i}", 0.9) for i in range(3)] + [risky(10, "r", "litigation")]
    (event,) = rung(BOTH, signals, 15)[:1]
    assert event.documents == 4
    assert event.counterfactual is not None
    assert event.counterfactual.stops


@pytest.mark.parametrize(
    ("scope", "counted"),
    [
        ("{subject: entity, risks: [outage]}", 1),
        ("{subject: entity, risks: [outage], min_confidence: 0.95}", 0),
        ("{subject: entity, topics: [legal]}", 2),
        ("{subject: entity, min_relevance: 0.5}", 2),
        ("{subject: entity}", 3),
    ],
)
def test_the_scope_narrows_by_risk_topic_and_relevance(scope: str, counted: int) -> None:
    """Each filter leaves out what it does not name."""
    signals = [
        risky(1, "a", "outage", topic="legal", topic_confidence=0.9),
        mention(2, "b", topic="legal", topic_confidence=0.8, relevance=0.4),
        mention(3, "c"),
    ]
    events = rung("type: threshold, at_least: 1, window: 30m", signals, 4, scope=scope)
    assert max((e.observed for e in events), default=0) == counted or (counted > 1 and events[0].observed == 1)


def test_a_rule_follows_the_companies_of_a_list_each_for_itself() -> None:
    """The list's companies stand in the rule in force; an unknown list is told with the one that was meant."""
    found = parse_rules(
        "rules: [{name: r, type: threshold, at_least: 1, window: 1h, scope: {subject: entity, lists: [banks]}}]"
    )
    (listed,) = in_force(found, {"banks": frozenset({"B", "A"})})
    assert listed.scope.ids == ("A", "B")
    assert listed.covers("entity:A")
    assert not listed.covers("entity:C")
    with pytest.raises(RuleError, match=r"no list 'banks'.*did you mean 'bank'"):
        in_force(found, {"bank": frozenset()})


def test_a_disabled_rule_is_not_in_force() -> None:
    """It is read and checked all the same."""
    text = "rules: [{name: r, enabled: false, type: threshold, at_least: 1, window: 1h, scope: {subject: entity}}]"
    assert len(parse_rules(text)) == 1
    assert in_force(parse_rules(text), {}) == ()


def test_hysteresis_bridges_what_wavers_around_the_bound() -> None:
    """With `clear_at: 0.5` three of four stories keep an alert; one does not."""
    signals = [mention(m, f"d{m}") for m in (1, 1.5, 2, 2.5, 12, 12.5, 30)]
    plain = rung("type: threshold, at_least: 4, window: 10m", signals, 60)
    steady = rung("type: threshold, at_least: 4, window: 10m, clear_at: 0.5", signals, 60)
    assert [s for _, s, _ in told(plain)] == ["firing", "resolved"]
    assert told(plain)[-1][0] < told(steady)[-1][0]


def test_annotations_are_filled_with_fields_and_nothing_else() -> None:
    """Braces in a headline or a name stay what they are."""
    body = "type: threshold, at_least: 2, window: 30m, annotations: {en: '{name}: {observed} {unit} in {window}'}"
    events = rung(body, [mention(i, f"d{i}", name="{rule} Corp") for i in (1, 2)], 5)
    assert events[0].annotations == {"en": "{rule} Corp: 2 negative stories in 30m"}


def test_the_severity_arithmetic_is_told() -> None:
    """Bound, how many times it was reached, and the ladder."""
    body = "type: threshold, at_least: 4, window: 30m, severity: {info: 1, critical: 2}"
    events = rung(body, [mention(1, f"d{i}") for i in range(9)], 5)
    (event,) = events
    assert (event.bound, event.beyond, event.ladder, event.severity) == (
        4.0, 2.25, {"info": 1.0, "critical": 2.0}, "critical",
    )  # fmt: skip


def test_what_was_left_out_is_counted() -> None:
    """Old, undated and unjudged documents of the window are told beside those that count."""
    signals = [mention(i, f"d{i}", stale="fresh") for i in (1, 2)]
    signals += [
        mention(3, "old", stale="stale"),
        mention(3, "undated", 0.1, stale="unknown"),
        mention(4, "x", None, stale="fresh"),
    ]
    (event,) = rung("type: threshold, at_least: 2, window: 30m, for: 4m", signals, 6)[-1:]
    assert (event.state, event.stale, event.unknown_dates, event.unjudged) == ("firing", 1, 1, 1)


def test_the_counterfactual_names_the_story_without_which_nothing_would_have_rung() -> None:
    """Counting documents, one story with many copies is what did it; counting stories, no single one is."""
    same = Signature(copy_key=digest("loud"))
    signals = [mention(1, f"c{i}", signature=same) for i in range(5)] + [mention(2, f"d{i}") for i in range(3)]
    (loud,) = rung("type: threshold, at_least: 6, window: 30m, count: documents", signals, 3)
    assert loud.counterfactual is not None
    assert (loud.counterfactual.stops, len(loud.counterfactual.documents), loud.counterfactual.observed) == (
        True,
        1,
        3.0,
    )
    assert loud.evidence[0].share == pytest.approx(5 / 8)
    (plain,) = rung("type: threshold, at_least: 2, window: 30m", signals, 3)[-1:]
    assert plain.counterfactual is not None
    assert (plain.counterfactual.stops, len(plain.counterfactual.documents)) == (True, 3)


def test_a_narrowed_rule_is_compared_with_what_its_scope_lets_through() -> None:
    """A source that only ever spoke Chinese is not silent in English; a level is that of the rule's own language."""
    speech = calm(15, 30, lang="zh")
    quiet = rule(QUIET, scope="{subject: entity, languages: [en]}")
    assert fold(engine(quiet), *speech, tick(16 * DAY)) == []
    past = [mention(m, f"zh{m}", 0.9, lang="zh") for m in range(1, 18 * DAY, 6 * 60)]
    english = [mention(m, f"en{m}", 0.9, lang="en") for m in range(14 * DAY, 18 * DAY, 60)]
    both = sorted([*past, *english], key=lambda m: (m.collected_at, m.document))
    assert rung(LEVEL, both, 18 * DAY, scope="{subject: entity, languages: [zh]}") == []
    assert rung(LEVEL, both, 18 * DAY) != []


def test_a_narrowed_first_seen_rule_learns_from_the_first_mention_on() -> None:
    """The first profit warning after two weeks of other news is new."""
    signals = [*calm(14), *[risky(14 * DAY + h, f"w{h}", "profit_warning") for h in (1, 2)]]
    assert rung(RISK, signals, 15 * DAY, scope="{subject: entity, risks: [profit_warning]}")[0].state == "firing"


def test_a_rule_that_comes_later_does_not_take_the_past_for_empty() -> None:
    """The history of a new filter begins when the rule does, not with the subject."""
    from alerts.engine import Engine
    from tests.unit.alerts.signals import A

    busy = [mention(m, f"b{m}", 0.9, lang="zh") for m in range(1, 20 * DAY, 10)]
    target = engine(rule("type: surge, window: 2h, min_count: 5, p: 0.001"))
    fold(target, *busy, tick(20 * DAY))
    later = rule(
        "type: surge, window: 2h, min_count: 5, p: 0.001", scope="{subject: entity, languages: [zh]}", name="late"
    )
    target = Engine.restore(target.snapshot(), [later], lateness=0, channels=[A])
    more = [mention(m, f"b{m}", 0.9, lang="zh") for m in range(20 * DAY + 1, 20 * DAY + 300, 10)]
    events = fold(target, *more, tick(20 * DAY + 301))
    assert [e for e in events if e.rule == "late" and e.state == "firing"] == []


def test_a_silence_shows_the_little_that_was_said() -> None:
    """Documents and stories are those of the observed figure, whatever their tone."""
    quiet = rule("type: silence, window: 12h, at_most: 2, min_expected: 5, p: 0.01")
    said = [mention(30 * DAY + 60 + n, f"little{n}", 0.1) for n in (1, 2)]
    first = fold(engine(quiet), *calm(30, 30), *said, tick(31 * DAY))[0]
    assert (first.state, first.observed, first.stories, first.documents) == ("firing", 2.0, 2, 2)
    assert first.counterfactual is None


def test_only_a_silence_begins_without_anything_new() -> None:
    """In a composed rule, too, good news growing old rings no bell."""
    either = rule(
        "type: any, conditions: [{type: silence, window: 12h}, {type: share, window: 1h, at_least: 0.5, "
        "confidence: 0.6}]"
    )
    signals = [mention(m / 10, f"good{m}", 0.1) for m in range(8)] + [mention(30 + m, f"bad{m}") for m in range(6)]
    assert fold(engine(either), *signals, tick(80)) == []


def test_the_story_without_which_a_level_would_not_have_changed_is_named() -> None:
    """The hours are counted without it: the last of just enough stories is what did it."""
    past = [mention(m, f"old{m}", 0.9) for m in range(1, 28 * DAY, 8 * 60)]
    later = [mention(28 * DAY + m, f"new{m}", 0.9) for m in range(1, 2 * DAY, 100)]
    first = rung(LEVEL, past + later, 30 * DAY)[0]
    assert first.counterfactual is not None
    assert first.counterfactual.stops
    assert first.stories == first.observed


def test_a_composed_rule_shows_of_each_condition_what_matters() -> None:
    """Of a condition about something new only what is new, not all that its window counts."""
    body = (
        "type: all, conditions: [{type: threshold, at_least: 2, window: 20m}, "
        "{type: first_seen, window: 12h, memory: 30d, learn: 7d}]"
    )
    signals = [*calm(10), risky(5 * DAY, "known", "outage"), risky(10 * DAY + 60, "before", "outage"),
               risky(10 * DAY + 300, "a", "litigation"), risky(10 * DAY + 301, "b", "litigation")]  # fmt: skip
    first = rung(body, sorted(signals, key=lambda m: m.collected_at), 11 * DAY)[0]
    assert (first.state, first.documents, first.risks) == ("firing", 2, {"litigation": 2})


def test_old_documents_are_compared_with_old_documents_and_a_tone_with_that_tone() -> None:
    """A rule that counts old articles, or another bound of tone, has the history of what it counts."""
    old = [mention(m, f"o{m}", 0.9, stale="stale") for m in range(1, 20 * DAY, 30)]
    surge = "type: surge, window: 6h, min_count: 5"
    assert [e for e in rung(surge + ", ignore_stale: false", old, 20 * DAY) if e.at.day > 20] == []
    mild = [mention(m, f"m{m}", 0.4) for m in range(1, 20 * DAY, 30)]
    assert [e for e in rung(surge + ", negative_at: 0.3", mild, 20 * DAY) if e.at.day > 20] == []


def test_a_surge_clears_at_its_part_of_the_bound() -> None:
    """Also where that is less than the least count that rings."""
    past = [mention(m, f"old{m}", 0.9) for m in range(1, 14 * DAY, 2 * DAY)]
    burst = [mention(14 * DAY + m, f"new{m}", 0.9) for m in (1, 2, 3, 40, 41, 42)]
    steady = rung("type: surge, window: 1h, min_count: 6, clear_at: 0.5", past + burst, 15 * DAY)
    assert [(m - 14 * DAY, s) for m, s, _ in told(steady)] == [(42, "firing"), (100, "resolved")]


@pytest.mark.parametrize(
    ("count", "rings"), [("stories", True), ("documents", True), ("authors", True), ("sources", False)]
)
def test_a_rule_counts_stories_documents_authors_or_sources(count: str, rings: bool) -> None:
    """Three stories by three people on two sources."""
    signals = [mention(i, f"d{i}", source=f"s{i % 2}") for i in (1, 2, 3)]
    events = rung(f"type: threshold, at_least: 3, window: 30m, count: {count}", signals, 5)
    assert bool(events) is rings
    if rings:
        assert events[0].unit == f"negative {count}"
