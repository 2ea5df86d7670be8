"""What a replayed stream said."""

from __future__ import annotations

import time
from datetime import timedelta, timezone
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Day, Matching
from alerts.evaluation.truth import Labelled, Truth
from streams.records import Signature
from tests.unit.alerts.evaluation.cases import ACME, BOLT, MATCHING, alert, event, hour, mention, observed


def test_days_are_counted_in_utc() -> None:
    """Mentioned, judged, negative; whatever the zone a time is written in."""
    there = hour(23).astimezone(timezone(timedelta(hours=8)))  # another date there
    found = Observed(Truth(events=()), MATCHING)
    for each in (mention(1, "a"), mention(2, "b", 0.49), mention(3, "c", None), mention(30, "d", 0.5)):
        found.see(each)
    found.see(replace(mention(23, "e", None), collected_at=there))
    assert found.timeline(ACME) == (
        Day(day="2026-01-05", mentions=4, judged=2, negative=1),
        Day(day="2026-01-06", mentions=1, judged=1, negative=1),
    )
    assert found.timeline(BOLT) == ()
    assert (found.mentions, found.judged, found.models) == (5, 3, {"opinion-en@1": 3})


def test_an_event_is_told_by_its_documents() -> None:
    """Their number, the first from the onset on, the most negative texts in order of time, each once."""
    told = [
        mention(98, "early", 0.1),
        mention(103, "b", 0.95, topic="legal", risk="outage"),
        mention(101, "a", 0.6, topic="legal", risk="none"),
        mention(102, "copy", 0.6, signature=Signature(copy_key="a" * 32)),
        mention(104, "copy again", 0.6, signature=Signature(copy_key="a" * 32)),
        mention(101, "a", 0.6),  # delivered twice
        mention(200, "late"),
    ]
    (found,) = observed([event(100)], told).ground().events
    assert (found.documents, found.first_public) == (5, hour(101))
    assert [each.headline for each in found.told] == ["about early", "about a", "about copy", "about b"]
    assert (found.topic, found.risk, found.lang) == ("legal", "outage", "en")


def test_five_documents_are_told_at_most() -> None:
    """The most negative."""
    told = [mention(101 + n, str(n), n / 10) for n in range(9)]
    (found,) = observed([event(100)], told).ground().events
    assert [each.negative for each in found.told] == [0.4, 0.5, 0.6, 0.7, 0.8]
    assert found.documents == 9


def test_what_the_truth_says_of_an_event_stands() -> None:
    """Its topic, kind of risk and language."""
    (found,) = observed([event(100, topic="ipo", risk="rumour", lang="zh")], [mention(101, "a")]).ground().events
    assert (found.topic, found.risk, found.lang) == ("ipo", "rumour", "zh")


def test_events_outside_the_replay_take_no_part() -> None:
    """Before the first and after the last mention; one that reaches into it does."""
    events = [event(-100), event(-10), event(100), event(2000)]
    found = observed(events)
    assert [each.onset for each in found.ground().events] == [hour(-10), hour(100)]
    assert found.left_out() == ([events[0], events[3]], [])


def test_another_collection_s_subjects_take_no_part() -> None:
    """Where this stream never speaks of them; an event without a collection is missed instead."""
    events = [event(100, subject=BOLT, stream="elsewhere"), event(100, stream="here"), event(300, subject=BOLT)]
    found = observed(events)
    assert [(each.subject, each.onset) for each in found.ground().events] == [(ACME, hour(100)), (BOLT, hour(300))]
    assert found.left_out() == ([], [events[0]])
    assert found.unmentioned() == [events[1], events[2]]


def test_nothing_seen_is_nothing_to_judge() -> None:
    """Told, not divided by."""
    with pytest.raises(ValueError, match="no mention"):
        Observed(Truth(events=()), MATCHING).ground()


def test_whose_days_count() -> None:
    """All that are mentioned or labelled, or the labelled alone, or whom the caller names."""
    stated, excluding = Labelled(subjects=(BOLT,)), Matching(unlabelled="excluded")
    assert observed([], labelled=stated).ground().subjects == {ACME, BOLT}
    assert observed([], labelled=stated, matching=excluding).ground().subjects == {BOLT}
    assert observed([event(1)], matching=excluding).ground().subjects == {ACME}
    assert observed([], labelled=stated, matching=excluding).ground(["entity:own"]).subjects == {"entity:own"}
    assert observed([], labelled=Labelled(), matching=excluding).ground().subjects == {ACME}


def test_an_alert_s_language_and_topic_are_its_subject_s() -> None:
    """The language of most mentions, the topic of most negative ones on its day and the one before."""
    told = [mention(100, "a", topic="legal"), mention(101, "b", topic="legal"), mention(102, "c", 0.1, topic="ipo")]
    found = observed([], [*told, mention(10, "d", topic="macro"), mention(11, "e", topic="macro")])
    described = found.describe(alert(110))
    assert (described.lang, described.topic) == ("en", "legal")
    assert found.describe(alert(110, BOLT)) == alert(110, BOLT)


def test_rare_subjects_are_counted() -> None:
    """Those with less than one mention a week."""
    weekly = [mention(168 * week, f"w{week}", subject=BOLT) for week in range(10)]
    assert observed([], weekly).rare(lambda _: True) == (1, 2)  # Acme's two mentions in ten weeks


@given(order=st.permutations(range(8)))
def test_the_order_of_mentions_does_not_matter(order: list[int]) -> None:
    """The same timelines and events."""
    told = [mention(95 + 3 * n, str(n), n / 8, lang="zh" if n % 3 else "en") for n in range(8)]
    one, other = observed([event(100)], told), observed([event(100)], [told[n] for n in order])
    assert one.ground() == other.ground()
    assert one.timeline(ACME) == other.timeline(ACME)


def test_a_year_of_mentions_costs_little() -> None:
    """155,000 of them, a second of CPU at most."""
    known = [mention(n, str(n), subject=f"entity:{n % 90}") for n in range(1000)]
    found = Observed(Truth(events=(event(100, subject="entity:3"),)), MATCHING)
    begin = time.process_time()
    for each in islice(cycle(known), 155_000):
        found.see(each)
    assert time.process_time() - begin < 1.0


def test_what_was_seen_can_be_put_aside() -> None:
    """And gone on with, to the same result."""
    told = [mention(95 + 3 * n, str(n), n / 8, topic="legal", risk="outage") for n in range(8)]
    whole, half = observed([event(100)], told), observed([event(100)], told[:4])
    again = Observed(half.truth, half.matching)
    again.restore(half.snapshot())
    for each in told[4:]:
        again.see(each)
    assert again.ground() == whole.ground()
    assert again.timeline(ACME) == whole.timeline(ACME)
    assert (again.mentions, again.judged, again.models) == (whole.mentions, whole.judged, whole.models)
