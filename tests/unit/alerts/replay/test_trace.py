"""What a rule saw, minute by minute: the figures of the engine at its own steps, thinned without losing the worst."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.moments import micros
from alerts.replay.playback import Playback
from alerts.replay.trace import Point, minutes, shown_span, step_points, thinned, trace
from alerts.rules import Rule
from streams.records import AlertEvent, Mention
from tests.unit.alerts.signals import at, mention, rule
from tests.unit.alerts.test_properties import RULES, logs

THREE = rule("type: threshold, at_least: 3, window: 20m, keep_firing_for: 5m", name="three")
SURGE = rule("type: surge, window: 1h, min_count: 3, p: 0.01", name="surge")


def every_minute(log: Sequence[Mention], hours: float = 2) -> list[int]:
    return minutes(log[0].collected_at, log[-1].collected_at + timedelta(hours=hours), ())


def rung(rules: Sequence[Rule], log: Sequence[Mention]) -> list[AlertEvent]:
    """What a replay of the same mentions rings."""
    playback = Playback(rules, lateness=0)
    return [event for one in log for event in playback.mention(one)] + playback.finish(7200)


def agrees(point: Point, event: AlertEvent) -> bool:
    """Whether a point holds the figures of a step; one at which too little was counted to ask has no expectation."""
    if event.expected is None and point.expected is not None:
        return (point.observed, point.support, point.holds) == (event.observed, event.support, False)
    return (point.observed, point.expected, point.low, point.high, point.support, point.beyond) == (
        event.observed, event.expected, event.low, event.high, event.support, event.beyond,
    )  # fmt: skip


def test_the_figures_at_a_step_are_those_of_the_alert() -> None:
    """Observed, expected, interval and support of the minute it rang; and before it what there was."""
    log = [mention(60 * n, f"q{n}", 0.1) for n in range(24)]
    log += [mention(1500 + 3 * n, f"a{n}", author=f"p{n}") for n in range(9)]
    for one in (THREE, SURGE):
        found = trace([THREE, SURGE], one.name, "entity:acme", log, every_minute(log))
        fired = next(event for event in found.events if event.state == "firing")
        by_time = {point.at: point for point in found.points}
        assert agrees(by_time[fired.at], fired)
        assert by_time[fired.at].holds
        assert not by_time[fired.at - timedelta(minutes=1)].holds
        assert by_time[at(700)].observed == 0
    expected = [point.expected for point in found.points if point.at < at(1400)]
    assert None not in expected  # a surge is told what it would be measured against at quiet minutes, too


@settings(max_examples=30, deadline=None)
@given(logs, st.sampled_from([one.name for one in RULES]))
def test_every_step_of_a_replay_is_met(log: list[Mention], name: str) -> None:
    """Of any rule and any mentions, the steps are those of the replay, each with its figures where one window leads."""
    subject = "entity:w"
    own = sorted((one for one in log if one.subject == subject), key=lambda m: (m.collected_at, m.document))
    if not own:
        return
    found = trace(RULES, name, subject, own, every_minute(own))
    played = [event for event in rung(RULES, own) if event.rule == name]
    told = {event.id: event for event in played}
    assert {event.id for event in found.events} >= {event.id for event in played if event.at <= found.points[-1].at}
    for event in found.events:
        if event.id in told:
            assert event == told[event.id]
        like = trace(RULES, name, subject, own, [micros(event.at)], like=event) if event.reason != "corrected" else None
        if like is not None and not event.conditions:
            assert agrees(like.points[-1], event)


def test_where_several_windows_watch_one_is_followed() -> None:
    """Of a surge over two lengths the figures are always those of the length that spoke in the alert."""
    both = rule("type: surge, window: 1h, also: [4h], min_count: 3, p: 0.01", name="both")
    log = [mention(60 * n, f"q{n}", 0.1) for n in range(48)]
    log += [mention(2900 + 20 * n, f"a{n}", author=f"p{n}") for n in range(9)]
    like = next(event for event in rung([both], log) if event.state == "firing")
    found = trace([both], "both", "entity:acme", log, every_minute(log), like=like)
    alone = rule(f"type: surge, window: {like.window_seconds // 3600}h, min_count: 3, p: 0.01", name="both")
    same = trace([alone], "both", "entity:acme", log, every_minute(log))
    assert [(p.at, p.observed, p.expected) for p in found.points] == [
        (p.at, p.observed, p.expected) for p in same.points
    ]


def test_a_composed_rule_and_a_silence_are_told_as_far_as_they_go() -> None:
    """Figures of the condition that leads; a silence falls below what is usual."""
    composed = rule(
        "type: all, conditions: [{type: threshold, window: 30m, at_least: 2}, "
        "{type: threshold, window: 30m, at_least: 1, of: all}]",
        name="both",
    )
    quiet = rule("type: silence, window: 12h", name="quiet")
    log = [mention(30 * n, f"q{n}", 0.9) for n in range(24 * 2 * 9)]
    found = trace([composed], "both", "entity:acme", log, every_minute(log))
    assert not any(point.holds for point in found.points if point.observed < 2)
    still = trace([quiet], "quiet", "entity:acme", log, minutes(at(8 * 1440), at(11 * 1440), ()))
    last = still.points[-1]
    assert last.expected is not None
    assert last.holds
    assert last.observed == 0 < last.expected


def test_nothing_is_said_of_a_subject_before_it_was_mentioned() -> None:
    """No data is no zero."""
    assert trace([THREE], "three", "entity:acme", [], minutes(at(0), at(60), ())).points == ()


def test_the_span_shows_what_led_to_it_and_its_end() -> None:
    """Six windows before, three hours at least, a window behind the end; an open alert ends now."""
    (one, *_), log = [THREE], [mention(100 + n, f"d{n}") for n in range(3)]
    events = rung([one], log)
    begin, end = shown_span(events, at(10_000))
    assert (begin, end) == (events[0].since - timedelta(hours=3), events[-1].at + timedelta(minutes=20))
    assert shown_span(events[:1], at(500))[1] == at(500)
    assert shown_span(events, at(10_000), hours=1)[0] == events[0].since - timedelta(hours=1)


def test_minutes_are_bounded_and_hold_the_steps() -> None:
    """However long the span, no more than so many; a step between them is looked at exactly."""
    found = minutes(at(0), at(40 * 1440), [at(7), at(-5)], most=100)
    assert len(found) <= 101
    assert micros(at(7)) in found
    assert micros(at(-5)) not in found


@given(st.lists(st.floats(0, 5), min_size=1, max_size=900), st.integers(2, 300))
def test_thinning_keeps_the_worst_and_the_steps(values: list[float], most: int) -> None:
    """The furthest beyond the bound stays, and no stretch is shown more than once beside the steps."""
    blank = step_points([event_at(0)])[0]
    points = [replace(blank, at=at(n), observed=v, beyond=v, holds=v >= 1) for n, v in enumerate(values)]
    steps = {points[len(points) // 2].at}
    found = thinned(points, steps, most)
    assert len(found) <= max(most, 1) + len(steps)
    assert [p.at for p in found] == sorted(p.at for p in found)
    assert steps <= {p.at for p in found}
    assert len(points) <= most or max(p.beyond for p in found) == max(values) or steps


def event_at(minute: float) -> AlertEvent:
    """Any step of an alert."""
    log = [mention(minute + n / 10, f"d{n}") for n in range(3)]
    return rung([THREE], log)[0]
