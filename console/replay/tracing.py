"""What the rule of an alert saw, from the stored documents of its subject: the shell around `alerts.replay.trace`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from alerts.replay.history import remembered, wanted
from alerts.replay.playback import ARCHIVE
from alerts.replay.trace import Point, Traced, minutes, shown_span, step_points, thinned, trace
from alerts.rule_files import PRESETS, SHIPPED, RuleError, in_force, load_rules, parse_rules, presets
from alerts.rules import Rule
from alerts.shares import read_rates
from console.replay.choices import following
from console.replay.elastic import ElasticSource
from console.replay.source import SourceError
from console.replay.span import Span
from console.rule_store import DEMO, former_texts, root_of
from models.registry import SHIPPED as MODELS
from streams.document import Pipeline
from streams.endpoints import resolve
from streams.entities import Gazetteer
from streams.gazetteer.watchlist import read_lists
from streams.records import AlertEvent, Mention
from streams.settings import Settings
from streams.version import VERSION

WAIT: Final = 10.0  # seconds for one answer of Elasticsearch: a page waits for all of them
MOST: Final = 10_000  # documents about the subject, history included: some seconds to read
LONGEST: Final = timedelta(days=120)  # of history
Why = Literal["", "differs", "system", "replay", "rule_gone", "no_documents", "too_many"]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was seen between two times. `why`: empty when the figures at the alert's steps are those told live; `steps`:
    only these are known, for the reason in `why`."""

    points: tuple[Point, ...]
    begin: datetime
    end: datetime
    steps: bool
    why: Why


async def timeline(
    settings: Settings,
    events: Sequence[AlertEvent],
    now: datetime,
    hours: float | None = None,
    missing: Why = "",
) -> Timeline:
    """The timeline of an alert with these steps, in order. `missing`: why there are no documents to look for. Raises
    EnginesDown, and what the client of Elasticsearch raises."""
    last = events[-1]
    begin, end = shown_span(events, now, hours)
    found = None if missing else rule_of(settings, last.rule, last.rule_hash)
    if found is None:
        return _of_steps(events, begin, end, missing or "rule_gone")
    rules, rule = found
    asked_for = min(LONGEST, max(remembered(rules), wanted(rule)))
    mentions = await _mentions(settings, rule, last.subject, Span(begin - asked_for, end + timedelta(minutes=1)))
    if not mentions:
        return _of_steps(events, begin, end, "no_documents" if mentions is not None else "too_many")
    rates = read_rates(settings.model_repository or MODELS)
    at = minutes(begin, end, [event.at for event in events])
    seen = trace(rules, rule.name, last.subject, mentions, at, like=_speaking(events), rates=rates)
    points = thinned(seen.points, {event.at for event in events})
    if not points:
        return _of_steps(events, begin, end, "no_documents")
    return Timeline(points, begin, end, steps=False, why="" if _agrees(seen, events, end) else "differs")


def rule_of(settings: Settings, name: str, hash_: str) -> tuple[tuple[Rule, ...], Rule] | None:
    """The rule with this name and hash, with those it is in force with: of the rules in use, of what their files said
    before, else of those that come with Tocsin. None where nobody has its text any more."""
    lists = read_lists(settings.watchlist)
    current: tuple[Rule, ...] = ()
    for rules in _texts(settings):
        try:
            ready = in_force(rules, lists)
        except RuleError:
            continue  # a list that is there no more
        current = current or ready
        rule = next((each for each in ready if each.name == name and each.hash == hash_), None)
        if rule is not None:
            return (*(each for each in current if each.name != name), rule), rule
    return None


def _texts(settings: Settings) -> Iterator[tuple[Rule, ...]]:
    """All rules there are texts of, set by set; those in use first."""
    yield _loaded(root_of(settings))
    for text in former_texts(settings):
        try:
            yield parse_rules(text)
        except RuleError:
            continue
    for path in (SHIPPED, *(PRESETS / f"{each}.yaml" for each in presets()), DEMO / "rules.yaml"):
        yield _shipped(path)


def _loaded(path: Path) -> tuple[Rule, ...]:
    try:
        return load_rules(path)
    except RuleError:
        return ()


@lru_cache(maxsize=16)
def _shipped(path: Path) -> tuple[Rule, ...]:
    return _loaded(path)


async def _mentions(settings: Settings, rule: Rule, subject: str, span: Span) -> list[Mention] | None:
    """What is said about the subject, in order; None where that is too much."""
    pipeline = Pipeline(following(settings, [rule]), _names(settings.watchlist), b"unused", VERSION)
    only = about(subject, _members(settings.watchlist, subject))
    url = resolve(settings, "elasticsearch").elasticsearch
    source = ElasticSource(settings, url, "", span, only=only, wait=WAIT)
    found: list[Mention] = []
    try:
        async with aclosing(source.items()) as batches:
            async for batch in batches:
                if source.notes.total > MOST:
                    return None
                for document in batch.documents:
                    mentions = pipeline.mentions(document, ARCHIVE, len(found))
                    found += [mention for mention in mentions if mention.subject == subject]
    except SourceError:
        return []  # there is no index
    return found


def about(subject: str, members: Sequence[str] = ()) -> list[Mapping[str, Any]]:
    """Clauses of a search that every document about the subject fulfils. `members`: companies of a list."""
    kind, _, name = subject.partition(":")
    match kind:
        case "entity":
            return [{"term": {"entities.id": name}}]
        case "list":
            return [{"terms": {"entities.id": list(members)}}]
        case "topic":
            return [{"term": {"topic.label": name}}]
        case "source":
            return [{"term": {"source": name}}]
    return []


def _members(watchlist: Path | None, subject: str) -> list[str]:
    kind, _, name = subject.partition(":")
    return sorted(read_lists(watchlist).get(name, ())) if kind == "list" else []


def _names(watchlist: Path | None) -> Gazetteer:
    return _gazetteer(watchlist, watchlist.stat().st_mtime_ns if watchlist else 0)


@lru_cache(maxsize=2)
def _gazetteer(watchlist: Path | None, _changed_at: int) -> Gazetteer:
    return Gazetteer.load(watchlist)


def _speaking(events: Sequence[AlertEvent]) -> AlertEvent:
    """The step whose window is followed: that which rang, else the first."""
    return next((event for event in events if event.state == "firing"), events[0])


def _agrees(seen: Traced, events: Sequence[AlertEvent], end: datetime) -> bool:
    """Whether the same run led to the same steps with the same figures, as far as it goes."""
    told = {event.id: event for event in seen.events}
    return all(
        (again := told.get(event.id)) is not None
        and (again.at, again.state, again.observed, again.expected, again.severity)
        == (event.at, event.state, event.observed, event.expected, event.severity)
        for event in events
        if event.at <= end
    )


def _of_steps(events: Sequence[AlertEvent], begin: datetime, end: datetime, why: Why) -> Timeline:
    return Timeline(step_points(events), min(begin, events[0].at), end, steps=True, why=why)
