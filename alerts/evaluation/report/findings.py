"""What to look at first in an evaluation: worst misses, worst false alarms, controls that rang, what changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.evaluation.result import Day, Episode, Evaluation, EventOf, Outcome, RuleResult

MOST: Final = 12  # of each kind and rule: what nobody reads hides what somebody would
DRAWN: Final = 36  # timelines
FAR: Final = timedelta(days=7)  # an alert further from an event than this has nothing to do with it


@dataclass(frozen=True, slots=True)
class Missed:
    """An event that a rule did not find, the rules that did, and its own alert about the subject nearest to it."""

    event: EventOf
    others: tuple[str, ...]
    near: Episode | None
    apart: timedelta  # of that alert from the window: before it where negative


def missed(evaluation: Evaluation, name: str) -> list[Missed]:
    """Negative events that the rule did not find, those with most documents first."""
    rule = evaluation.rules[name]
    outcomes = outcomes_of(rule)
    found = [
        _missed(evaluation, name, index, event)
        for index, event in enumerate(evaluation.events)
        if event.kind == "negative" and index in outcomes and not outcomes[index].found
    ]
    return sorted(found, key=lambda each: -each.event.documents)


def _missed(evaluation: Evaluation, name: str, index: int, event: EventOf) -> Missed:
    others = [other for other, rule in evaluation.rules.items() if (o := outcomes_of(rule).get(index)) and o.found]
    alerts = [e for e in evaluation.rules[name].episodes if e.subject == event.subject]
    near = min(alerts, key=lambda each: abs(_apart(each.at, event)), default=None)
    return Missed(event, tuple(others), near, _apart(near.at, event) if near else timedelta())


def _apart(at: datetime, event: EventOf) -> timedelta:
    if at < event.begin:
        return at - event.begin
    return max(at - event.end, timedelta())


def outcomes_of(rule: RuleResult) -> dict[int, Outcome]:
    """What the rule made of each event, by its index in the truth."""
    return {outcome.event: outcome for outcome in rule.outcomes}


def judged(rule: RuleResult, verdict: str) -> list[Episode]:
    """The alerts of one verdict, those furthest beyond their bound first."""
    found = (episode for episode in rule.episodes if episode.judged == verdict)
    return sorted(found, key=lambda each: (-each.beyond, each.at))


@dataclass(frozen=True, slots=True)
class Timeline:
    """One subject over the whole period."""

    subject: str
    name: str
    days: tuple[Day, ...]
    events: tuple[EventOf, ...]
    alerts: tuple[tuple[Episode, ...], ...]  # by rule


def timelines(evaluation: Evaluation) -> list[Timeline]:
    """Subjects with events first (most events, then most mentions), then those of the worst false alarms."""
    names = {event.subject: event.name for event in evaluation.events}
    worst: dict[str, float] = {}
    for rule in evaluation.rules.values():
        for episode in rule.episodes:
            names.setdefault(episode.subject, episode.name)
            if episode.judged == "false":
                worst[episode.subject] = max(worst.get(episode.subject, 0.0), episode.beyond)
    found = [_timeline(evaluation, subject, names.get(subject, "")) for subject in evaluation.timelines]
    return sorted(
        found,
        key=lambda t: (-len(t.events), -sum(d.mentions for d in t.days) if t.events else -worst.get(t.subject, 0.0)),
    )


def _timeline(evaluation: Evaluation, subject: str, name: str) -> Timeline:
    return Timeline(
        subject,
        name or subject,
        evaluation.timelines[subject],
        tuple(event for event in evaluation.events if event.subject == subject),
        tuple(
            tuple(episode for episode in rule.episodes if episode.subject == subject)
            for rule in evaluation.rules.values()
        ),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One rule before and now, and the events that it finds or loses by the change."""

    before: str
    now: str
    was: RuleResult
    is_: RuleResult
    gained: tuple[EventOf, ...]
    lost: tuple[EventOf, ...]


def changes(now: Evaluation, before: Evaluation) -> list[Change]:
    """Rules of one name in both evaluations, in pairs; a rule alone in each is paired whatever its name.

    Events are the same where subject, onset and kind are.
    """
    pairs = [(name, name) for name in now.rules if name in before.rules]
    if not pairs and len(now.rules) == len(before.rules) == 1:
        pairs = [(next(iter(before.rules)), next(iter(now.rules)))]
    return [_change(now, before, *pair) for pair in pairs]


def _change(now: Evaluation, before: Evaluation, old: str, new: str) -> Change:
    was, is_ = _found(before, before.rules[old]), _found(now, now.rules[new])
    both = was.keys() & is_.keys()
    return Change(
        old,
        new,
        before.rules[old],
        now.rules[new],
        tuple(is_[key][0] for key in is_ if key in both and is_[key][1] and not was[key][1]),
        tuple(is_[key][0] for key in is_ if key in both and was[key][1] and not is_[key][1]),
    )


def _found(evaluation: Evaluation, rule: RuleResult) -> dict[tuple[str, datetime, str], tuple[EventOf, bool]]:
    outcomes = outcomes_of(rule)
    return {
        (event.subject, event.onset, event.kind): (event, outcomes[index].found)
        for index, event in enumerate(evaluation.events)
        if index in outcomes and event.kind == "negative"
    }
