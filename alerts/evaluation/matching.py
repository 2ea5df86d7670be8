"""Alerts of a replay brought together with what is known to have happened. Pure; the rule is in `result.Matching`.

`episodes` makes one episode of each alert's events, `judge` says of each episode what it was: the first of a negative
event, a repeat, a false alarm. Neither depends on the order of its input.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec.structs import replace

from alerts.evaluation.result import Episode, EventOf, Matching, Outcome, Told
from alerts.evaluation.truth import Truth, TruthEvent
from alerts.rules import LEVELS
from streams.records import AlertEvent

TOLD: Final = 5  # documents kept of an episode, as many as an alert shows
NONE: Final = "none"  # a model's word for: no kind of risk event

Verdict = Literal["true", "repeat", "false", "control", "excluded"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What alerts are judged against: made once for a replay by `observed.Observed.ground`."""

    events: tuple[EventOf, ...]  # of the truth, those within the replay
    subjects: frozenset[str]  # whose days count: the labelled ones, or all that the stream mentions
    labelled: frozenset[str] | None  # alerts about others are excluded; None: every alert is judged
    begin: datetime  # of the time whose days count
    end: datetime
    since: datetime | None = None  # alerts before it are excluded
    until: datetime | None = None  # … and after it

    @property
    def days(self) -> float:
        """Length of the judged time in days."""
        return (self.end - self.begin) / timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule's episodes with their verdicts, in order of time, and what became of each event that it could find."""

    episodes: tuple[Episode, ...]
    outcomes: tuple[Outcome, ...]  # one for each event of a subject that the rule covers
    ground: Ground
    subjects: frozenset[str]  # of the ground, those that the rule covers

    @property
    def subject_days(self) -> float:
        """Subjects times days."""
        return len(self.subjects) * self.ground.days


def fitting(truth: Truth, matching: Matching | None = None) -> Matching:
    """The matching that a truth asks for where nobody says otherwise: alerts outside what it says it is complete for
    are excluded; where it does not say, all are judged."""
    unlabelled: Literal["false", "excluded"] = "excluded" if truth.labelled else "false"
    return replace(matching or Matching(), unlabelled=unlabelled)


def judged_subjects(truth: Truth, matching: Matching, chosen: Collection[str] | None = None) -> frozenset[str] | None:
    """About whom alerts are judged; None: about everybody.

    `chosen` takes the place of the subjects that the truth says it is complete for. Where alerts outside what is
    labelled are excluded, and nobody says what is, the truth is taken to be complete for the subjects of its events.
    """
    if matching.unlabelled == "false":
        return None
    stated = truth.labelled.subjects if truth.labelled else ()
    named = frozenset(stated if chosen is None else chosen)
    if named or truth.labelled is not None:
        return named or None
    return frozenset(event.subject for event in truth.events)


def span(event: TruthEvent, matching: Matching) -> tuple[datetime, datetime]:
    """First and last moment at which an alert finds the event, both included."""
    least = event.onset + timedelta(seconds=matching.after_s)
    return event.onset - timedelta(seconds=matching.before_s), max(event.end or least, least)


def episodes(events: Iterable[AlertEvent]) -> list[Episode]:
    """One episode for each alert that fired, in order of time; what only was pending is none. Not judged yet: `false`.

    Figures are those of its worst moment, documents those that made it ring. `topic` and `lang` stay empty where the
    events do not say them (`observed.Observed.describe` knows more).
    """
    steps: dict[str, dict[int, AlertEvent]] = defaultdict(dict)
    for event in events:
        steps[event.alert][event.sequence] = event
    found = [_episode([known[at] for at in sorted(known)]) for known in steps.values()]
    return sorted((each for each in found if each is not None), key=_order)


def judge(found: Iterable[Episode], ground: Ground, covers: Callable[[str], bool]) -> Judged:
    """Verdicts by the rule of `result.Matching`, for a rule that covers the subjects that `covers` says.

    An alert that matches an event is never excluded. One inside both an event and a control belongs to the event.
    """
    events: dict[str, list[tuple[int, EventOf]]] = defaultdict(list)
    for at, event in enumerate(ground.events):
        if covers(event.subject):
            events[event.subject].append((at, event))
    first: dict[int, Episode] = {}
    judged = [_verdict(each, events.get(each.subject, ()), first, ground) for each in sorted(found, key=_order)]
    places = sorted(at for known in events.values() for at, _ in known)
    outcomes = tuple(_outcome(at, ground.events[at], first.get(at)) for at in places)
    return Judged(tuple(judged), outcomes, ground, frozenset(filter(covers, ground.subjects)))


def _order(episode: Episode) -> tuple[datetime, str]:
    return episode.at, episode.alert


def _verdict(
    episode: Episode, events: Sequence[tuple[int, EventOf]], first: dict[int, Episode], ground: Ground
) -> Episode:
    """The episode with its verdict; what it finds first is noted in `first`."""
    near = [(at, event) for at, event in events if event.begin <= episode.at <= event.end]
    negative = [(at, event) for at, event in near if event.kind == "negative"]
    chosen = negative or near
    fresh = [(at, event) for at, event in chosen if at not in first]
    if not chosen:
        return replace(episode, judged=_outside(episode, ground))
    place, _ = max(fresh or chosen, key=lambda pair: (pair[1].onset <= episode.at, pair[1].onset, -pair[0]))
    verdict: Verdict = "control" if not negative else "true" if fresh else "repeat"
    if fresh:
        first[place] = episode
    return replace(episode, judged=verdict, event=place)


def _outside(episode: Episode, ground: Ground) -> Verdict:
    if ground.labelled is not None and episode.subject not in ground.labelled:
        return "excluded"
    if ground.since is not None and episode.at < ground.since:
        return "excluded"
    return "excluded" if ground.until is not None and episode.at > ground.until else "false"


def _outcome(at: int, event: EventOf, episode: Episode | None) -> Outcome:
    if episode is None:
        return Outcome(event=at, found=False)
    exact = event.kind == "negative" and not event.day_only
    public = event.first_public if exact else None
    return Outcome(
        event=at,
        found=True,
        at=episode.at,
        alert=episode.alert,
        delay_s=(episode.at - event.onset).total_seconds() if exact else None,
        public_delay_s=(episode.at - public).total_seconds() if public else None,
    )


def _episode(steps: Sequence[AlertEvent]) -> Episode | None:
    fired = next((step for step in steps if step.state == "firing"), None)
    if fired is None:
        return None
    told = [step for step in steps if step.sequence >= fired.sequence]
    worst = max(told, key=lambda step: step.beyond)
    kind, _, name = fired.subject.partition(":")
    return Episode(
        alert=fired.alert,
        rule=fired.rule,
        subject=fired.subject,
        name=fired.name,
        at=fired.at,
        until=next((step.at for step in told if step.state == "resolved"), None),
        severity=max((step.severity for step in told), key=LEVELS.index),
        beyond=worst.beyond,
        observed=worst.observed,
        expected=worst.expected,
        judged="false",
        topic=name if kind == "topic" else "",
        risk=leading(fired.risks, but=NONE),
        documents=tuple(
            Told(
                at=each.collected_at,
                headline=each.headline,
                source=each.source,
                url=each.url,
                negative=each.negative,
                document=each.document,
            )
            for each in fired.evidence[:TOLD]
        ),
    )


def leading(counts: Mapping[str, int], but: str = "") -> str:
    """The most frequent word, the first of the alphabet of several; `but` only where there is no other."""
    known = Counter({word: count for word, count in counts.items() if word not in ("", but)})
    if not known:
        return but if counts.get(but) else ""
    return min(known, key=lambda word: (-known[word], word))
