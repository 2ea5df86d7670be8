"""What an alert shows."""

from __future__ import annotations

from alerts.evidence import SHOWN
from streams.records import AlertEvent, Signature, decode, digest, encode
from tests.unit.alerts.signals import engine, fold, mention, rule, tick

THREE = rule("type: threshold, at_least: 3, window: 30m")


def test_the_loudest_story_comes_first_by_its_most_negative_document() -> None:
    """Most copies, then most negative; the earliest of equals represents."""
    loud = Signature(copy_key=digest("loud"))
    signals = [
        mention(1, "quiet", 0.99),
        mention(2, "a", 0.7, signature=loud),
        mention(3, "b", 0.9, signature=loud, source="other"),
        mention(4, "c", 0.9, signature=loud),
        mention(5, "mild", 0.6),
    ]
    (event,) = fold(engine(THREE), *signals, tick(6))
    assert [(e.document, e.copies, e.negative) for e in event.evidence] == [
        (digest("b"), 3, 0.9),
        (digest("quiet"), 1, 0.99),
        (digest("mild"), 1, 0.6),
    ]
    assert event.evidence[0].headline == "about b"
    assert (event.documents, event.stories, event.sources, event.authors) == (5, 3, 2, 5)


def test_only_the_first_few_stories_are_shown_and_all_are_counted() -> None:
    """The index has the rest."""
    (event,) = fold(
        engine(rule("type: threshold, at_least: 9, window: 30m")), *[mention(1, f"d{i}") for i in range(9)], tick(2)
    )
    assert (len(event.evidence), event.stories) == (SHOWN, 9)


def test_an_event_survives_the_wire_and_an_ended_alert_says_no_data() -> None:
    """Nothing is claimed about an empty window, but a demo alert stays marked."""
    kept = rule("type: threshold, at_least: 3, window: 30m, keep_firing_for: 10m")
    rung, over = fold(engine(kept), *[mention(i, f"d{i}", demo=True) for i in (1, 2, 3)], tick(60))
    assert decode(encode(rung), AlertEvent) == rung
    assert (over.observed, over.support, over.evidence, over.models) == (0.0, 0, (), ())
    assert over.demo
    assert rung.demo


def test_the_name_is_the_latest_and_an_unknown_author_is_its_source() -> None:
    """Anonymous posts of one source are one voice."""
    signals = [mention(i, f"d{i}", author="", name=f"Acme {i}") for i in (1, 2, 3)]
    (event,) = fold(engine(THREE), *signals, tick(4))
    assert (event.authors, event.name) == (1, "Acme 3")


def test_a_surge_tells_expectation_interval_and_probability() -> None:
    """Everything a reader needs to judge the judgement."""
    surge = rule("type: surge, window: 1h, min_count: 3, labels: {desk: risk}")
    calm = [mention(60 * h, f"calm{h}", 0.1) for h in range(24 * 8)]
    start = 60 * 24 * 8
    events = fold(engine(surge), *calm, *[mention(start + i, f"n{i}") for i in (1, 2, 3)], tick(start + 4))
    (event,) = events
    assert (event.observed, event.unit, event.labels) == (
        3.0,
        "negative stories",
        {"desk": "risk", "baseline": "seasonal"},
    )
    assert event.expected is not None
    assert 0 < event.expected < 0.1
    assert (event.low, event.high) == (0.0, 0.0)
    assert event.p_value is not None
    assert event.p_value < 1e-3
