"""Rules that compare a window with the subject's own recent counts, against the formulas as they are published."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rule_files import RuleError, parse_rules
from streams.records import AlertEvent, Mention, Signature, digest
from tests.unit.alerts.signals import at, engine, fold, mention, rule, tick, told

HOUR, DAY = 60, 24 * 60
SPIKE = "type: spike, count: documents, window: 1h, ratio: 3, min_count: 3"
DEVIATION = "type: deviation, count: documents, window: 1d, reference: 7d, k: 2, min_count: 1"


def rung(body: str, signals: list[Mention], until: float) -> list[AlertEvent]:
    """Events of one rule after these mentions and a last tick."""
    return fold(engine(rule(body)), *sorted(signals, key=lambda m: (m.collected_at, m.document)), tick(until))


def bad(minutes: list[float], name: str = "d", negative: float = 0.9) -> list[Mention]:
    """A document at each of these minutes."""
    return [mention(minute, f"{name}{n}", negative) for n, minute in enumerate(minutes)]


@pytest.mark.parametrize(
    ("before", "now", "more", "rings"),
    [
        (1, 3, "", True),  # three times one: the bound itself rings
        (2, 5, "", False),
        (2, 6, "", True),
        (0, 6, "", False),  # many times nothing says nothing
        (0, 6, ", min_reference: 0", True),
        (1, 4, ", min_reference: 2", False),
        (1, 2, ", negative_at: 0.95", False),  # nothing is negative enough
    ],
)
def test_a_spike_is_a_ratio_of_adjacent_windows(before: int, now: int, more: str, rings: bool) -> None:
    """ElastAlert's `find_matches`: cur >= ref * spike_height, cur >= threshold_cur and ref >= threshold_ref."""
    signals = bad([10 + n for n in range(before)], "b") + bad([100 + n / 10 for n in range(now)], "n")
    assert bool(rung(SPIKE + more, signals, 110)) is rings


def test_a_reference_of_another_length_is_taken_for_the_same_time() -> None:
    """Twelve in twelve hours are one in an hour: three are three times that, and the alert says all of it."""
    signals = bad([60 * n + 5 for n in range(12)], "b") + bad([12 * HOUR + 40 + n for n in range(3)], "n")
    events = rung(SPIKE + ", reference: 12h", signals, 12 * HOUR + 50)
    assert [(e.state, e.observed, e.expected, e.bound, e.beyond, e.unit, e.documents) for e in events] == [
        ("firing", 3.0, 1.0, 3.0, 1.0, "negative documents", 3)
    ]
    assert rung(SPIKE + ", reference: 6h", signals, 12 * HOUR + 50) != []


def test_what_makes_a_spike_is_told_and_what_it_would_not_be_without() -> None:
    """Evidence is of the window alone; without the story told most the ratio is not reached."""
    same = Signature(copy_key=digest("loud"))
    signals = bad([10], "b") + [mention(100 + n / 10, f"c{n}", signature=same) for n in range(5)] + bad([101], "n")
    (event,) = rung(SPIKE, signals, 102)
    assert (event.documents, event.stories, event.observed) == (6, 2, 6.0)
    assert event.counterfactual is not None
    assert (event.counterfactual.stops, event.counterfactual.observed) == (True, 1.0)


def test_a_spike_ends_when_the_reference_has_caught_up() -> None:
    """A plateau is no spike: it moves from the window into the reference."""
    plateau = bad([60 + 5 * n for n in range(60)], "p") + bad([10], "b")
    states = [state for _, state, _ in told(rung(SPIKE, plateau, 6 * HOUR))]
    assert [state for state in states if state != "updated"] == ["firing", "resolved"]


def test_a_late_document_in_the_reference_amends_the_alert() -> None:
    """It raises what is expected; it begins nothing."""
    signals = [*bad([10], "b"), *bad([100, 101, 102], "n"), tick(104), mention(20, "late"), tick(106)]
    events = fold(engine(rule(SPIKE)), *signals)
    assert [(s, r) for _, s, r in told(events)] == [("firing", "held"), ("resolved", "ended")]
    assert events[-1].expected == 2.0


@pytest.mark.parametrize("body", [SPIKE + ", min_reference: 0, learn: 3h", DEVIATION + ", apart: true, learn: 3h"])
def test_a_subject_that_is_followed_for_too_short_a_time_is_not_judged(body: str) -> None:
    """Its past is not empty but unknown: counted from the first mention on, in the rule's scope or not."""
    new = bad([60 + n for n in range(9)], "n")
    assert rung(body, new, 70) == []
    known = [mention(1, "good", 0.1), *bad([240 + n for n in range(9)], "n")]
    assert rung(body, known, 250) != []


@pytest.mark.parametrize("count", ["documents", "stories"])
def test_copies_count_for_documents_and_not_for_stories(count: str) -> None:
    """What the published formulas count, and what we would."""
    same = Signature(copy_key=digest("loud"))
    copies = [mention(100 + n / 10, f"c{n}", signature=same) for n in range(9)]
    assert bool(rung(SPIKE.replace("documents", count), bad([10]) + copies, 110)) is (count == "documents")


def test_a_steady_stream_deviates_from_nothing() -> None:
    """The bound must be exceeded: a spread of zero does not make the mean unusual."""
    steady = bad([HOUR * n + 1 for n in range(12 * 24)])
    assert [m for m, *_ in told(rung(DEVIATION, steady, 12 * DAY)) if m > 8 * DAY] == []


def test_a_deviation_tells_counts_of_the_whole_window() -> None:
    """Expected and bound are hourly figures times the hours of the window."""
    past = bad([HOUR * n + 1 for n in range(8 * 24)], "b")
    burst = bad([8 * DAY + 2 + n / 100 for n in range(100)], "n")
    first = [e for e in rung(DEVIATION + ", apart: true", past + burst, 8 * DAY + 30) if e.at > at(8 * DAY + 1)]
    assert [e.state for e in first] == ["firing"]
    # Seven days of one an hour: mean 1, no spread, so the first that is more than 24 in 24 hours rings.
    assert (first[0].observed, first[0].expected, first[0].bound) == (123.0, 24.0, 24.0)


def test_a_burst_within_one_hour_hides_behind_the_spread_that_it_makes() -> None:
    """As published, with the window in the reference: however much one hour holds, its own spread is more."""
    burst = bad([9 * DAY + n / 50 for n in range(1, 2000)], "n")
    low = DEVIATION.replace("k: 2", "k: 1.5").replace("min_count: 1", "min_count: 5")
    assert rung(low, bad([1], "first", 0.1) + burst, 9 * DAY + 59) == []
    long = bad([9 * DAY + 30 * n + 1 for n in range(40)], "n")
    assert rung(low, bad([1], "first", 0.1) + long, 10 * DAY) != []


def test_a_reference_that_lies_apart_does_not_hold_the_surge_itself() -> None:
    """Ten in a day after a quiet week: the window raises its own bound where it is a part of the reference."""
    burst = bad([9 * DAY + HOUR * n + 1 for n in range(6)], "n")
    quiet = bad([1], "first", 0.1)
    body = DEVIATION.replace("min_count: 1", "min_count: 5")
    assert rung(body, quiet + burst, 9 * DAY + 7 * HOUR) == []
    assert rung(body + ", apart: true", quiet + burst, 9 * DAY + 7 * HOUR) != []


def published(minutes: list[int], k: float) -> list[int]:
    """Minutes at which mean(last 24 h) > mean(7 d) + k * sd of hourly counts, by the book."""
    found = []
    for now in sorted(set(minutes)):
        counts = Counter(minute // HOUR for minute in minutes if minute <= now)
        hours = [counts[hour] for hour in range(now // HOUR - 167, now // HOUR + 1)]
        day = sum(now - DAY < minute <= now for minute in minutes) / 24
        if day > statistics.fmean(hours) + k * statistics.pstdev(hours) + 1e-9:
            found.append(now)
    return found


@given(
    st.lists(st.integers(1, 14 * DAY), min_size=1, max_size=60, unique=True),
    st.lists(st.integers(9 * DAY, 10 * DAY), max_size=60, unique=True),
    st.sampled_from([1.5, 2.0, 3.0]),
)
@settings(max_examples=40, deadline=None)
def test_a_deviation_is_the_published_formula(calm: list[int], burst: list[int], k: float) -> None:
    """Its first alert is at the first minute at which the formula, computed by the book, holds."""
    minutes = sorted({*calm, *burst})
    body = DEVIATION.replace("k: 2", f"k: {k}")
    events = rung(body, bad([float(m) for m in minutes]), 15 * DAY)
    expected = published(minutes, k)
    assert [m for m, s, _ in told(events) if s == "firing"][:1] == [float(m) for m in expected[:1]]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (SPIKE + ", reference: 29d", "the reference must be between 1m and 28d, got 29d"),
        (SPIKE + ", reference: 30s", "the reference must be between 1m"),
        (SPIKE.replace("documents", "authors") + ", reference: 12h", "distinct authors do not grow with time"),
        (DEVIATION.replace("7d", "90m") + ", apart: true", "the reference must be whole hours, got 1h30m"),
        (DEVIATION.replace("7d", "12h"), "the reference must be between 1d1h and 28d, got 12h"),
        (DEVIATION.replace("k: 2", "k: -1"), "k: .*>= 0"),
    ],
)
def test_a_reference_that_cannot_be_compared_is_refused(body: str, fault: str) -> None:
    """Told with the field and what would do."""
    with pytest.raises(RuleError, match=fault):
        parse_rules(f"rules: [{{name: r, scope: {{subject: entity}}, {body}}}]")
