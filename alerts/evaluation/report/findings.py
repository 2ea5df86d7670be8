"""What to look at first in an evaluation: worst misses, worst false alarms, controls that rang, what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.evaluation.compare import Comparison, NothingToCompare, compare
from alerts.evaluation.notes import is_known, sentence
from alerts.evaluation.report.wording import Lang
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
    made, finders = outcomes_of(evaluation.rules[name]), _finders(evaluation)
    found = [
        _missed(evaluation.rules[name], event, finders.get(index, ()))
        for index, event in enumerate(evaluation.events)
        if event.kind == "negative" and index in made and not made[index].found
    ]
    return sorted(found, key=lambda each: -each.event.documents)


def _finders(evaluation: Evaluation) -> dict[int, list[str]]:
    """The rules that found each event, by its index in the truth."""
    found: dict[int, list[str]] = defaultdict(list)
    for name, rule in evaluation.rules.items():
        for outcome in rule.outcomes:
            if outcome.found:
                found[outcome.event].append(name)
    return found


def _missed(rule: RuleResult, event: EventOf, others: Sequence[str]) -> Missed:
    alerts = [e for e in rule.episodes if e.subject == event.subject]
    near = min(alerts, key=lambda each: abs(_apart(each.at, event)), default=None)
    return Missed(event, tuple(others), near, _apart(near.at, event) if near else timedelta())


def _apart(at: datetime, event: EventOf) -> timedelta:
    if at < event.begin:
        return at - event.begin
    return max(at - event.end, timedelta())


def outcomes_of(rule: RuleResult) -> dict[int, Outcome]:
    """What the rule made of each event, by its index in the truth."""
    return {outcome.event: outcome for outcome in rule.outcomes}


def outcomes(evaluation: Evaluation) -> list[dict[int, Outcome]]:
    """The same of every rule, in their order."""
    return [outcomes_of(rule) for rule in evaluation.rules.values()]


def judged(rule: RuleResult, verdict: str) -> list[Episode]:
    """The alerts of one verdict, those furthest beyond their bound first."""
    return worst(episode for episode in rule.episodes if episode.judged == verdict)


def worst(episodes: Iterable[Episode]) -> list[Episode]:
    """Alerts, those furthest beyond their bound first."""
    return sorted(episodes, key=lambda each: (-each.beyond, each.at))


@dataclass(frozen=True, slots=True)
class Timeline:
    """One subject over the whole period."""

    subject: str
    name: str
    days: tuple[Day, ...]
    events: tuple[EventOf, ...]
    alerts: tuple[tuple[Episode, ...], ...]  # by rule


def timelines(evaluation: Evaluation) -> list[Timeline]:
    """Subjects with events first (most events, then most mentions), then those of the worst false alarms: the worst of
    each rule, then the second of each, and so on, for bounds of different rules are not to be compared."""
    names = {event.subject: event.name for event in evaluation.events}
    places: dict[str, int] = {}
    for rule in evaluation.rules.values():
        names |= {each.subject: each.name for each in rule.episodes if each.subject not in names}
        for place, episode in enumerate(judged(rule, "false")):
            places[episode.subject] = min(places.get(episode.subject, place), place)
    found = [_timeline(evaluation, subject, names.get(subject, "")) for subject in evaluation.timelines]
    return sorted(
        found,
        key=lambda t: (
            -len(t.events),
            -sum(d.mentions for d in t.days) if t.events else places.get(t.subject, len(found)),
        ),
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


def compared(before: Evaluation, now: Evaluation) -> Comparison | None:
    """What changed since an earlier evaluation; None where no rule stands in both."""
    try:
        return compare(before, now)
    except NothingToCompare:
        return None


def caveats(evaluation: Evaluation, lang: Lang) -> list[str]:
    """What the data cannot show, in the language where that is known: sentences of a source, and of a later version,
    stay as they are."""
    known = {sentence(note): sentence(note, lang) for note in evaluation.notes if is_known(note)}
    return [known.get(caveat, caveat) for caveat in evaluation.caveats]


def labelled(evaluation: Evaluation, lang: Lang) -> str:
    """For whom and when the truth is complete, in the language where that is known."""
    note = evaluation.labelled_as
    return sentence(note, lang) if note is not None and is_known(note) else evaluation.labelled
