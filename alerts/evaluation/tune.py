"""The search for better parameters of a rule, chosen on one period and checked on another. Pure and seeded.

What is looked for: the best recall at no more than so many false alarms a subject-day, of several such settings that
with the best delay-weighted score, then the fewest changes. Half of the trials are drawn at random, which in few
dimensions that matter finds as much as a grid many times its size (Bergstra and Bengio, JMLR 13, 2012); the other half
are neighbours of the best so far.

The best of many trials is flattered by chance on the period that chose it. What counts is what it does on the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.matching import Ground, judge
from alerts.evaluation.measures import measure
from alerts.evaluation.paired import mcnemar
from alerts.evaluation.result import Episode, EventOf, Measure
from alerts.evaluation.spaces import Parameter, Value, as_written, value_at, with_values
from alerts.rules import Rule

SHARE: Final = 0.6  # of the period by time, which chooses where nobody says otherwise
PARENTS: Final = 4  # settings whose neighbours are tried
ATTEMPTS: Final = 50  # drawn settings for each wanted one; a small space runs out
FEW: Final = 10  # events of a period: fewer, and one event more or less changes recall by a tenth or more

Place = tuple[int, ...]  # of each parameter's value


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of the rule, to be replayed under a name of its own."""

    place: Place
    values: dict[str, Value]
    rule: Rule


class NoPeriod(ValueError):  # noqa: N818 - what is wrong
    """The history cannot be cut there; the message says between when."""


class Search:
    """Proposes settings and hears how good they were, until all trials are used or nothing new is left."""

    def __init__(self, rule: Rule, space: Sequence[Parameter], *, budget: float, trials: int, seed: int = 0) -> None:
        """`budget`: false alarms a subject-day. The first trial is the rule as it is."""
        self.rule = rule
        self.budget = budget
        self._space = tuple(space)
        self.trials = trials
        self._random = random.Random(seed)
        said = as_written(rule)
        self._own = tuple(each.values.index(value_at(said, each.path)) for each in self._space)
        self._tried: dict[Place, Trial | None] = {}
        self.heard: list[tuple[Trial, Measure]] = []

    def propose(self, most: int) -> list[Trial]:
        """The next settings, `most` of them or fewer; none when the search is over. Those that a rule cannot have are
        passed over."""
        found: list[Trial] = []
        for place in self._places():
            if len(found) == most or self._proposed() >= self.trials:
                break
            if place in self._tried:
                continue
            trial = self._tried[place] = self._trial(place)
            found += [trial] if trial is not None else []
        return found

    def hear(self, trial: Trial, figures: Measure) -> None:
        """How good a setting was on the period that chooses."""
        self.heard.append((trial, figures))

    def ranked(self) -> list[tuple[Trial, Measure]]:
        """What was heard, the best first. Where nothing keeps the budget, the fewest false alarms come first."""
        return sorted(self.heard, key=lambda pair: self._rank(*pair))

    def _rank(self, trial: Trial, figures: Measure) -> tuple[float, ...]:
        rate, recall = figures.false_per_subject_day or 0.0, figures.recall or 0.0
        changed = sum(at != own for at, own in zip(trial.place, self._own, strict=True))
        if rate > self.budget:
            return (1, rate, -recall, changed)
        return (0, -recall, -(figures.score or 0.0), changed, rate)

    def _proposed(self) -> int:
        return sum(trial is not None for trial in self._tried.values())

    def _places(self) -> Iterator[Place]:
        yield self._own
        if self._proposed() >= self.trials // 2:
            yield from self._neighbours()
        for _ in range(ATTEMPTS * self.trials):
            yield tuple(self._random.randrange(len(each.values)) for each in self._space)

    def _neighbours(self) -> Iterator[Place]:
        """One step up or down in one parameter of the best settings, then in two at once."""
        best = [trial.place for trial, _ in self.ranked()[:PARENTS]]
        near = [[*self._steps(place)] for place in best]
        yield from _in_turn(near)
        yield from _in_turn([[again for step in steps for again in self._steps(step)] for steps in near])

    def _steps(self, place: Place) -> Iterator[Place]:
        for index, parameter in enumerate(self._space):
            for at in (place[index] - 1, place[index] + 1):
                if 0 <= at < len(parameter.values):
                    yield (*place[:index], at, *place[index + 1 :])

    def _trial(self, place: Place) -> Trial | None:
        pairs = list(zip(self._space, place, self._own, strict=True))
        values = {each.path: each.values[at] for each, at, own in pairs if at != own}
        try:
            return Trial(place, values, with_values(self.rule, values))
        except ValueError:  # values that contradict each other
            return None


class Period(Struct, frozen=True, kw_only=True):
    """What one setting did on one period."""

    begin: datetime
    end: datetime
    figures: Measure
    found: tuple[int, ...]  # events, by place in the ground of the period


class Proposal(Struct, frozen=True, kw_only=True):
    """A better setting with its evidence, or why there is none. `warnings` are codes."""

    rule: Rule
    proposed: Rule
    values: dict[str, Value]  # that differ
    budget: float
    trials: int
    seed: int
    chosen_before: Period
    chosen_after: Period
    checked_before: Period
    checked_after: Period
    check_p: float  # McNemar's, of events found before and after on the period that checks
    straddling: tuple[EventOf, ...]  # events across the cut, left out of both
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Halves:
    """A replay cut in two by time. Events across the cut, and alerts within them, belong to neither."""

    cut: datetime
    choosing: Ground
    checking: Ground
    straddling: tuple[EventOf, ...]

    def period(
        self, episodes: Iterable[Episode], covers: Callable[[str], bool], *, choosing: bool, rounds: int = 0
    ) -> Period:
        """What a rule did on one of the two. `covers`: the subjects it looks at; `rounds`: of the bootstrap."""
        ground = self.choosing if choosing else self.checking
        kept = [each for each in episodes if (choosing or each.at > self.cut) and not self._across(each)]
        judged = judge(kept, ground, covers)
        found = [o.event for o in judged.outcomes if o.found and ground.events[o.event].kind == "negative"]
        return Period(begin=ground.begin, end=ground.end, figures=measure(judged, rounds), found=tuple(found))

    def _across(self, episode: Episode) -> bool:
        return any(
            event.subject == episode.subject and event.begin <= episode.at <= event.end for event in self.straddling
        )


def halve(ground: Ground, until: datetime | None = None) -> Halves:
    """The ground up to `until` and after it; by default the first 60 % of its time. NoPeriod where that leaves no
    time on one side."""
    cut = until or ground.begin + (ground.end - ground.begin) * SHARE
    if not ground.begin < cut < ground.end:
        raise NoPeriod(
            f"the period to choose on must end between {ground.begin:%Y-%m-%d %H:%M} and "
            f"{ground.end:%Y-%m-%d %H:%M}, not at {cut:%Y-%m-%d %H:%M}"
        )
    before = tuple(event for event in ground.events if event.end <= cut)
    after = tuple(event for event in ground.events if event.begin > cut)
    straddling = tuple(event for event in ground.events if event.begin <= cut < event.end)
    first = replace_ground(ground, before, ground.begin, cut)
    return Halves(cut, first, replace_ground(ground, after, cut, ground.end), straddling)


def replace_ground(ground: Ground, events: tuple[EventOf, ...], begin: datetime, end: datetime) -> Ground:
    """The ground with only these events, and alerts outside [begin, end] excluded."""
    return Ground(events, ground.subjects, ground.labelled, begin, end, begin, end)


def propose(
    search: Search,
    halves: Halves,
    best: Trial,
    episodes: tuple[Sequence[Episode], Sequence[Episode]],
    covers: Callable[[str], bool],
    *,
    rounds: int,
    seed: int,
) -> Proposal:
    """The proposal of `best`, from the episodes of the rule as it is and of `best` over the whole replay."""
    sides = [
        [halves.period(each, covers, choosing=choosing, rounds=rounds) for choosing in (True, False)]
        for each in episodes
    ]
    before, after = sides
    lost, won = set(before[1].found) - set(after[1].found), set(after[1].found) - set(before[1].found)
    return Proposal(
        rule=search.rule,
        proposed=best.rule,
        values=best.values,
        budget=search.budget,
        trials=len(search.heard),
        seed=seed,
        chosen_before=before[0],
        chosen_after=after[0],
        checked_before=before[1],
        checked_after=after[1],
        check_p=mcnemar(len(lost), len(won)),
        straddling=halves.straddling,
        warnings=tuple(_warnings(search.budget, before, after)),
    )


def _warnings(budget: float, before: Sequence[Period], after: Sequence[Period]) -> Iterator[str]:
    """`over_budget`: no setting kept it; `few_…`: too few events; `dearer`, `not_confirmed`, `no_gain`: the check cost
    more than allowed, found less than before, or no more where the period that chose found more."""
    chosen, checked, was = after[0].figures, after[1].figures, before[1].figures
    promised = (chosen.recall or 0.0) > (before[0].figures.recall or 0.0)
    if (chosen.false_per_subject_day or 0.0) > budget:
        yield "over_budget"
    if chosen.events < FEW:
        yield "few_chosen"
    if checked.events < FEW:
        yield "few_checked"
    if (checked.false_per_subject_day or 0.0) > max(budget, was.false_per_subject_day or 0.0):
        yield "dearer"
    if (checked.recall or 0.0) < (was.recall or 0.0):
        yield "not_confirmed"
    elif promised and checked.recall == was.recall:
        yield "no_gain"


def named(rule: Rule, name: str) -> Rule:
    """The rule under another name and switched on, as it is replayed beside others."""
    return replace(rule, name=name, enabled=True)


def _in_turn(rows: Sequence[Sequence[Place]]) -> Iterator[Place]:
    for at in range(max(map(len, rows), default=0)):
        for row in rows:
            if at < len(row):
                yield row[at]
