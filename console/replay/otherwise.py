"""Alerts gained, lost and moved from a moment on, where both sides also saw what came before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from alerts.evaluation.compare import Pair, compare
from alerts.evaluation.result import Episode, Evaluation

WITHIN: Final = 6 * 3600.0  # seconds between two alerts about one subject that count as the same, as in replay compare


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Of the rules in question. `before` and `after` count the alerts of every rule."""

    subject_days: float = 0.0
    gained: tuple[Episode, ...] = ()
    lost: tuple[Episode, ...] = ()
    moved: tuple[tuple[Episode, Episode], ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0  # alerts of the rules in question that ring at the same minute


def otherwise(before: Evaluation, after: Evaluation, differ: Set[str], begin: datetime) -> Otherwise:
    """What the rules `differ` rang otherwise from `begin` on. Alerts are matched first and counted then, so that one
    that rang just before and would ring just after is moved, not gained."""
    common = sorted(differ & before.rules.keys() & after.rules.keys())
    pairs = compare(before, after, rules=[(name, name) for name in common], within=WITHIN).pairs if common else ()
    new = [e for name in sorted(differ & after.rules.keys() - before.rules.keys()) for e in after.rules[name].episodes]
    gone = [
        e for name in sorted(differ & before.rules.keys() - after.rules.keys()) for e in before.rules[name].episodes
    ]
    gained = _from(begin, [*(e for pair in pairs for e in pair.gained), *new])
    moved = [(m.before, m.after) for pair in pairs for m in pair.moved if max(m.before.at, m.after.at) >= begin]
    return Otherwise(
        subject_days=after.subject_days,
        gained=tuple(gained),
        lost=tuple(_from(begin, [*(e for pair in pairs for e in pair.lost), *gone])),
        moved=tuple(moved),
        before=_counts(before, begin),
        after=_counts(after, begin),
        kept=_kept(pairs, after, begin),
    )


def _kept(pairs: Iterable[Pair], after: Evaluation, begin: datetime) -> int:
    """Alerts after that are neither gained nor moved."""
    found = 0
    for pair in pairs:
        other = {e.alert for e in pair.gained} | {each.after.alert for each in pair.moved}
        found += sum(e.alert not in other for e in _from(begin, after.rules[pair.after].episodes))
    return found


def _counts(of: Evaluation, begin: datetime) -> dict[str, int]:
    return {name: len(_from(begin, rule.episodes)) for name, rule in of.rules.items()}


def _from(begin: datetime, episodes: Iterable[Episode]) -> list[Episode]:
    return [episode for episode in episodes if episode.at >= begin]
