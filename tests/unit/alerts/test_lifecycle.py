"""The life of an alert, step by step, without an engine."""

from __future__ import annotations

import pytest

from alerts.decisions import Decision
from alerts.lifecycle import Alert, alert_id, step
from alerts.moments import MINUTE
from tests.unit.alerts.signals import rule

RULE = rule("type: threshold, at_least: 2, window: 30m, for: 3m, keep_firing_for: 5m")
AT_ONCE = rule("type: threshold, at_least: 2, window: 30m")


Said = tuple[int, str, str, int]


def yes(amount: int = 2, beyond: float = 1.0) -> Decision:
    """The condition holds."""
    return Decision(True, "beyond", amount, float(amount), "negative stories", amount, beyond=beyond)


NO = Decision(False, "below", 1, 1.0, "negative stories", 1)


def live(answers: list[Decision], asked: object = RULE) -> tuple[Alert | None, list[Said]]:
    """(minute, state, reason, sequence) of every step when asked once a minute."""
    alert: Alert | None = None
    said: list[Said] = []
    for minute, decision in enumerate(answers):
        alert, steps = step(alert, decision, asked, "entity:acme", minute * MINUTE)  # type: ignore[arg-type]
        said += [(minute, s.state, s.reason, s.sequence) for s in steps]
    return alert, said


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([NO] * 5, []),
        ([yes()] * 3 + [NO], [(0, "pending", "began", 0), (3, "resolved", "lapsed", 1)]),
        ([yes()] * 4, [(0, "pending", "began", 0), (3, "firing", "held", 1)]),
        ([yes()] * 4 + [NO] * 4, [(0, "pending", "began", 0), (3, "firing", "held", 1)]),
        ([yes()] * 4 + [NO] * 5, [(0, "pending", "began", 0), (3, "firing", "held", 1), (8, "resolved", "ended", 2)]),
        (
            [yes()] * 4 + [NO] * 4 + [yes()] + [NO] * 5,
            [(0, "pending", "began", 0), (3, "firing", "held", 1), (13, "resolved", "ended", 2)],
        ),
    ],
)
def test_from_pending_to_resolved(answers: list[Decision], expected: list[tuple[int, str, str, int]]) -> None:
    """Each path of the state machine with `for` and `keep_firing_for`."""
    assert live(answers)[1] == expected


def test_flapping_at_the_bound_is_one_alert() -> None:
    """On and off every minute rings once while `keep_firing_for` lasts."""
    said = live([yes()] * 4 + [NO, yes()] * 20 + [NO] * 6)[1]
    assert [s for _, s, _, _ in said] == ["pending", "firing", "resolved"]


def test_severity_only_rises() -> None:
    """A lower severity later in the episode is no news; a higher one is, at once."""
    alert, said = live([yes(2, 1.0), yes(2, 2.0), yes(2, 1.0), yes(2, 3.0)], AT_ONCE)
    assert [(m, r) for m, _, r, _ in said] == [(0, "held"), (1, "severity")]
    assert alert is not None
    assert alert.level == "critical"


def test_doubled_evidence_is_told_at_most_every_ten_minutes() -> None:
    """Evidence that doubles within the pause is told when it is over."""
    said = live([yes(2), *[yes(8)] * 12, *[yes(100)] * 12], AT_ONCE)[1]
    assert [(m, r) for m, _, r, _ in said] == [(0, "held"), (10, "doubled"), (20, "doubled")]


def test_the_identity_is_rule_text_subject_and_start() -> None:
    """The same episode has the same id for ever, anything else another one."""
    ids = {
        alert_id(RULE, "entity:acme", 0),
        alert_id(RULE, "entity:acme", 0),
        alert_id(AT_ONCE, "entity:acme", 0),
        alert_id(RULE, "entity:other", 0),
        alert_id(RULE, "entity:acme", MINUTE),
    }
    assert len(ids) == 4
    assert all(len(i) == 32 for i in ids)
