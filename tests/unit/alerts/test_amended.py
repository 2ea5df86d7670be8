"""Documents that come too late, or are replaced by their source, change alerts that stand, and begin none."""

from __future__ import annotations

from streams.records import Mention, encode
from tests.unit.alerts.signals import A, engine, fold, mention, rule, tick, told

COUNT = rule("type: threshold, at_least: 3, window: 30m, keep_firing_for: 10m")


def test_a_late_document_amends_the_alert_that_it_belongs_to() -> None:
    """It is counted at its place in time, and told with what it changes."""
    target = engine(COUNT)
    events = fold(target, *[mention(m, f"d{m}") for m in (1, 2, 3)], tick(10), mention(4, "late"), tick(11))
    assert told(events) == [(3, "firing", "held"), (11, "amended", "late_document")]
    assert (events[1].observed, events[1].alert, events[1].sequence) == (4.0, events[0].alert, 1)
    assert target.counters["late_used"] == 1
    again = fold(target, mention(4, "late"), tick(12))
    assert again == []
    assert target.counters["duplicate"] == 1


def test_a_late_document_begins_no_alert_and_one_before_the_window_changes_nothing() -> None:
    """What was not known then did not ring then."""
    target = engine(COUNT)
    assert fold(target, mention(1, "a"), mention(2, "b"), tick(10), mention(3, "late"), tick(40)) == []
    assert target.counters["late"] == 1
    target = engine(COUNT)
    fold(target, *[mention(m, f"d{m}") for m in (41, 42, 43)], tick(44))
    assert fold(target, mention(9, "long ago"), tick(45)) == []


def test_a_corrected_document_is_counted_no_longer() -> None:
    """The newest revision of an item stands for it: a retraction takes its story out and amends the alert."""
    target = engine(COUNT)
    rung = fold(target, *[mention(m, f"d{m}", item=f"i{m}") for m in (1, 2, 3)], tick(4))
    assert told(rung) == [(3, "firing", "held")]
    events = fold(target, mention(6, "d3 retracted", 0.05, item="i3"), tick(7))
    assert told(events) == [(6, "amended", "corrected")]
    assert (events[0].observed, events[0].state) == (2.0, "amended")
    assert [s for _, s, _ in told(fold(target, tick(60)))] == ["resolved"]


def test_an_edited_article_counts_once() -> None:
    """Ten revisions of one item are one story, however much their texts differ."""
    target = engine(COUNT)
    assert fold(target, *[mention(m, f"rev{m}", item="one") for m in range(1, 11)], tick(12)) == []


def test_a_restart_at_any_moment_amends_alike() -> None:
    """Late and corrected documents survive a snapshot."""
    from alerts.engine import Engine

    signals = [*[mention(m, f"d{m}", item=f"i{m}") for m in (1, 2, 3)], tick(10), mention(4, "late"), tick(11),
               mention(12, "d3 again", 0.05, item="i3"), tick(13), tick(60)]  # fmt: skip
    plain = [encode(e) for e in fold(engine(COUNT), *signals)]
    target = engine(COUNT)
    found: list[bytes] = []
    for offset, signal in enumerate(signals):
        found += [encode(e) for e in target.feed(signal, offset)]
        target = Engine.restore(target.snapshot(), [COUNT], lateness=0, channels=[A])
    assert found == plain
    assert len(plain) == 4


def test_a_late_revision_takes_the_place_of_the_earlier_one() -> None:
    """Of all revisions only the newest counts, also when it comes late; an older one that comes later is nothing."""
    pair = rule("type: threshold, at_least: 2, window: 30m, keep_firing_for: 20m")
    target = engine(pair)
    signals = [mention(1, "x", item="x"), mention(1, "y"), mention(1, "w"), tick(6)]
    fold(target, *signals)
    events = fold(target, mention(4, "x2", 0.05, item="x"), tick(7))
    assert [(e.state, e.reason, e.observed) for e in events] == [("amended", "corrected", 2.0)]
    assert fold(target, mention(3, "x1", item="x"), tick(8)) == []


def test_a_late_revision_counts_where_the_earlier_one_did_though_nothing_rings() -> None:
    """A late edit neither doubles its story nor takes it away; it begins nothing by itself."""
    target = engine(COUNT)
    assert fold(target, mention(1, "x", item="x"), mention(2, "y"), tick(6), mention(4, "x2", item="x"), tick(8)) == []
    assert told(fold(target, mention(9, "z"), tick(10))) == [(9, "firing", "held")]
    target = engine(COUNT)
    fold(target, mention(1, "x", item="x"), mention(2, "y"), tick(6), mention(4, "x2", 0.05, item="x"), tick(8))
    assert fold(target, mention(9, "z"), tick(10)) == []


def test_a_correction_that_ends_an_alert_is_told_before_the_end() -> None:
    """Whoever was rung learns that it was a retraction, not time, that ended it."""
    brief = rule("type: threshold, at_least: 3, window: 30m")
    signals = [*[mention(m, f"d{m}", item=f"i{m}") for m in (1, 2, 3)], tick(5), mention(6, "d3 gone", 0.05, item="i3")]
    assert told(fold(engine(brief), *signals, tick(7))) == [
        (3, "firing", "held"), (6, "amended", "corrected"), (6, "resolved", "ended"),
    ]  # fmt: skip


def test_a_retracted_kind_of_trouble_was_not_there() -> None:
    """The first real one rings; an edit that says the same again does not ring twice."""
    new = rule("type: first_seen, what: risk, window: 1h, memory: 30d, learn: 1d")
    day = 24 * 60

    def said(minutes: float, name: str, risk: str, item: str) -> Mention:
        return mention(minutes, name, risk=risk, risk_confidence=0.9, item=item)

    calm = [mention(m, f"calm{m}", 0.1) for m in range(1, 2 * day, 60)]
    false = said(2 * day + 1, "false", "outage", "a")
    real = said(9 * day, "real", "outage", "b")
    retracted = fold(engine(new), *calm, false, said(2 * day + 90, "sorry", "none", "a"), real, tick(10 * day))
    assert [m for m, s, _ in told(retracted) if s == "firing"] == [2 * day + 1, 9 * day]
    edited = fold(engine(new), *calm, false, said(2 * day + 90, "edit", "outage", "a"), real, tick(10 * day))
    assert [m for m, s, _ in told(edited) if s == "firing"] == [2 * day + 1]


def test_revisions_of_one_page_are_one_story_of_the_history_too() -> None:
    """A page rewritten every hour is no change of level; a retraction takes its story out of the sum."""
    level = rule("type: shift, window: 2d, ratio: 2, at_least: 3, min_count: 5, of: all")
    hour, day = 60, 24 * 60
    past = [mention(m, f"old{m}", 0.2) for m in range(1, 14 * day, 8 * hour)]
    live = [mention(14 * day + n * hour, f"rev{n}", 0.2, item="live") for n in range(40)]
    apart = [mention(14 * day + n * hour, f"rev{n}", 0.2, item=f"live{n}") for n in range(40)]
    assert fold(engine(level), *past, *live, tick(16 * day)) == []
    assert fold(engine(level), *past, *apart, tick(16 * day)) != []
