"""What became of alerts, told from their log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console.opinion.span import Span
from console.report.happenings import Log, fired_within, happenings, told
from console.report.log import take
from streams.records import Acknowledgement, AlertEvent, Mark, Receipt, Silence, digest
from tests.ringing import ALERT, START, event
from tests.unit.console.report.parts import PERIOD, rang

LATER = PERIOD.span.end + timedelta(hours=3)
OTHER = digest("another alert")


def acknowledged(at: Any = START, **changes: Any) -> Acknowledgement:
    return Acknowledgement(**({"id": "a", "alert": ALERT, "author": "Wei", "at": at} | changes))


def receipt(receiver: str, outcome: str, at: Any = START, **changes: Any) -> Receipt:
    fields: dict[str, Any] = {
        "notification": "n", "event": f"{ALERT}.0", "receiver": receiver, "attempt": 1, "at": at, "outcome": outcome,
        "status": None, "reason": "",
    }  # fmt: skip
    return Receipt(**(fields | changes))


def test_an_alert_is_told_by_its_worst_step() -> None:
    """Its end has other figures than what rang."""
    over = event(2, "resolved", at=START + timedelta(hours=1), observed=1.0, reason="ended")
    worse = event(1, "updated", at=START + timedelta(minutes=5), severity="critical", beyond=3.0, observed=70.0)
    (found,) = rang(worse, over)
    assert (found.event.observed, found.fired, found.ended) == (70.0, START, over.at)


def test_what_happens_after_the_end_changes_nothing_of_the_day() -> None:
    """Later steps, operations and receipts leave the figures as they were; operations are kept apart."""
    before = rang()
    end = event(1, "resolved", at=LATER, reason="ended")
    mark = Mark(id="m", alert=ALERT, right=True, author="Wei", at=LATER)
    after = rang(end, operations=(acknowledged(LATER), mark), receipts=(receipt("desk", "delivered", LATER),))
    assert [(h.event, h.ended, h.operations, h.told) for h in after] == [
        (h.event, h.ended, h.operations, h.told) for h in before
    ]
    assert (len(after[0].afterwards), len(after[0].told_afterwards)) == (2, 1)


def test_an_alert_that_began_before_went_on_until_it_ended() -> None:
    """One that was over before the day is no part of it; one that began later neither."""
    log = Log({
        "open": [event(0, alert=digest("open"), at=START - timedelta(days=1))],
        "over": [event(0, alert=digest("over"), at=START - timedelta(days=2)),
                 event(1, "resolved", alert=digest("over"), at=START - timedelta(days=1))],
        "next": [event(0, alert=digest("next"), at=LATER)],
    }, (), {})  # fmt: skip
    assert [h.alert for h in happenings(log, PERIOD.span)] == ["open"]
    assert fired_within(log, PERIOD.span) == 0
    assert fired_within(log, PERIOD.before.span) == 1


def test_replays_and_what_never_rang_are_no_alerts() -> None:
    """History through the engine tells nobody; a pending alert that lapsed was never heard."""
    log = Log({
        "replay": [event(0, alert=digest("replay"), replay=True)],
        "lapsed": [event(0, "pending", alert=digest("lapsed")), event(1, "resolved", alert=digest("lapsed"))],
    }, (), {})  # fmt: skip
    assert happenings(log, PERIOD.span) == []
    assert fired_within(log, PERIOD.span) == 0


def test_a_silence_that_covers_an_alert_is_told_with_it() -> None:
    """One on another subject is not."""
    mine = Silence(id="s", match={"subject": ("entity:BRW",)}, author="Wei", at=START - timedelta(hours=1),
                   until=START + timedelta(hours=1), reason="results day")  # fmt: skip
    other = Silence(id="t", match={"subject": ("entity:X",)}, author="Wei", at=mine.at, until=mine.until, reason="no")
    (found,) = rang(operations=(mine, other))
    assert found.operations == (mine,)
    assert found.silenced


def test_a_receiver_s_last_word_counts_and_delivered_is_delivered() -> None:
    """After a retry that arrived it was delivered; a refusal keeps its meaning; a message in parts must be whole."""
    answers = [
        receipt("mail", "retry", meaning="busy"),
        receipt("mail", "delivered", START + timedelta(minutes=1), attempt=2),
        receipt("ding", "refused", meaning="wrong keyword"),
        receipt("wecom", "delivered", part=1, parts=2),
    ]
    found = {each.receiver: (each.outcome, each.meaning, each.attempts) for each in told(answers)}
    assert found["mail"] == ("delivered", "", 2)
    assert found["ding"] == ("refused", "wrong keyword", 1)
    assert found["wecom"][0] == "delivered"


def test_the_gravest_come_first() -> None:
    """Then the earliest."""
    found = rang(event(0, alert=OTHER, severity="info", at=START - timedelta(hours=1)))
    assert [h.event.severity for h in found] == ["critical", "info"]


def test_a_log_of_years_is_kept_no_longer_than_needed() -> None:
    """Steps before the span lose their evidence, alerts that were over are forgotten, later ones never taken."""
    kept: dict[str, dict[int, AlertEvent]] = {}
    span = Span(START, START + timedelta(hours=1))
    old = START - timedelta(days=9)
    take(kept, event(0, at=old), span, START - timedelta(days=2))
    assert kept[ALERT][0].evidence == ()
    take(kept, event(1, at=START), span, START - timedelta(days=2))
    assert kept[ALERT][1].evidence
    take(kept, event(0, alert=OTHER, at=old), span, START - timedelta(days=2))
    take(kept, event(1, "resolved", alert=OTHER, at=old), span, START - timedelta(days=2))
    take(kept, event(0, alert=digest("late"), at=START + timedelta(days=1)), span, START)
    assert list(kept) == [ALERT]
