"""Surges through windows of several lengths, with an allowance, and of news that nobody signed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.detect import beside
from alerts.rule_checks import contradictions
from alerts.rules import Duration, Surge
from alerts.stories import entry_of
from alerts.voices import voices
from streams.records import AlertEvent, Mention
from tests.unit.alerts.signals import engine, fold, mention, rule, tick

DAY = 1440
SURGE = "type: surge, window: 2h, min_count: 3, p: 0.001, keep_firing_for: 1h"


def bad(minutes: float, every: float, times: int, **fields: Any) -> list[Mention]:
    """So many negative stories, the first at a minute, then one every so many minutes."""
    return [mention(minutes + turn * every, f"bad-{turn}", **fields) for turn in range(times)]


def rung(body: str, signals: list[Mention], until: float, **words: str) -> list[AlertEvent]:
    """What a surge rings about after two calm weeks of four good stories a day."""
    calm = [mention(minute, f"calm-{minute}", 0.1) for minute in range(7, 16 * DAY, 360)]
    fed = sorted((*calm, *signals), key=lambda one: one.collected_at)
    events = fold(engine(rule(body, **words)), *(one for one in fed), tick(until))
    return [event for event in events if event.state == "firing"]


@pytest.mark.parametrize(
    ("every", "windows"),
    [
        (10, {7200, 21_600, 86_400}),  # a blow: the shortest window sees it first
        (90, {21_600, 86_400}),
        (200, {86_400}),  # slowly: only a day holds enough
    ],
)
def test_any_length_of_the_window_rings_and_is_told(every: float, windows: set[int]) -> None:
    """The alert speaks of the window that is furthest beyond its bound."""
    found = rung(f"{SURGE}, also: [6h, 1d]", bad(14 * DAY + 600, every, 7), 16 * DAY)
    assert len(found) == 1
    assert found[0].window_seconds in windows
    assert found[0].observed == found[0].documents
    assert not found[0].conditions


def test_one_length_alone_hears_what_fits_into_it() -> None:
    """What spreads over a day escapes a window of two hours."""
    assert not rung(SURGE, bad(14 * DAY + 600, 200, 7), 16 * DAY)


def test_an_allowance_expects_more_and_is_told() -> None:
    """The figure that an alert calls expected contains what is allowed for."""
    bare = rung(SURGE, bad(14 * DAY + 600, 5, 12), 16 * DAY)[0]
    allowed = rung(f"{SURGE}, allowance: 0.5", bad(14 * DAY + 600, 5, 12), 16 * DAY)[0]
    assert allowed.expected == pytest.approx((bare.expected or 0.0) + 0.5, abs=0.1)
    assert (allowed.bound or 0) > (bare.bound or 0)
    assert allowed.at > bare.at


@given(st.floats(0.01, 50.0), st.floats(0.1, 50.0), st.floats(0.0, 10.0))
def test_an_allowance_adds_its_own_variance_and_no_more(mean: float, size: float, allowance: float) -> None:
    """Mean and variance are those of a sum, and no allowance changes nothing."""
    whole, wider = beside(mean, size, allowance)
    assert whole == pytest.approx(mean + allowance)
    assert whole + whole**2 / wider == pytest.approx(mean + mean**2 / size + allowance)
    assert beside(mean, size, 0.0) == (mean, size)


@pytest.mark.parametrize(
    ("fields", "rings"),
    [
        ({"author": "", "kind": "news"}, True),
        ({"author": "", "kind": "chat"}, False),  # unnamed posts may all be of one account
        ({"author": "one", "kind": "news"}, False),
    ],
)
def test_each_story_of_unsigned_news_is_a_voice(fields: dict[str, str], rings: bool) -> None:
    """One newspaper that signs nothing is heard, one account is not."""
    body = f"{SURGE}, min_authors: 3"
    stories = bad(14 * DAY + 600, 5, 12, **fields)
    assert bool(rung(f"{body}, unsigned_news: story", stories, 16 * DAY)) == rings
    assert not rung(body, stories, 16 * DAY)


def test_voices_are_counted_by_author_then_by_story() -> None:
    """Two documents of one unsigned story are one voice, and so are two stories of one author."""
    told = [("a", "x", "news"), ("a", "y", "news"), ("", "z", "news"), ("", "z", "news"), ("", "v", "news")]
    told += [("", "p", "chat"), ("", "q", "chat")]
    entries = [
        entry_of(n, mention(n, str(n), author=author, kind=kind), story)
        for n, (author, story, kind) in enumerate(told)
    ]  # fmt: skip
    assert voices(entries) == 4  # a, two unsigned stories, and the source of the posts
    assert voices([]) == 0


def test_lengths_share_a_budget_and_say_nothing_where_there_is_one() -> None:
    """False alarms to live with are split among the windows, since each may ring."""
    several = rule(f"{SURGE}, also: [6h, 1d], false_per_week: 3")
    assert isinstance(several, Surge)
    assert [str(each.window) for each in several.lengths] == ["2h", "6h", "1d"]
    assert [each.false_per_week for each in several.lengths] == [1.0, 1.0, 1.0]
    assert several.reach == 86_400
    one = rule(SURGE)
    assert isinstance(one, Surge)
    assert one.lengths == one.looks == (one,)


@pytest.mark.parametrize(("also", "said"), [("2h", "already"), ("8d", "between"), ("30s", "between")])
def test_a_length_that_cannot_be_is_told(also: str, said: str) -> None:
    """A length that is there already, or out of bounds, names its place."""
    wrong = Surge(name="r", window=Duration.parse("2h"), also=(Duration.parse("6h"), Duration.parse(also)))
    assert [(field, said in str(fault)) for field, fault, _ in contradictions(wrong)] == [("also[1]", True)]
