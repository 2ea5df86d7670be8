"""Two rules, rule sets or models on the same history: alerts gained, lost, moved, and what of it is more than chance.

Pure: two results in, one comparison out. Both must have met the same truth; events that only one of them knows are left
out and told. What of the figures' differences is more than chance says `alerts.evaluation.changes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.changes import Change, Side, changes, is_negative
from alerts.evaluation.result import Episode, Evaluation, EventOf, Outcome

FEW: Final = 20  # events; six found by one side alone are the least that McNemar's test takes for more than chance
ALL: Final = "*"  # the rules of a set, taken as one
STILL: Final = 60.0  # seconds: the engine judges once a minute


class Moved(Struct, frozen=True, kw_only=True):
    """One alert that both made, at another time."""

    before: Episode
    after: Episode
    seconds: float  # later than before; negative: earlier


class Pair(Struct, frozen=True, kw_only=True):
    """One rule against one other. Episodes and outcomes name events by their place in the comparison's `events`."""

    before: str
    after: str
    before_hash: str
    after_hash: str
    same: int  # alerts that both made at the same minute
    gained: tuple[Episode, ...]
    lost: tuple[Episode, ...]
    moved: tuple[Moved, ...]
    events_gained: tuple[int, ...]  # found only after
    events_lost: tuple[int, ...]
    changes: tuple[Change, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """Everything that two results differ in. `caveats` are codes of what makes them hard to compare."""

    v: int = 1
    before: str
    after: str
    within_s: float
    events: tuple[EventOf, ...]  # that both know
    pairs: tuple[Pair, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    caveats: tuple[str, ...] = ()


class NothingToCompare(ValueError):  # noqa: N818 - what happened
    """The two results share no rule; the message says which there are."""


def compare(
    before: Evaluation,
    after: Evaluation,
    *,
    names: tuple[str, str] = ("before", "after"),
    rules: Sequence[tuple[str, str]] = (),
    within: float = 6 * 3600.0,
    seed: int = 0,
) -> Comparison:
    """The comparison of the pairs `rules`; without them of rules of the same name, of the only rule on each side, and
    of the two sets as a whole where both have several.

    `within`: seconds between two alerts about one subject that count as the same alert. Raises NothingToCompare.
    """
    events, places = _common(before.events, after.events)
    pairs = list(rules) or _pairs(before, after)
    sides = [
        (_side(before, first, places[0]), _side(after, second, places[1]))
        for first, second in _known(pairs, before, after)
    ]
    shared = before.rules.keys() & after.rules.keys()
    used = {name for pair in pairs for name in pair}
    return Comparison(
        before=names[0],
        after=names[1],
        within_s=within,
        events=events,
        pairs=tuple(_pair(first, second, events, within, seed) for first, second in sides),
        only_before=tuple(sorted(before.rules.keys() - shared - used)),
        only_after=tuple(sorted(after.rules.keys() - shared - used)),
        caveats=tuple(_caveats(before, after, len(events))),
    )


def _pairs(before: Evaluation, after: Evaluation) -> list[tuple[str, str]]:
    found = [(name, name) for name in before.rules if name in after.rules]
    if not found and len(before.rules) == len(after.rules) == 1:
        found = [(next(iter(before.rules)), next(iter(after.rules)))]
    if len(before.rules) > 1 and len(after.rules) > 1:
        found.append((ALL, ALL))
    return found


def _known(pairs: Sequence[tuple[str, str]], before: Evaluation, after: Evaluation) -> Iterator[tuple[str, str]]:
    for first, second in pairs:
        for name, side, others in ((first, "first", before.rules), (second, "second", after.rules)):
            if name != ALL and name not in others:
                raise NothingToCompare(f"the {side} result has no rule {name}; it has: {', '.join(others) or 'none'}")
        yield first, second
    if not pairs:
        raise NothingToCompare(
            f"no rule is in both: the first has {', '.join(before.rules) or 'none'}, the second "
            f"{', '.join(after.rules) or 'none'}; name two to compare: --rule NAME=NAME"
        )


def _common(
    before: Sequence[EventOf], after: Sequence[EventOf]
) -> tuple[tuple[EventOf, ...], tuple[dict[int, int], dict[int, int]]]:
    """The events in both, and where each stands among them by its place in either."""
    keys = [[(e.subject, e.onset, e.kind) for e in side] for side in (before, after)]
    both = [key for key in dict.fromkeys(keys[1]) if key in set(keys[0])]
    at = {key: place for place, key in enumerate(both)}
    first, second = ({i: at[key] for i, key in enumerate(side) if key in at} for side in keys)
    by_key = dict(zip(keys[1], after, strict=True))
    return tuple(by_key[key] for key in both), (first, second)


def _side(evaluation: Evaluation, name: str, places: Mapping[int, int]) -> Side:
    chosen = evaluation.rules if name == ALL else {name: evaluation.rules[name]}
    outcomes: dict[int, Outcome] = {}
    for outcome in (o for rule in chosen.values() for o in rule.outcomes if o.event in places):
        place, seen = places[outcome.event], outcomes.get(places[outcome.event])
        if seen is None or _sooner(outcome, seen):
            outcomes[place] = outcome
    episodes = [
        replace(e, event=None if e.event is None else places.get(e.event)) for r in chosen.values() for e in r.episodes
    ]
    days, hash_ = evaluation.subject_days, ""  # of all subjects that any rule looks at
    if name != ALL:
        days, hash_ = evaluation.rules[name].subject_days, evaluation.rules[name].hash
    return Side(name, hash_, days, tuple(sorted(episodes, key=lambda e: (e.at, e.subject, e.rule))), outcomes)


def _sooner(outcome: Outcome, than: Outcome) -> bool:
    if not outcome.found or not than.found:
        return outcome.found
    return outcome.at is not None and (than.at is None or outcome.at < than.at)


def _pair(before: Side, after: Side, events: Sequence[EventOf], within: float, seed: int) -> Pair:
    matched = _matched(before.episodes, after.episodes, within)
    again = {id(first) for first, _ in matched} | {id(second) for _, second in matched}
    apart = [(first, second, (second.at - first.at).total_seconds()) for first, second in matched]
    found = [{i for i, o in side.outcomes.items() if o.found and is_negative(events, i)} for side in (before, after)]
    return Pair(
        before=before.name,
        after=after.name,
        before_hash=before.hash,
        after_hash=after.hash,
        same=sum(abs(seconds) < STILL for _, _, seconds in apart),
        gained=tuple(e for e in after.episodes if id(e) not in again),
        lost=tuple(e for e in before.episodes if id(e) not in again),
        moved=tuple(Moved(before=a, after=b, seconds=s) for a, b, s in apart if abs(s) >= STILL),
        events_gained=tuple(sorted(found[1] - found[0])),
        events_lost=tuple(sorted(found[0] - found[1])),
        changes=tuple(changes(before, after, events, seed)),
    )


def _matched(before: Sequence[Episode], after: Sequence[Episode], within: float) -> list[tuple[Episode, Episode]]:
    """Alerts about one subject that are the same: one to one, the nearest first."""
    by_subject: dict[str, list[Episode]] = defaultdict(list)
    for episode in before:
        by_subject[episode.subject].append(episode)
    near = [
        (abs((second.at - first.at).total_seconds()), first.at, second.at, i, j)
        for j, second in enumerate(after)
        for i, first in enumerate(by_subject[second.subject])
        if abs((second.at - first.at).total_seconds()) <= within
    ]
    taken: set[tuple[str, int]] = set()
    used: set[int] = set()
    found: list[tuple[Episode, Episode]] = []
    for _, _, _, i, j in sorted(near):
        subject = after[j].subject
        if j not in used and (subject, i) not in taken:
            used.add(j)
            taken.add((subject, i))
            found.append((by_subject[subject][i], after[j]))
    return sorted(found, key=lambda pair: (pair[1].at, pair[1].subject))


def _caveats(before: Evaluation, after: Evaluation, common: int) -> Iterator[str]:
    if common != len(before.events) or common != len(after.events):
        yield "events"
    if (before.begin, before.end) != (after.begin, after.end):
        yield "period"
    if before.mentions != after.mentions:
        yield "mentions"
    if before.matching != after.matching or before.labelled != after.labelled:
        yield "matching"
    if before.models.keys() != after.models.keys():
        yield "models"
    if common < FEW:
        yield "few"
