"""The life of one alert: inactive → pending (`for`) → firing → updated, amended … → resolved after `keep_firing_for`.

One episode of one rule on one subject is one alert, whose id depends on nothing but the rule, the subject and the event
time at which the condition first held. Every step has a reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alerts.decisions import Decision
from alerts.moments import MINUTE, SECOND, moment
from alerts.rules import LEVELS, Level, Rule
from streams.records import AlertEvent, State, digest

UPDATE_EVERY: Final = 10 * MINUTE  # between two updates for more evidence; a higher severity never waits
Reason = Literal[
    "began",  # the condition holds; it must hold for the rule's `for` before it rings
    "held",  # it held long enough: ring
    "severity",  # it became more severe
    "doubled",  # the evidence doubled since the last word
    "late_document",  # a document came too late to be counted in time, and changes what was told
    "corrected",  # a document that was counted was replaced by its source, and changes what was told
    "ended",  # it was over for the rule's `keep_firing_for`
    "lapsed",  # it ended before it had held long enough; nobody was rung
    "rule_removed",  # the rule is gone or was changed
]


Amended = Literal["", "late_document", "corrected"]


class Alert(Struct, frozen=True, kw_only=True):
    """An episode under way. `event` is the last word about it."""

    rule: str
    rule_hash: str
    subject: str
    id: str
    since: int
    firing: bool
    sequence: int  # of the next event
    held_last: int  # when the condition last held
    level: Level  # the highest so far
    told: int  # amount at the last word
    told_at: int
    event: AlertEvent | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One event to send about an alert."""

    alert: str
    subject: str
    sequence: int
    state: State
    reason: Reason
    level: Level
    since: int


def alert_id(rule: Rule, subject: str, since: int) -> str:
    """Identity of an episode: 32 hex digits of rule, rule hash, subject and its start."""
    return digest(rule.name, rule.hash, subject, moment(since).isoformat())


def orphans(alerts: Iterable[Alert], rules: Iterable[Rule]) -> list[Alert]:
    """The alerts whose rule is gone, says something else now, or looks at their subject no more."""
    current = {(rule.name, rule.hash): rule for rule in rules}
    found = [(alert, current.get((alert.rule, alert.rule_hash))) for alert in alerts]
    return [alert for alert, rule in found if rule is None or not rule.covers(alert.subject)]


def step(
    alert: Alert | None, decision: Decision, rule: Rule, subject: str, now: int, amended: Amended = ""
) -> tuple[Alert | None, list[Step]]:
    """The alert after `decision`, and the events to send, in order. None: no episode is under way.

    `amended`: why what was counted before has changed. It is told of a firing alert whose figures are others than told.
    Once it fires, the condition counts as holding while `clear_at` of the bound is reached (hysteresis).
    """
    if alert is None:
        return _begin(decision, rule, subject, now) if decision.holds else (None, [])
    steps: list[Step] = []
    if decision.holds or (alert.firing and rule.clear_at < 1.0 and decision.beyond >= rule.clear_at):
        after, steps = _go_on(replace(alert, held_last=now), decision, rule, now)
    elif not alert.firing:
        return None, [_say(alert, "resolved", "lapsed")]
    else:
        after = alert
    if amended and after.firing and not steps and decision.amount != after.told:
        steps = [_say(after, "amended", amended)]
        after = replace(after, sequence=after.sequence + 1, told=decision.amount, told_at=now)
    if after.held_last < now and now - after.held_last >= rule.keep_firing_for.seconds * SECOND:
        return None, [*steps, _say(after, "resolved", "ended")]
    return after, steps


def next_step(alert: Alert, decision: Decision, rule: Rule) -> int:
    """The earliest moment at which a decision that stays as it is can lead to a step, not when it surely does."""
    if not alert.firing:
        return alert.since + rule.for_.seconds * SECOND
    over = alert.held_last + rule.keep_firing_for.seconds * SECOND
    doubled = alert.told_at + UPDATE_EVERY if decision.amount >= 2 * max(alert.told, 1) else over
    return min(over, doubled)


def _begin(decision: Decision, rule: Rule, subject: str, now: int) -> tuple[Alert, list[Step]]:
    alert = Alert(
        rule=rule.name,
        rule_hash=rule.hash,
        subject=subject,
        id=alert_id(rule, subject, now),
        since=now,
        firing=False,
        sequence=0,
        held_last=now,
        level=rule.level(decision.beyond),
        told=decision.amount,
        told_at=now,
    )
    if not rule.for_.seconds:
        return _go_on(alert, decision, rule, now)
    return replace(alert, sequence=1), [_say(alert, "pending", "began")]


def _go_on(alert: Alert, decision: Decision, rule: Rule, now: int) -> tuple[Alert, list[Step]]:
    level = max(alert.level, rule.level(decision.beyond), key=LEVELS.index)
    state: State
    reason: Reason
    if not alert.firing:
        if now - alert.since < rule.for_.seconds * SECOND:
            return alert, []
        state, reason = "firing", "held"
    elif level != alert.level:
        state, reason = "updated", "severity"
    elif decision.amount >= 2 * max(alert.told, 1) and now - alert.told_at >= UPDATE_EVERY:
        state, reason = "updated", "doubled"
    else:
        return alert, []
    risen = replace(alert, level=level)
    told = replace(risen, firing=True, sequence=alert.sequence + 1, told=decision.amount, told_at=now)
    return told, [_say(risen, state, reason)]


def _say(alert: Alert, state: State, reason: Reason) -> Step:
    return Step(alert.id, alert.subject, alert.sequence, state, reason, alert.level, alert.since)
