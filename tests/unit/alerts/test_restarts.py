"""A restart at any moment, another density of ticks and another order of deletion change no alert."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine import Engine
from alerts.rules import Rule
from alerts.windows import Window
from streams.records import Mention, Signal, Signature, digest, encode
from tests.unit.alerts.signals import A, at, engine, fold, mention, numbered, rule, tick, told
from tests.unit.alerts.test_kinds import RISK, risky

DAY = 24 * 60
PAIR = rule("type: threshold, at_least: 2, window: 30m, keep_firing_for: 20m")


def run(rules: Sequence[Rule], signals: Sequence[Signal], restart: frozenset[int] | None = None) -> list[bytes]:
    """Every event; stopped and restored after the signals named, or after every one."""
    target = Engine(rules, lateness=0, channels=(A,))
    found: list[bytes] = []
    for offset, signal in enumerate(signals):
        found += [encode(e) for e in target.feed(signal, offset)]
        if restart is None or offset in restart:
            target = Engine.restore(target.snapshot(), rules, lateness=0, channels=(A,))
    return found


def test_a_late_document_counts_for_the_same_rules_after_a_restart() -> None:
    """The rule whose alert was open counts it; another that had none does not, before and after."""
    rules = (
        rule("type: threshold, at_least: 2, window: 30m", name="open"),
        rule("type: threshold, at_least: 4, window: 1h", name="closed"),
    )
    signals = [mention(1, "x"), mention(2, "y"), tick(5), mention(3, "late"), tick(6), mention(7, "z"), tick(8)]
    assert run(rules, signals) == run(rules, signals, frozenset())
    assert not any(b'"closed"' in event for event in run(rules, signals))


def test_a_replaced_revision_that_comes_again_is_not_counted_again() -> None:
    """Neither in the process that replaced it nor in the next one."""
    signals = [mention(1, "x", item="x"), mention(2, "y"), mention(2.5, "w"), tick(3), mention(4, "x2", 0.05, item="x"),
               tick(5), mention(1, "x", item="x"), tick(6)]  # fmt: skip
    assert run([PAIR], signals) == run([PAIR], signals, frozenset())
    assert [s for _, s, _ in told(fold(engine(PAIR), *signals))] == ["firing"]


def test_a_revision_that_comes_back_counts_again() -> None:
    """A source that takes its correction back says what it said first: the document is known, and newest."""
    signals = [mention(1, "x", item="x"), tick(3), mention(4, "x2", 0.05, item="x"), tick(5), mention(6, "x", item="x"),
               mention(6, "y"), tick(8)]  # fmt: skip
    assert run([PAIR], signals) == run([PAIR], signals, frozenset())
    assert [s for _, s, _ in told(fold(engine(PAIR), *signals))] == ["firing"]


BACK = "type: surge, window: 2h, min_count: 5"


@pytest.mark.parametrize("body", [BACK, RISK.replace("30d", "90d"), RISK])
def test_what_is_forgotten_does_not_depend_on_how_often_time_was_told(body: str) -> None:
    """A subject silent for fifty days, with one tick at the end or one an hour."""
    chosen = rule(body)
    past = [risky(m, f"o{m}", "outage") for m in range(1, 10 * DAY, DAY)]
    now = [risky(60 * DAY + n, f"n{n}", "litigation") for n in range(7)]
    dense = [tick(10 * DAY + 60 * hour) for hour in range(50 * 24)]
    sparse = fold(engine(chosen), *past, *now, tick(61 * DAY))
    assert sparse == fold(engine(chosen), *past, *dense, *now, tick(61 * DAY))
    assert bool(sparse) is (body != BACK)


def test_what_was_seen_outlives_the_counts_of_the_hours() -> None:
    """A kind of trouble of fifty days ago is known to a memory of ninety, though nobody spoke in between."""
    past = [risky(m, f"o{m}", "outage") for m in range(1, 10 * DAY, DAY)]
    hours = [tick(10 * DAY + 60 * hour) for hour in range(50 * 24)]
    chosen = rule(RISK.replace("30d", "90d"))
    assert fold(engine(chosen), *past, *hours, risky(60 * DAY, "n", "outage"), tick(61 * DAY)) == []


def test_what_no_rule_remembers_any_more_is_let_go_of() -> None:
    """Values of a first_seen rule do not pile up, and neither do subjects nor replaced revisions."""
    target = engine(rule("type: first_seen, what: source, window: 1h, memory: 2h, learn: 10m"))
    for minute in range(1, 3 * DAY, 30):
        fold(target, mention(minute, f"d{minute}", source=f"s{minute}", item="page"), tick(minute + 5))
    subject = target._state.subjects["entity:acme"]
    assert len(subject.runs) < 10
    assert len(target._subjects["entity:acme"].documents) == len(subject.entries) == 1
    fold(target, tick(500 * DAY))
    assert target.subjects == 0


BODIES = (
    "type: threshold, at_least: 3, window: 20m, for: 2m, keep_firing_for: 5m, clear_at: 0.5",
    "type: threshold, at_least: 2, window: 10m, ignore_stale: false, count: authors",
    "type: share, at_least: 0.4, over_baseline: 1.1, min_support: 3, window: 30m",
    "type: surge, window: 30m, min_count: 2, min_ratio: 1, p: 0.2, clear_at: 0.4, negative_at: 0.7",
    "type: first_seen, window: 30m, memory: 40m, learn: 5m, count: authors",
    "type: coordination, window: 30m, at_least: 3, max_author_share: 0.7",
    "type: spike, window: 20m, ratio: 1.5, min_count: 2, reference: 40m, clear_at: 0.5, learn: 30m",
    "type: deviation, window: 30m, reference: 2h, apart: true, k: 0.5, min_count: 2, count: documents",
    "type: deviation, window: 1h, reference: 3h, k: 0, min_count: 2, of: all",
    "type: any, conditions: [{type: first_seen, window: 1h, what: source}, {type: share, at_least: 0.8, window: 20m}]",
    "type: all, conditions: [{type: threshold, at_least: 2, window: 20m}, {type: share, at_least: 0.3, window: 1h}]",
)
RULES = numbered(BODIES)


def _signal(minute: int, number: int, delay: int, tone: float | None, risk: str, **fields: Any) -> tuple[int, Mention]:
    """When it arrives, and the mention."""
    known = {"author": f"a{number % 5}", "source": f"s{number % 3}", "risk": risk, "risk_confidence": 0.9}
    return minute + delay, mention(minute / 2, f"{number}/{minute}", tone, **known, **fields)


arrivals = st.builds(
    _signal,
    st.integers(1, 160),
    st.integers(0, 40),
    st.sampled_from([0, 0, 0, 3, 20]),  # half minutes too late
    st.sampled_from([0.95, 0.6, 0.1, None]),
    st.sampled_from(["none", "outage", "litigation"]),
    item=st.sampled_from(["", "", "p", "q"]),
    stale=st.sampled_from(["fresh", "fresh", "stale", "unknown"]),
    signature=st.integers(0, 9).map(lambda text: Signature(copy_key=digest(str(text)))),
)
logs = st.lists(arrivals, min_size=10, max_size=60).map(lambda found: sorted(found, key=lambda pair: pair[0]))


@settings(max_examples=40, deadline=None)
@given(logs, st.frozensets(st.integers(0, 130), max_size=12))
def test_a_restart_at_any_moment_changes_no_byte(log: list[tuple[int, Mention]], when: frozenset[int]) -> None:
    """Late, corrected, stale, copied and repeated documents among them."""
    signals: list[Signal] = []
    for arrival, told_ in log:
        signals += [tick(arrival / 2 - 0.25), told_]
    signals += [tick(200), *[m for _, m in log[:10]], tick(400)]
    assert run(RULES, signals, when) == run(RULES, signals, frozenset())


ALIKE = numbered(
    (
        "type: threshold, at_least: 2, window: 20m",
        "type: share, at_least: 0.4, over_baseline: 1.1, min_support: 2, window: 20m",
        "type: surge, window: 20m, also: [40m], min_count: 2, min_ratio: 1, p: 0.4, clear_at: 0.5",
        "type: first_seen, window: 40m, memory: 50m, learn: 5m, min_sources: 2",
        "type: any, conditions: [{type: threshold, at_least: 2, window: 40m}, {type: silence, window: 20m}]",
        "type: spike, window: 20m, ratio: 1.2, min_count: 1, reference: 40m, learn: 10m",
        "type: threshold, at_least: 2, window: 20m, ignore_stale: false",
    )
)


@settings(max_examples=40, deadline=None)
@given(logs, st.frozensets(st.integers(0, 130), max_size=6))
def test_rules_that_count_alike_share_their_sums_and_nothing_else(
    log: list[tuple[int, Mention]], when: frozenset[int]
) -> None:
    """The same alerts, byte for byte, where every rule counts for itself: with documents that come late for some rules,
    corrections and restarts."""
    signals: list[Signal] = []
    for arrival, told_ in log:
        signals += [tick(arrival / 2 - 0.25), told_]
    signals.append(tick(400))
    shared = run(ALIKE, signals, when)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Window, "share", lambda _window, _shared: None)
        assert run(ALIKE, signals, frozenset()) == shared


@settings(max_examples=40, deadline=None)
@given(logs)
def test_what_may_be_negative_is_counted_as_it_comes_and_goes(log: list[tuple[int, Mention]]) -> None:
    """Or a rule would be taken for out of reach. Late, corrected and forgotten mentions among them."""
    target = engine(*RULES)
    for arrival, told_ in log:
        fold(target, tick(arrival / 2 - 0.25), told_)
    fold(target, tick(90), mention(95, "last"), tick(100))
    for subject in target._subjects.values():
        assert subject.negatives == sum(entry.negative >= 500_000 for entry in subject.state.entries)


WEEKS = (
    rule("type: silence, window: 6h, at_most: 1, min_expected: 2, p: 0.2", name="quiet"),
    rule("type: shift, window: 6h30m, min_count: 2, at_least: 0.5, ratio: 1.5, of: all", name="level"),
    rule(
        "type: any, conditions: [{type: silence, window: 5h, min_expected: 2, p: 0.2}, "
        "{type: share, at_least: 0.5, window: 8h}]",
        name="mixed",
    ),
)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2 * DAY), st.sampled_from([0.9, 0.1]), st.sampled_from(["", "p"])),
        min_size=3,
        max_size=25,
        unique_by=lambda t: t[0],
    ),
    st.sets(st.integers(0, 2 * DAY), max_size=10),
)
def test_silences_and_shifts_are_the_same_at_any_density_of_ticks_and_restart(
    talk: list[tuple[int, float, str]], ticks: set[int]
) -> None:
    """After nine days of one story an hour."""
    past = [mention(60 * hour + 30, f"h{hour}", 0.2) for hour in range(9 * 24)]
    news = [mention(9 * DAY + m, f"n{m}", tone, item=item) for m, tone, item in sorted(talk)]
    timed = [(m.collected_at, m) for m in news] + [(at(9 * DAY + m), tick(9 * DAY + m - 0.001)) for m in ticks]
    dense = [s for _, s in sorted(timed, key=lambda pair: (pair[0], isinstance(pair[1], Mention)))]
    plain = run(WEEKS, [*past, *news, tick(12 * DAY)], frozenset())
    stops = frozenset(range(len(past) - 1, len(past) + len(dense)))
    assert run(WEEKS, [*past, *dense, tick(12 * DAY)], stops) == plain
    assert plain


def test_a_part_of_an_hour_in_the_window_of_a_shift_survives_a_restart() -> None:
    """Windows of no whole hours move on within the hour."""
    past = [mention(60 * hour + 30, f"h{hour}", 0.2) for hour in range(9 * 24)]
    news = [mention(9 * DAY + 7 * n, f"n{n}", 0.9) for n in range(90)]
    signals: list[Signal] = [*past]
    for story in news:
        signals += [story, tick((story.collected_at - at(0)) / timedelta(minutes=1) + 1)]
    assert run(WEEKS[1:2], signals, frozenset(range(len(past), len(signals), 3))) == run(
        WEEKS[1:2], signals, frozenset()
    )


def test_a_subject_that_is_spoken_of_too_much_forgets_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window holds what is not remembered, though it was not read for long: it could not be restored."""
    monkeypatch.setattr("alerts.subject.MOST_ENTRIES", 30)
    rules = (rule("type: threshold, at_least: 3, window: 2h"),)
    signals: list[Signal] = []
    for minute in range(1, 170, 5):
        signals += [mention(minute, f"f{minute}", 0.1), tick(minute + 1)]
    signals += [mention(171, "e1", 0.9), mention(171.1, "e2", 0.9), tick(172)]
    signals += [*(mention(173 + n / 100, f"p{n}", 0.1) for n in range(40)), tick(175)]
    before = len(signals)
    signals += [*(mention(176 + n / 10, f"n{n}", 0.9) for n in range(3)), tick(177)]
    assert run(rules, signals, frozenset({before - 1})) == run(rules, signals, frozenset())
    target = engine(*rules)
    assert [event.observed for event in fold(target, *signals)] == [3.0]
    assert len(target._subjects["entity:acme"].judges[0].windows[0].entries) <= 30


@pytest.mark.parametrize(
    "body", ["type: shift, window: 6h, at_least: 100, of: all", "type: surge, window: 3h, of: all"]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_history_that_began_within_an_hour_settles_alike(body: str, seed: int) -> None:
    """Around the hour from which on a baseline is computed less often a rule says what it would say after a restart."""
    drawn = random.Random(seed)
    began = 9 * 60 + 30
    settled = began + 48 * 60
    past = sorted(drawn.uniform(began, settled) for _ in range(40))
    lately = sorted(drawn.uniform(settled, settled + 420) for _ in range(30))
    rules = (rule(f"{body}, min_count: 2"),)
    target = engine(*rules)
    for number, minute in enumerate([began, *past, *lately]):
        fold(target, mention(minute, f"d{number}", 0.5), tick(minute + 0.001))
        if minute > settled - 120:
            restored = Engine.restore(target.snapshot(), rules, lateness=0, channels=(A,))
            lived, again = (each.asked("entity:acme", "r") for each in (target, restored))
            assert lived is not None
            assert again is not None
            assert lived[0] == again[0]


def test_a_correction_of_an_hour_that_is_over_reaches_the_sum_of_a_shift() -> None:
    """In the hour in which it was summed up, as after a restart."""
    rules = (rule("type: shift, window: 6h, min_count: 2, at_least: 100, ratio: 1.5, of: all"),)
    past = [mention(60 * hour + 30, f"h{hour}", 0.2) for hour in range(9 * 24)]
    past += [mention(9 * DAY - 120 + 10 * n, f"x{n}", item=f"i{n}") for n in range(8)]
    signals: list[Signal] = [*sorted(past, key=lambda m: m.collected_at), mention(9 * DAY + 5, "n0"), tick(9 * DAY + 6)]
    signals += [mention(9 * DAY + 10 + n, f"y{n}", 0.1, item=f"i{n}") for n in range(6)]
    signals.append(tick(9 * DAY + 20))
    target = engine(*rules)
    fold(target, *signals)
    again = Engine.restore(target.snapshot(), rules, lateness=0, channels=(A,))
    lived, restored = (each.asked("entity:acme", "r") for each in (target, again))
    assert lived is not None
    assert restored is not None
    assert lived[0] == restored[0]
