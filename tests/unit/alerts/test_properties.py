"""What must hold for any log, with every kind of rule in force."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.engine import Engine
from alerts.rules import LEVELS
from streams.records import AlertEvent, Mention, Signal, Signature, digest, encode
from tests.unit.alerts.signals import A, at, fold, mention, numbered, rule, tick

BODIES = (
    "type: threshold, at_least: 3, window: 20m, for: 2m, keep_firing_for: 5m, clear_at: 0.5",
    "type: share, at_least: 0.4, min_support: 3, window: 30m",
    "type: surge, window: 30m, min_count: 2, min_ratio: 1, p: 0.2",
    "type: shift, window: 6h, min_count: 2, at_least: 1",
    "type: silence, window: 30m, min_expected: 0.01, p: 0.5",
    "type: first_seen, window: 30m, memory: 2h, learn: 10m",
    "type: coordination, window: 30m, at_least: 3, max_author_share: 0.7",
    "type: spike, window: 20m, ratio: 1.5, min_count: 2, learn: 25m",
    "type: deviation, window: 1h, reference: 3h, k: 0.5, min_count: 2, count: documents",
    "type: all, conditions: [{type: threshold, at_least: 2, window: 20m}, {type: share, at_least: 0.3, window: 1h}]",
    "type: any, conditions: [{type: threshold, at_least: 6, window: 1h}, {type: share, at_least: 0.9, window: 20m}]",
)
RULES = numbered(BODIES)
LAST = 12 * 60
TONES: tuple[float | None, ...] = (0.95, 0.6, 0.1, None)


def _mention(minute: int, number: int, tone: float | None, subject: str, text: int, risk: str) -> Mention:
    if text < len(TONES):  # a text is judged alike wherever it is copied
        tone = TONES[text]
    words = str(text) if text < len(TONES) else f"{subject}{number}"
    return mention(
        minute / 2, f"{subject}{number}", tone, subject=f"entity:{subject}", author=f"a{number % 7}", risk=risk,
        risk_confidence=0.9, signature=Signature(copy_key=digest(words)),
    )  # fmt: skip


documents = st.builds(
    _mention,
    st.integers(1, 160),  # half minutes: dense enough for every kind to ring now and then
    st.integers(0, 90),
    st.sampled_from(TONES),
    st.sampled_from("wwwxxyz"),
    st.integers(0, 12),
    st.sampled_from(["none", "outage", "litigation"]),
)
logs = st.lists(documents, min_size=20, max_size=80, unique_by=lambda m: (m.document, m.subject)).map(
    lambda log: sorted(log, key=lambda m: (m.collected_at, m.document))
)


def alerts(log: list[Mention], every: int = 5) -> list[AlertEvent]:
    """All events of a log with a tick after every few mentions, and at the end."""
    signals: list[Signal] = []
    for index, m in enumerate(log):
        signals.append(m)
        if index % every == every - 1:
            signals.append(tick((m.collected_at - at(0)) / timedelta(minutes=1) - 0.01))
    return fold(Engine(RULES, lateness=0, channels=(A,)), *signals, tick(LAST))


def by_subject(events: list[AlertEvent]) -> dict[str, list[bytes]]:
    """Each subject's events, as bytes."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for event in events:
        found[event.subject].append(encode(event))
    return dict(found)


@settings(max_examples=40, deadline=None)
@given(logs)
def test_the_same_log_gives_the_same_bytes(log: list[Mention]) -> None:
    """Twice, and at another density of ticks."""
    once = [encode(e) for e in alerts(log)]
    assert [encode(e) for e in alerts(log)] == once
    assert [encode(e) for e in alerts(log, every=1000)] == once


@settings(max_examples=40, deadline=None)
@given(logs)
def test_the_alerts_of_a_subject_depend_on_no_other_subject(log: list[Mention]) -> None:
    """Alone, or among others: the same events, byte for byte."""
    together = by_subject(alerts(log))
    for subject in {m.subject for m in log}:
        alone = by_subject(alerts([m for m in log if m.subject == subject]))
        assert alone.get(subject, []) == together.get(subject, [])


@settings(max_examples=40, deadline=None)
@given(logs, st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_partitioning_changes_nothing(log: list[Mention], places: list[int]) -> None:
    """Whichever detector follows which subject, the alerts are the same."""
    of = dict(zip(("entity:w", "entity:x", "entity:y", "entity:z"), places, strict=True))
    apart: dict[str, list[bytes]] = {}
    for place in set(places):
        apart |= by_subject(alerts([m for m in log if of[m.subject] == place]))
    assert apart == by_subject(alerts(log))


@settings(max_examples=40, deadline=None)
@given(logs, st.data())
def test_redelivery_changes_nothing(log: list[Mention], data: st.DataObject) -> None:
    """Any record may come again, soon or late, under a new offset."""
    target = Engine(RULES, lateness=0, channels=(A,))
    again = data.draw(st.lists(st.integers(0, len(log) - 1), max_size=20))
    signals: list[Signal] = [*log]
    for at_ in again:
        signals.insert(data.draw(st.integers(at_, len(signals))), log[at_])
    events = fold(target, *signals, tick(LAST), *log, tick(LAST + 1))
    plain = fold(Engine(RULES, lateness=0, channels=(A,)), *log, tick(LAST), tick(LAST + 1))
    assert [encode(e) for e in events] == [encode(e) for e in plain]


STORIES = tuple(rule(body, name=f"s{n}") for n, body in enumerate(BODIES[:3]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), min_size=3, max_size=40), st.randoms())
def test_permuting_copies_of_a_story_does_not_raise_severity(posts: list[tuple[int, int]], chance: Any) -> None:
    """A text is judged alike wherever it is copied; who copies it when is no reason to ring louder."""

    def told(order: list[int]) -> int:
        signals = [
            mention(posts[place][0] / 4, f"p{n}", 0.9 if posts[n][1] % 2 else 0.2, author=f"a{n}",
                    signature=Signature(copy_key=digest(f"text {posts[n][1]}")))
            for n, place in enumerate(order)
        ]  # fmt: skip
        events = fold(Engine(STORIES, lateness=0, channels=(A,)), *signals, tick(60))
        return max((LEVELS.index(e.severity) for e in events if e.state in ("firing", "updated")), default=-1)

    order = list(range(len(posts)))
    plain = told(order)
    groups: dict[int, list[int]] = defaultdict(list)
    for n, (_, text) in enumerate(posts):
        groups[text].append(n)
    shuffled = order[:]
    for members in groups.values():
        mixed = members[:]
        chance.shuffle(mixed)
        for here, there in zip(members, mixed, strict=True):
            shuffled[here] = order[there]
    assert told(shuffled) == plain


@settings(max_examples=60, deadline=None)
@given(logs, st.lists(st.integers(0, 59), min_size=1, max_size=30))
def test_more_copies_of_what_is_there_do_not_raise_severity(log: list[Mention], which: list[int]) -> None:
    """A thousand accounts that repeat a text at its own minute make no story more than one."""
    loudest = dict.fromkeys({m.subject for m in log}, 0)

    def told(signals: list[Mention]) -> dict[str, int]:
        found = dict(loudest)
        for event in fold(Engine(STORIES, lateness=0, channels=(A,)), *signals, tick(LAST)):
            found[event.subject] = max(found[event.subject], 1 + LEVELS.index(event.severity))
        return found

    copies = [
        replace(log[n % len(log)], document=digest(f"copy {turn}"), author=f"bot{turn}") for turn, n in enumerate(which)
    ]
    assert told(sorted([*log, *copies], key=lambda m: (m.collected_at, m.document))) == told(log)
