"""When a notification is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.schedule import ATTEMPTS, JITTER, LONGEST_WAIT, PAUSES, Reply, decide, pause_before, wait_asked
from streams.records import Answer

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DATE = "Mon, 02 Mar 2026 09:30:07 GMT"


@pytest.mark.parametrize(
    ("reply", "attempt", "outcome", "reason"),
    [
        (Reply(200), 1, "delivered", "http 200"),
        (Reply(204), ATTEMPTS, "delivered", "http 204"),
        (Reply(299), 1, "delivered", "http 299"),
        (Reply(199), 1, "retry", "http 199"),
        (Reply(301), 1, "retry", "http 301"),
        (Reply(302), 1, "retry", "http 302"),
        (Reply(400), 1, "retry", "http 400"),
        (Reply(404), 1, "retry", "http 404"),
        (Reply(410), 1, "disabled", "http 410: the receiver asked for no more"),
        (Reply(410), ATTEMPTS, "disabled", "http 410: the receiver asked for no more"),
        (Reply(500), 1, "retry", "http 500"),
        (Reply(500), ATTEMPTS - 1, "retry", "http 500"),
        (Reply(500), ATTEMPTS, "refused", f"gave up after {ATTEMPTS} attempts: http 500"),
        (Reply(None, "timeout"), 1, "retry", "timeout"),
        (Reply(None, "tls"), ATTEMPTS, "refused", f"gave up after {ATTEMPTS} attempts: tls"),
    ],
)
def test_only_success_delivers_and_only_gone_disables(reply: Reply, attempt: int, outcome: str, reason: str) -> None:
    """2xx delivers, 410 disables, everything else is tried again until the schedule ends."""
    decision = decide(reply, attempt, NOW, 0.5)
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert decision.outcome == "retry" or decision.pause == 0.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("7", 7.0), (" 7 ", 7.0), ("0", 0.0), ("999999999999999999999", LONGEST_WAIT), ("-5", 0.0), ("1.5", 0.0)),
        *((DATE, 7.0), ("Sun, 01 Mar 2026 09:30:00 GMT", 0.0), ("Fri, 01 Jan 2027 00:00:00 GMT", LONGEST_WAIT)),
        *(("Mon, 02 Mar 2026 09:30:07", 7.0), ("soon", 0.0), ("", 0.0), ("٧", 0.0), ("Mon, 99 Mar 2026", 0.0)),
    ],
)
def test_retry_after_is_read_in_both_forms_and_capped(header: str, seconds: float) -> None:
    """Seconds and HTTP dates are obeyed up to a day; anything else asks for nothing."""
    assert wait_asked(header, NOW) == seconds


@pytest.mark.parametrize(("status", "obeyed"), [(429, True), (503, True), (500, False), (404, False)])
def test_retry_after_counts_for_throttling_alone(status: int, obeyed: bool) -> None:
    """A 429 or 503 may ask for a longer pause than the schedule's; it can never shorten it."""
    assert (decide(Reply(status, retry_after="60"), 1, NOW, 0.0).pause == 60.0) is obeyed
    assert decide(Reply(status, retry_after="1"), 3, NOW, 0.0).pause == PAUSES[3]


@given(attempt=st.integers(1, ATTEMPTS - 1), draw=st.floats(0.0, 1.0, exclude_max=True))
def test_pauses_follow_the_schedule_with_jitter(attempt: int, draw: float) -> None:
    """Each pause is the schedule's or up to a fifth longer."""
    pause = decide(Reply(500), attempt, NOW, draw).pause
    assert PAUSES[attempt] <= pause <= PAUSES[attempt] * (1 + JITTER)
    assert pause == pause_before(attempt + 1, draw)


def test_the_schedule_is_quick_first_and_lasts_for_days() -> None:
    """The first try is at once, the third within a minute, the last after three days."""
    assert pause_before(1, 0.9) == 0.0
    assert sum(PAUSES[:3]) < 60
    assert timedelta(days=3) < timedelta(seconds=sum(PAUSES)) < timedelta(days=4)
    assert list(PAUSES) == sorted(PAUSES)


@pytest.mark.parametrize(
    ("reply", "outage"),
    [
        *((Reply(None, "connect"), True), (Reply(502), True), (Reply(503), True), (Reply(500), False)),
        *((Reply(429), False), (Reply(503, retry_after="600"), False), (Reply(400), False)),
    ],
)
def test_an_outage_is_the_receivers_not_the_messages(reply: Reply, outage: bool) -> None:
    """Only what says nothing about the message counts as an outage, and not when a moment of return was named."""
    assert reply.outage is outage


@pytest.mark.parametrize(
    ("reply", "said", "outcome", "reason"),
    [
        (Reply(200, answer="refused", code="310000"), "refused", "retry", "http 200, code 310000"),
        (Reply(200, answer="accepted", code="0"), "accepted", "delivered", "http 200, code 0"),
        (Reply(None, "smtp 250", answer="accepted", code="250"), "accepted", "delivered", "smtp 250"),
        (Reply(500, answer="unreachable", code="500"), "unreachable", "retry", "http 500"),
        (Reply(200, answer="refused", code="19024", final=True), "refused", "refused",
         "http 200, code 19024: the same message will never be taken"),
        (Reply(429), "throttled", "retry", "http 429"),
        (Reply(None, "timeout"), "timed_out", "retry", "timeout"),
        (Reply(None, "dns"), "unreachable", "retry", "dns"),
        (Reply(404), "refused", "retry", "http 404"),
    ],
)  # fmt: skip
def test_what_a_channel_read_in_the_answer_decides(reply: Reply, said: str, outcome: str, reason: str) -> None:
    """A 200 with an error code is no success; what can never be taken is not tried again."""
    decision = decide(reply, 1, NOW, 0.5)
    assert (reply.said, decision.outcome, decision.reason) == (said, outcome, reason)


@given(pause=st.floats(0.0, 1000.0), attempt=st.integers(1, ATTEMPTS - 1), draw=st.floats(0.0, 1.0, exclude_max=True))
def test_a_pause_that_the_platform_names_is_kept(pause: float, attempt: int, draw: float) -> None:
    """Never earlier than it said, and never earlier than the schedule."""
    reply = Reply(200, answer="throttled", code="130101", pause=pause)
    assert decide(reply, attempt, NOW, draw).pause == max(pause, pause_before(attempt + 1, draw))


@pytest.mark.parametrize(
    ("answer", "outage"), [("unreachable", True), ("timed_out", True), ("refused", False), ("throttled", False)]
)
def test_a_refusal_is_no_outage(answer: Answer, outage: bool) -> None:
    """The return of a channel brings forward only what its absence delayed."""
    assert Reply(None, "smtp 451", answer=answer).outage is outage
