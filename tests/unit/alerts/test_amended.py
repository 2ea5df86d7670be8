"""Documents that come too late, or are replaced by their source, change alerts that stand, and begin none."""

from __future__ import annotations

from streams.records import encode
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
