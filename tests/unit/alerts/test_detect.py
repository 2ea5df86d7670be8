"""Decisions: every reason, and sums that survive any order of coming and going."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.baseline import History, Profile, profile, tail
from alerts.decisions import Decision
from alerts.detect import enough
from alerts.judge import Judge
from alerts.moments import HOUR, MINUTE, micros
from alerts.rules import Rule
from alerts.shares import Rates
from alerts.stories import MILLION, UNJUDGED, Entry
from alerts.windows import Window
from tests.unit.alerts.signals import START, rule

NOW = micros(START) + 30 * 24 * HOUR


def entry(n: int, negative: float | None = 0.9, minutes: float = 1, **fields: object) -> Entry:
    """A mention so many minutes ago."""
    known = {
        "at": NOW - int(minutes * MINUTE), "document": f"d{n}", "story": f"s{n}", "source": f"w{n % 3}",
        "author": f"a{n}", "kind": "news", "lang": "en", "url": "", "headline": "",
        "negative": UNJUDGED if negative is None else round(negative * MILLION), "stale": False, "model": "m",
        "demo": False,
    }  # fmt: skip
    return Entry(**(known | fields))  # type: ignore[arg-type]


def quiet() -> Profile:
    """The baseline of a subject nobody writes about."""
    return profile(History(), micros(START), NOW - HOUR)


@dataclass
class Past:
    """What is known of a subject beyond the window."""

    usual: Profile = field(default_factory=quiet)
    history: History = field(default_factory=History)
    rates: dict[str, Rates] = field(default_factory=dict)
    runs: dict[str, tuple[int, int]] = field(default_factory=dict)

    def profile(self, filter_: str, until: int) -> Profile:
        return self.usual

    def hourly(self, filter_: str, of: int, first: int, last: int) -> list[int]:
        return [self.history.hours.get(hour, [0, 0, 0])[of] for hour in range(first, last)]

    def run(self, key: str) -> tuple[int, int] | None:
        return self.runs.get(key)

    def new(self, prefix: str, since: int) -> list[str]:
        return sorted(
            key.removeprefix(prefix) for key, run in self.runs.items() if key.startswith(prefix) and run[0] > since
        )


def ask(asked: Rule, *entries: Entry, usual: Profile | None = None, past: Past | None = None) -> Decision:
    """The rule's answer about these mentions."""
    judge = Judge(asked)
    for window in judge.windows:
        for e in sorted(entries, key=lambda e: e.at):
            window.add(e)
    known = past or (Past(usual) if usual else Past())
    return judge.decide(NOW, known)[0]


def many(count: int, negative: float | None = 0.9, start: int = 0) -> list[Entry]:
    """So many stories."""
    return [entry(start + n, negative) for n in range(count)]


SURGE = "type: surge, window: 1h, min_count: 5"


@pytest.mark.parametrize(
    ("body", "entries", "why"),
    [
        ("type: threshold, at_least: 3, window: 1h", [], "no_data"),
        ("type: threshold, at_least: 3, window: 1h", many(2), "below"),
        ("type: threshold, at_least: 3, window: 1h", many(3), "beyond"),
        ("type: threshold, at_least: 3, window: 1h", many(3, 0.49), "below"),
        ("type: threshold, at_least: 3, window: 1h, negative_at: 0.9", many(3, 0.9), "beyond"),
        ("type: threshold, at_least: 3, window: 1h, min_support: 4", many(3) + many(9, None, 50), "few_judged"),
        ("type: threshold, at_least: 3, window: 1h, min_sources: 3", [entry(n * 3) for n in range(4)], "few_sources"),
        (
            "type: threshold, at_least: 3, window: 1h, min_authors: 2",
            [entry(n, author="x") for n in range(4)],
            "few_authors",
        ),
        ("type: threshold, at_least: 3, window: 1h, min_share: 0.5", many(3) + many(4, 0.1, 50), "low_share"),
        ("type: threshold, at_least: 3, window: 1h, min_share: 0.5", many(3) + many(3, 0.1, 50), "beyond"),
        ("type: threshold, at_least: 2, window: 1h, count: authors", [entry(n, author="x") for n in range(9)], "below"),
        ("type: share, at_least: 0.5, window: 1h", many(2) + many(1, 0.1, 50), "uncertain"),
        ("type: share, at_least: 0.5, window: 1h", many(20) + many(10, 0.1, 50), "beyond"),
        ("type: share, at_least: 0.5, window: 1h", many(5) + many(25, 0.1, 50), "below"),
        ("type: share, over_baseline: 2, window: 1h", many(20) + many(10, 0.1, 50), "beyond"),
        ("type: share, over_baseline: 4, window: 1h", many(20) + many(10, 0.1, 50), "below"),
        (SURGE, many(4), "below"),
        (SURGE, many(5), "beyond"),
        (f"{SURGE}, of: all", many(5, 0.1), "beyond"),
        (f"{SURGE}, of: all", many(5, None), "beyond"),
        (f"{SURGE}, p: 1e-30", many(5), "usual"),
    ],
)
def test_every_reason_of_a_decision(body: str, entries: list[Entry], why: str) -> None:
    """The reason names what is missing."""
    decision = ask(rule(body), *entries)
    assert decision.why == why
    assert decision.holds is (why == "beyond")


@pytest.mark.parametrize(("body", "kept"), [
    ("{subject: entity, sources: [w1]}", 3), ("{subject: entity, languages: [zh]}", 0),
    ("{subject: entity, kind: chat}", 0), ("{subject: entity, kind: news}", 9), ("{subject: entity}", 9),
])  # fmt: skip
def test_the_scope_chooses_what_is_counted(body: str, kept: int) -> None:
    """Sources, languages and kinds outside the scope are not seen."""
    assert ask(rule("type: threshold, at_least: 1, window: 1h", scope=body), *many(9)).support == kept


def test_a_surge_needs_twice_the_count_while_history_is_short_and_says_so() -> None:
    """In the first week; before two windows of history what is usual for companies at large speaks."""
    began = NOW - HOUR
    none = profile(History(), began, NOW - HOUR)
    day = profile(History(), began - 24 * HOUR, NOW - HOUR)
    assert ask(rule(SURGE), *many(6), usual=none).why == "no_baseline"
    unknown = ask(rule(SURGE), *many(60), usual=none)
    assert (unknown.why, unknown.baseline) == ("beyond", "none")
    assert ask(rule(SURGE), *many(9), usual=day).why == "usual"
    warming = ask(rule(SURGE), *many(10), usual=day)
    assert (warming.why, warming.baseline) == ("beyond", "warming")


def test_as_many_as_usual_is_no_surge() -> None:
    """Ten stories in an hour ring for a quiet subject and not for one that has ten every hour."""
    history = History()
    for n in range(30 * 24 * 10):
        history.record(micros(START) + n * HOUR // 10, judged=True, negative=True)
    busy = profile(history, micros(START), NOW - HOUR)
    decision = ask(rule(SURGE), *many(12), usual=busy)
    assert (decision.why, decision.baseline) == ("usual", "seasonal")
    assert decision.expected == pytest.approx(10, rel=0.1)
    assert ask(rule(SURGE), *many(90), usual=busy).holds


def test_beyond_says_how_many_times_the_bound_was_reached() -> None:
    """One at the bound, two at twice the count that would have been enough."""
    assert ask(rule("type: threshold, at_least: 4, window: 1h"), *many(8)).beyond == 2.0
    assert ask(rule(SURGE), *many(5)).beyond == 1.0
    assert ask(rule(SURGE), *many(10)).beyond == 2.0


def test_a_story_is_as_negative_as_its_documents_on_average() -> None:
    """One angry copy among calm ones does not make a story negative; unjudged copies say nothing."""
    told = [entry(1, 0.9, story="s"), entry(2, 0.05, story="s"), entry(3, None, story="s")]
    calm = ask(rule("type: threshold, at_least: 1, window: 1h"), *told)
    assert (calm.why, calm.support) == ("below", 1)
    assert ask(rule("type: threshold, at_least: 1, window: 1h"), *told, entry(4, 0.9, story="s")).holds


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 8), st.sampled_from([None, 0.1, 0.5, 0.500001, 0.9])), max_size=60
    ),
    st.lists(st.integers(0, 90), max_size=5),
    st.sampled_from(["stories", "documents", "authors"]),
)
def test_a_window_that_slid_equals_one_filled_anew(
    log: list[tuple[int, int, float | None]], cuts: list[int], count: str
) -> None:
    """The sums kept up to date are those of the mentions that are left."""
    asked = rule(f"type: threshold, at_least: 1, window: 1h, count: {count}")
    entries = [
        entry(n, negative, 90 - at, story=f"s{who}", author=f"a{who}")
        for n, (at, who, negative) in enumerate(sorted(log, key=lambda row: row[0]))
    ]
    slid = Window(asked)
    for e in entries:
        slid.add(e)
    for cut in sorted(cuts):
        until = NOW - (90 - cut) * MINUTE
        slid.counter.slide(until)
        anew = Window(asked)
        for e in entries:
            if e.at > until:
                anew.add(e)
        assert (slid.negative, slid.judged, len(slid.units)) == (anew.negative, anew.judged, len(anew.units))
        assert slid.counted() == anew.counted()


@given(
    floor=st.integers(0, 30),
    mean=st.floats(0.001, 300.0),
    size=st.floats(0.2, 40.0),
    p=st.floats(1e-20, 0.5),
)
def test_a_bound_is_the_smallest_count_that_is_rare_enough(floor: int, mean: float, size: float, p: float) -> None:
    """Not one less, and never below the floor; also where rounding swallows the tail."""
    bound = enough(floor, mean, size, p)
    assert bound >= max(floor, 1)
    assert tail(bound, mean, size) <= p
    assert bound == max(floor, 1) or tail(bound - 1, mean, size) > p
