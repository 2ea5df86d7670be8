"""Shortcuts change nothing: what is not looked at closer could not hold, and what is not asked again did not change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import judge
from alerts.decisions import Decision, Known
from alerts.engine import Engine
from alerts.judge import Judge
from alerts.rules import Rule
from alerts.stories import Entry
from alerts.subject import Subject
from alerts.windows import Window
from streams.records import Mention, Signal, encode
from tests.unit.alerts.signals import A, at, engine, fold, mention, numbered, rule, tick
from tests.unit.alerts.test_properties import BODIES, logs

# Alerts that stay open for long while nothing happens, of every kind that may be left alone meanwhile.
PATIENT = numbered(
    (
        "type: threshold, at_least: 2, window: 3h, keep_firing_for: 2h, clear_at: 0.5",
        "type: threshold, at_least: 2, window: 90m, for: 7m, keep_firing_for: 20m, count: authors, of: all",
        "type: share, at_least: 0.2, over_baseline: 1.1, min_support: 2, window: 4h, keep_firing_for: 3h",
        "type: surge, window: 5h, min_count: 2, min_ratio: 1, p: 0.4, keep_firing_for: 6h, clear_at: 0.4",
        "type: surge, window: 1h, also: [2h, 1d], min_count: 2, min_ratio: 1, p: 0.3, keep_firing_for: 12h",
        "type: shift, window: 6h, min_count: 2, at_least: 0.5, keep_firing_for: 3h",
        "type: first_seen, window: 3h, memory: 4h, learn: 10m, keep_firing_for: 2h",
        "type: first_seen, window: 1h, memory: 90m, learn: 10m, what: source, of: all, keep_firing_for: 2h",
        "type: coordination, window: 2h, at_least: 2, max_author_share: 0.9, keep_firing_for: 2h",
        "type: spike, window: 1h, reference: 3h, ratio: 1.2, min_count: 2, learn: 0, keep_firing_for: 2h",
    )
)


def told(rules: tuple[Rule, ...], log: list[Mention], every: int) -> list[bytes]:
    """The alert log, as bytes, with a tick after every few mentions and half a day of silence at the end."""
    signals: list[Signal] = []
    for index, one in enumerate(log):
        signals.append(one)
        if index % every == every - 1:
            signals.append(tick((one.collected_at - at(0)) / timedelta(minutes=1) - 0.01))
    target = Engine(rules, lateness=0, channels=(A,))
    return [encode(event) for event in fold(target, *signals, tick(16 * 60))]


def never(_window: Window, _decision: Decision, now: int, _known: Known) -> int:
    """As if nothing was known to stay: every open alert is asked every minute."""
    return now


@settings(max_examples=5, deadline=None)
@given(logs, st.integers(1, 40))
def test_an_alert_that_is_left_alone_is_told_as_if_it_were_asked_every_minute(log: list[Mention], every: int) -> None:
    """The same log, byte for byte, whether or not a decision is kept for the minutes in which it stays."""
    quick = told(PATIENT, log, every)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "steady", never)
        assert told(PATIENT, log, every) == quick


@settings(max_examples=12, deadline=None)
@given(logs)
def test_what_is_not_looked_at_closer_could_not_hold(log: list[Mention]) -> None:
    """The same log, byte for byte, when every window is looked at."""
    rules = numbered(BODIES)
    quick = told(rules, log, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subject, "within_reach", lambda _subject, _judge: True)
        assert told(rules, log, 5) == quick
        patch.setattr(Judge, "possible", property(lambda _: True))
        assert told(rules, log, 5) == quick


def test_time_does_not_stop_at_minutes_in_which_nothing_changes() -> None:
    """Of an alert that is open for ten hours few minutes are evaluated."""
    target = engine(rule("type: threshold, at_least: 2, window: 30m, keep_firing_for: 10h"))
    events = fold(target, mention(1, "a"), mention(2, "b"), tick(15 * 60))
    assert [event.reason for event in events] == ["held", "ended"]
    assert (events[-1].at - events[0].at) == timedelta(hours=10, minutes=28)
    assert target.counters["evaluated"] < 60


def test_a_subject_that_nobody_mentions_is_let_go_of_in_time() -> None:
    """Its mentions after the longest window, its hours when no baseline needs them: then nothing is left."""
    target = engine(rule("type: surge, window: 1h, min_count: 2"))
    fold(target, *(mention(n, f"d{n}", subject=f"entity:s{n}") for n in range(50)), tick(60))
    day = 24 * 60
    remembered = []
    for days in (1, 10, 30, 36):
        fold(target, tick(days * day))
        remembered.append(target.subjects)
    assert remembered == [50, 50, 50, 0]


def test_a_busy_subject_remembers_no_more_than_its_windows_and_baselines_need() -> None:
    """A year of mentions leaves the hours of five weeks and another to come, not of the year."""
    target = engine(rule("type: surge, window: 1h, min_count: 2"))
    day = 24 * 60
    for number in range(365):
        fold(target, *(mention(number * day + 60 * n, f"d{number}-{n}") for n in range(4)), tick((number + 1) * day))
    state = target._state.subjects["entity:acme"]
    assert len(state.entries) <= 4
    assert len(state.stories) <= 4
    assert all(len(past.hours) <= 4 * (35 + 7 + 1) for past in state.histories.values())


def test_entries_of_a_window_come_and_go() -> None:
    """Counts return to nothing when everything has left, whatever a unit was on the way."""
    window = Window(rule("type: share, at_least: 0.5, window: 1h, count: authors").leaves[0])
    tones = (900_000, -1, 50_000, 400_000, -1, 990_000)
    for number, negative in enumerate(tones):
        window.add(_entry(number, negative))
    assert (window.judged, window.negative, window.models) == (2, 1, {"m": 4})
    window.counter.slide(len(tones))
    assert (window.judged, window.negative, window.models, window.units) == (0, 0, {"m": 0}, {})


def _entry(number: int, negative: int) -> Entry:
    return Entry(
        at=number, document=f"d{number}", story=f"s{number}", source="wire", author=f"a{number % 2}", kind="news",
        lang="en", url="", headline="", negative=negative, stale=False, model="m", demo=False,
    )  # fmt: skip
