"""What other rules would have rung over the stored documents of the last days: the replay's own engine and comparison.

Both sets of rules meet the same documents in one pass. Documents before the days asked about are history: rules see
them, and what rings among them is not counted. Nothing is written, nobody is told, no model is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final, cast

from msgspec import Struct

from alerts.evaluation.result import Episode
from alerts.replay.history import remembered, wanted
from alerts.rules import LEVELS, Level, Rule
from alerts.shares import read_rates
from console.replay.elastic import ElasticSource
from console.replay.otherwise import Otherwise
from console.replay.span import Span
from console.replay.whatif_pass import Pass, Rules
from models.registry import SHIPPED
from streams.settings import Settings

MOST: Final = 200_000  # documents, history included
FEW: Final = 20_000  # so few are played to the rules that stay as they are, too
LONGEST: Final = timedelta(days=120)  # of history
SHOWN: Final = 200  # alerts told of each sort
ENOUGH: Final = 0.9  # of the history a rule wants: the oldest document need not lie at its very beginning
EVERY: Final = 0.25  # seconds between two words about how far it is
Progress = Callable[[str, int, int], None]  # stage, documents read, documents there are


class Brief(Struct, frozen=True, kw_only=True):
    """One alert, as a list shows it, with the strongest document behind it."""

    rule: str
    subject: str
    name: str
    severity: str
    since: datetime
    until: datetime | None
    observed: float
    expected: float | None
    beyond: float
    headline: str
    document: str


class MovedBrief(Struct, frozen=True, kw_only=True):
    """One alert that rings at another time."""

    before: Brief
    after: Brief
    seconds: float  # later; negative: earlier


class Count(Struct, frozen=True, kw_only=True):
    """Alerts of one rule, as it is and as it would be; None: there is no such rule, or it was not played."""

    name: str
    before: int | None
    after: int | None
    differs: bool


class History(Struct, frozen=True, kw_only=True):
    """What came before the days that were asked about."""

    earliest: datetime | None  # of all documents that were read
    days: float  # there are documents so far back
    wanted_days: float  # by the rules that differ
    short: tuple[str, ...]  # rules that want more than there is


class Result(Struct, frozen=True, kw_only=True):
    """What would be otherwise. Lists hold the most severe of each sort; the counts are of all."""

    begin: datetime
    end: datetime
    documents: int  # within the days asked about
    read: int  # history included
    subject_days: float
    weeks: float
    rules: tuple[Count, ...]
    gained: tuple[Brief, ...]
    lost: tuple[Brief, ...]
    moved: tuple[MovedBrief, ...]
    gained_count: int
    lost_count: int
    moved_count: int
    kept: int
    history: History


class TooMuch(ValueError):  # noqa: N818 - what is so
    """There are more documents than are played for a question."""

    def __init__(self, count: int) -> None:
        super().__init__(str(count))
        self.count = count


def differing(before: Sequence[Rule], after: Sequence[Rule]) -> set[str]:
    """Names of the rules that one set has and the other has not, or otherwise."""
    sets = [{rule.name: (rule.hash, rule.scope) for rule in rules} for rules in (before, after)]
    return {name for name in sets[0].keys() | sets[1].keys() if sets[0].get(name) != sets[1].get(name)}


async def ask(
    settings: Settings, url: str, sets: tuple[Rules, Rules], begin: datetime, end: datetime, progress: Progress
) -> Result:
    """The answer. Raises TooMuch, SourceError, and what the client of Elasticsearch raises."""
    differ = differing(*sets)
    rates = read_rates(settings.model_repository or SHIPPED)
    for whole in (True, False):  # where there are few documents the rules that stay the same are counted, too
        asked_for = _history(sets, None if whole else differ)
        source = ElasticSource(settings, url, "", Span(begin - asked_for, end))
        one = Pass(settings, sets, differ, begin, rates, whole=whole)
        if await _played(one, source, FEW if whole else MOST, progress):
            progress("comparing", source.notes.read, source.notes.total)
            return _result(one, one.otherwise(end), end)
    raise TooMuch(source.notes.total)


def _history(sets: tuple[Rules, Rules], differ: Set[str] | None) -> timedelta:
    """What these rules (None: all) look back to; copies are recognised as all rules together do."""
    everybody = [rule for rules in sets for rule in rules]
    own = [wanted(rule) for rule in everybody if differ is None or rule.name in differ]
    return min(LONGEST, max([remembered(everybody), *own]))


async def _played(one: Pass, source: ElasticSource, most: int, progress: Progress) -> bool:
    """Play the source to the pass; whether it has no more documents than that."""
    said = 0.0
    async with aclosing(source.items()) as batches:
        async for batch in batches:
            if source.notes.total > most:
                return False
            for document in batch.documents:
                one.document(document)
            if time.monotonic() - said > EVERY:
                said = time.monotonic()
                progress("reading", source.notes.read, source.notes.total)
    return True


def _result(one: Pass, found: Otherwise, end: datetime) -> Result:
    had = max(timedelta(), one.begin - (one.earliest or one.begin))
    changed = {rule.name: rule for rules in one.sets for rule in rules if rule.name in one.differ}
    return Result(
        begin=one.begin,
        end=end,
        documents=one.documents,
        read=one.read,
        subject_days=found.subject_days,
        weeks=(end - one.begin) / timedelta(days=7),
        rules=tuple(_counts(one, found)),
        gained=_briefs(found.gained),
        lost=_briefs(found.lost),
        moved=tuple(
            MovedBrief(before=brief(first), after=brief(second), seconds=(second.at - first.at).total_seconds())
            for first, second in found.moved[:SHOWN]
        ),
        gained_count=len(found.gained),
        lost_count=len(found.lost),
        moved_count=len(found.moved),
        kept=found.kept,
        history=History(
            earliest=one.earliest,
            days=round(had / timedelta(days=1), 2),
            wanted_days=round(max(map(wanted, changed.values()), default=timedelta()) / timedelta(days=1), 2),
            short=tuple(sorted(name for name, rule in changed.items() if _falls_short(rule, had))),
        ),
    )


def _falls_short(rule: Rule, had: timedelta) -> bool:
    """Whether the rule looks further back than its windows, and there is less than it wants."""
    windows = timedelta(seconds=max(look.window.seconds for look in rule.looks))
    return had < ENOUGH * (wanted(rule) - windows)


def _counts(one: Pass, found: Otherwise) -> Iterator[Count]:
    """Rules that are the same are counted where they were played."""
    rules = [{rule.name: rule for rule in each} for each in one.sets]
    for name in dict.fromkeys((*rules[0], *rules[1])):
        differs = name in one.differ
        played = differs or one.whole
        before, after = (
            counts.get(name, 0) if played and name in each else None
            for counts, each in zip((found.before, found.after), rules, strict=True)
        )
        yield Count(name=name, before=before, after=after, differs=differs)


def _briefs(episodes: Sequence[Episode]) -> tuple[Brief, ...]:
    """The most severe, of those the furthest beyond their bounds."""
    worst = sorted(episodes, key=lambda each: (-LEVELS.index(cast(Level, each.severity)), -each.beyond, each.at))
    return tuple(brief(each) for each in worst[:SHOWN])


def brief(of: Episode) -> Brief:
    """The alert with its strongest document: of the story most told the most negative."""
    strongest = of.documents[0] if of.documents else None
    return Brief(
        rule=of.rule,
        subject=of.subject,
        name=of.name,
        severity=of.severity,
        since=of.at,
        until=of.until,
        observed=of.observed,
        expected=of.expected,
        beyond=of.beyond,
        headline=strongest.headline if strongest else "",
        document=strongest.document if strongest else "",
    )
