"""The fold: what rings, when, why, and that nothing else about the input matters."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine import Engine
from alerts.rule_files import in_force
from alerts.rules import Rule
from alerts.snapshots import SnapshotError
from streams.records import AlertEvent, Mention, Signal, Signature, digest, encode
from tests.unit.alerts.signals import A, B, at, engine, fold, mention, rule, tick, told

COUNT = rule("type: threshold, at_least: 3, window: 30m")


def texts(*minutes: float) -> list[Mention]:
    """One document at each of these minutes."""
    return [mention(m, f"d{m}") for m in minutes]


@pytest.mark.parametrize(("documents", "rings"), [(2, False), (3, True), (4, True)])
def test_a_threshold_rings_at_its_number_and_not_below(documents: int, rings: bool) -> None:
    """The bound itself rings, one less does not."""
    events = fold(engine(COUNT), *texts(*range(1, documents + 1)), tick(10))
    assert told(events) == ([(3, "firing", "held")] if rings else [])


@pytest.mark.parametrize(("first", "rings"), [(2, False), (2.01, True)])
def test_the_window_is_open_at_its_start_and_closed_at_its_end(first: float, rings: bool) -> None:
    """What is exactly one window old is out; the grid decides, not the arrival."""
    two = rule("type: threshold, at_least: 2, window: 30m")
    events = fold(engine(two), *texts(first, 32), tick(40))
    assert told(events)[:1] == ([(32, "firing", "held")] if rings else [])


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (4, [(3, "pending", "began"), (7, "resolved", "lapsed")]),
        (5, [(3, "pending", "began"), (8, "resolved", "lapsed")]),
        (6, [(3, "pending", "began"), (8, "firing", "held"), (9, "resolved", "ended")]),
        (9, [(3, "pending", "began"), (8, "firing", "held"), (12, "resolved", "ended")]),
    ],
)
def test_for_shorter_equal_and_longer_than_the_breach(held: int, expected: list[tuple[float, str, str]]) -> None:
    """A breach must still hold when `for` has passed."""
    patient = rule(f"type: threshold, at_least: 3, window: {held}m, for: 5m")
    assert told(fold(engine(patient), *texts(3, 2.9, 2.95), tick(60))) == expected


def test_keep_firing_bridges_a_gap_and_ends_after_it() -> None:
    """A re-trigger inside `keep_firing_for` goes on with the same alert; its clock starts anew."""
    kept = rule("type: threshold, at_least: 2, window: 5m, keep_firing_for: 10m")
    events = fold(engine(kept), *texts(1, 2, 12, 13), tick(60))
    assert told(events) == [(2, "firing", "held"), (26, "resolved", "ended")]
    events = fold(engine(kept), *texts(1, 2, 19, 20), tick(60))
    assert [s for _, s, _ in told(events)] == ["firing", "resolved", "firing", "resolved"]
    assert len({e.alert for e in events}) == 2


def test_updates_come_for_severity_at_once_and_for_doubled_evidence_after_a_while() -> None:
    """Severity by how far beyond; evidence that doubles is told again, at most every ten minutes."""
    graded = rule("type: threshold, at_least: 2, window: 2h, severity: {warning: 1, critical: 3}")
    events = fold(engine(graded), *texts(1, 2, 3, 4, 20, 22, 23, *range(40, 47)), tick(60))
    assert [(m, s, r, e.severity) for (m, s, r), e in zip(told(events), events, strict=True)] == [
        (2, "firing", "held", "warning"),
        (12, "updated", "doubled", "warning"),
        (22, "updated", "severity", "critical"),
        (44, "updated", "doubled", "critical"),
    ]
    assert [e.id for e in events] == [f"{events[0].alert}.{n}" for n in range(4)]


def test_a_burst_of_copies_is_one_story_and_does_not_ring() -> None:
    """Five hundred accounts repeating one negative text are one story."""
    same = Signature(copy_key=digest("spam"))
    copies = [mention(i / 50, f"c{i}", signature=same) for i in range(500)]
    assert fold(engine(COUNT), *copies, tick(30)) == []
    by_document = rule("type: threshold, at_least: 3, window: 30m, count: documents")
    assert fold(engine(by_document), *copies, tick(30))[0].stories == 1


def test_good_news_does_not_ring() -> None:
    """A burst of positive and neutral stories with a few complaints stays quiet."""
    good = [mention(i / 10, f"g{i}", 0.1) for i in range(200)] + [mention(i, f"b{i}") for i in range(1, 6)]
    gated = rule("type: threshold, at_least: 3, window: 30m, min_share: 0.3")
    assert fold(engine(gated, rule("type: share, at_least: 0.5, window: 30m")), *good, tick(40)) == []


def test_stale_items_do_not_ring_unless_asked_for() -> None:
    """An old article collected today is no news; of unknown age is its own class and counts."""
    old = [mention(i, f"o{i}", stale="stale") for i in range(1, 6)]
    unknown = [mention(i, f"u{i}", stale="unknown") for i in range(1, 6)]
    assert fold(engine(COUNT), *old, tick(10)) == []
    assert fold(engine(COUNT), *unknown, tick(10)) != []
    assert fold(engine(rule("type: threshold, at_least: 3, window: 30m, ignore_stale: false")), *old, tick(10)) != []


def test_unjudged_items_are_neither_negative_nor_support() -> None:
    """Text without a model's judgement is its own class."""
    foreign = [mention(i, f"f{i}", None) for i in range(1, 9)]
    supported = rule("type: threshold, at_least: 3, window: 30m, min_support: 4")
    assert fold(engine(COUNT, supported), *foreign, tick(10)) == []
    events = fold(engine(rule("type: threshold, at_least: 2, window: 30m")), *foreign, *texts(9, 10), tick(20))
    assert (events[0].support, events[0].documents) == (2, 2)


def test_a_late_mention_is_counted_and_not_used() -> None:
    """At or before its channel's tick less the lateness is late; a second later is not."""
    tolerant = engine(COUNT, lateness=120)
    fold(tolerant, tick(10), mention(8, "late"), mention(8.02, "in time"))
    assert tolerant.counters["late"] == 1
    assert tolerant.waiting == 1


def test_a_future_mention_waits_and_moves_nothing() -> None:
    """One document from next year does not empty the windows of today."""
    future = mention(500_000, "future")
    target = engine(COUNT)
    assert told(fold(target, future, *texts(1, 2, 3), tick(10))) == [(3, "firing", "held")]
    assert target.waiting == 1


def test_nothing_is_evaluated_until_every_channel_has_ticked() -> None:
    """The slowest channel decides what is known."""
    both = engine(COUNT, channels=(A, B))
    assert fold(both, *texts(1, 2, 3), tick(10)) == []
    assert both.watermark is None
    assert told(fold(both, tick(2, B))) == []
    assert told(fold(both, tick(3, B))) == [(3, "firing", "held")]


def test_a_subject_idle_for_long_is_forgotten() -> None:
    """Memory holds what windows and baselines need, no more."""
    target = engine(COUNT)
    fold(target, *texts(1, 2), tick(10))
    assert target.subjects == 1
    fold(target, tick(60 * 24 * 40))
    assert target.subjects == 0


def test_an_alert_of_a_removed_rule_is_resolved_with_that_reason() -> None:
    """Rules may change between runs; what rang under the old ones is closed, the mentions are kept."""
    first = engine(COUNT)
    rung = fold(first, *texts(1, 2, 3), tick(10))
    other = rule("type: threshold, at_least: 4, window: 30m")
    second = Engine.restore(first.snapshot(), [other], lateness=0, channels=[A])
    events = fold(second, mention(11, "d11"), tick(20))
    assert told(events) == [(11, "resolved", "rule_removed"), (11, "firing", "held")]
    assert events[0].alert == rung[0].alert != events[1].alert
    assert events[0].sequence == 1


def test_the_evidence_is_what_an_independent_count_finds() -> None:
    """Observed, support, documents, stories, sources and authors are recomputed from the input."""
    found = [
        mention(i, f"m{i}", [0.95, 0.2, None, 0.7][i % 4], source=f"s{i % 3}", author=f"a{i % 5}" if i % 2 else "",
                signature=Signature(copy_key=digest(f"k{i // 2}")))
        for i in range(1, 41)
    ]  # fmt: skip
    shared = rule("type: threshold, at_least: 2, window: 15m, severity: {warning: 1}")
    for event in fold(engine(shared), *found, tick(50)):
        if event.state == "resolved":
            continue
        inside = [m for m in found if event.at - timedelta(minutes=15) < m.collected_at <= event.at]
        stories: dict[str, list[Mention]] = defaultdict(list)
        for m in inside:
            stories[m.signature.copy_key].append(m)
        means = {k: [m.sentiment["negative"] for m in ms if m.sentiment] for k, ms in stories.items()}
        negative = {k for k, ps in means.items() if ps and sum(ps) / len(ps) >= 0.5}
        behind = [m for k in negative for m in stories[k]]
        assert event.observed == len(negative) == event.stories
        assert event.support == sum(bool(ps) for ps in means.values())
        assert event.documents == len(behind)
        assert event.sources == len({m.source for m in behind})
        assert event.authors == len({m.author or m.source for m in behind})
        assert all(e.copies == len(stories[next(m.signature.copy_key for m in behind if m.document == e.document)])
                   for e in event.evidence)  # fmt: skip
        assert event.models == ("opinion-en@1",)


RULES = (
    rule("type: threshold, at_least: 3, window: 20m, for: 2m, keep_firing_for: 5m"),
    rule("type: share, at_least: 0.4, min_support: 3, window: 30m", name="s"),
)

documents = st.builds(
    lambda minute, number, negative, subject, channel, copied: mention(
        minute / 2, f"{subject}{number}", negative, subject=f"entity:{subject}", channel=channel,
        signature=Signature(copy_key=digest(str(copied) if copied < 3 else f"{subject}{number}")),
    ),
    st.integers(1, 120), st.integers(0, 40), st.sampled_from([0.95, 0.6, 0.1, None]), st.sampled_from("xy"),
    st.sampled_from([A, B]), st.integers(0, 12),
)  # fmt: skip
logs = st.lists(documents, min_size=5, max_size=60, unique_by=lambda m: (m.document, m.subject))


def outcome(signals: list[Signal], rules: tuple[Rule, ...] = RULES) -> list[bytes]:
    """The alert log, as bytes, of a log of two channels that ends quiet."""
    target = Engine(rules, lateness=60, channels=(A, B))
    return [encode(e) for e in fold(target, *signals, tick(200, A), tick(200, B))]


@settings(max_examples=60, deadline=None)
@given(logs, st.data())
def test_order_within_the_lateness_duplicates_ticks_and_channels_change_nothing(
    log: list[Mention], data: st.DataObject
) -> None:
    """The same documents give the same alert log, byte for byte, however they arrive."""
    ordered = sorted(log, key=lambda m: (m.collected_at, m.document))
    plain = outcome(list(ordered))
    shuffled: list[Signal] = list(data.draw(st.permutations(ordered)))
    assert outcome(shuffled + shuffled + shuffled) == plain
    ticked: list[Signal] = []
    done = {A: 0.0, B: 0.0}
    for m in ordered:
        ticked.append(m)
        channel = data.draw(st.sampled_from([A, B]))
        done[channel] = max(done[channel], (m.collected_at - at(0)) / timedelta(minutes=1))
        if data.draw(st.booleans()):
            ticked.append(tick(done[channel], channel))
        if data.draw(st.booleans()):
            ticked.append(m)
    assert outcome(ticked) == plain
    apart: list[Signal] = [
        *(m for m in ordered if m.channel == A),
        tick(199, A),
        *(m for m in ordered if m.channel == B),
    ]
    assert outcome(apart) == plain


@settings(max_examples=60, deadline=None)
@given(logs, st.integers(1, 7))
def test_a_restart_at_every_step_gives_the_same_alerts(log: list[Mention], every: int) -> None:
    """Snapshot and restore after each record, and feed each record again: the same log comes out."""
    ordered = sorted(log, key=lambda m: (m.collected_at, m.document))
    signals: list[Signal] = []
    for index, m in enumerate(ordered):
        signals.append(m)
        if index % every == 0:
            now = (m.collected_at - at(0)) / timedelta(minutes=1)
            signals += [tick(now, A), tick(now, B)]
    plain = outcome(signals)
    target = Engine(RULES, lateness=60, channels=(A, B))
    events: list[AlertEvent] = []
    for offset, signal in enumerate([*signals, tick(200, A), tick(200, B)]):
        for _ in range(2):
            events += target.feed(signal, offset)
            target = Engine.restore(target.snapshot(), RULES, lateness=60, channels=(A, B))
    assert [encode(e) for e in events] == plain


def test_a_damaged_or_foreign_snapshot_is_refused() -> None:
    """Bytes that are no snapshot of this version raise, and never give a half-empty detector."""
    good = engine(COUNT).snapshot()
    for bad in (b"", b"x" * 40, good[:-3], good[:6] + b"\x09" + good[7:], good[:14] + b"\x01" + good[15:]):
        with pytest.raises(SnapshotError):
            Engine.restore(bad, [COUNT], lateness=0, channels=[A])


def test_a_company_that_leaves_a_list_ends_its_alerts_and_no_others() -> None:
    """The rule stays what it is for those that are still on the list."""
    written = rule("type: threshold, at_least: 2, window: 2h", scope="{subject: entity, lists: [banks]}")
    (before,) = in_force([written], {"banks": frozenset(["A", "B"])})
    target = engine(before)
    said = [mention(m, f"{name}{m}", subject=f"entity:{name}") for m in (1, 2) for name in "AB"]
    assert len(fold(target, *said, tick(3))) == 2
    (after,) = in_force([written], {"banks": frozenset(["B", "C"])})
    target = Engine.restore(target.snapshot(), [after], lateness=0, channels=(A,))
    events = fold(target, tick(5))
    assert [(e.subject, e.reason) for e in events] == [("entity:A", "rule_removed")]
