"""Rules ship with their tests: a timeline of input in shorthand, and every alert event it must lead to, in order.

    rules: default.yaml                 # beside this file
    tests:
      - name: a crisis rings once
        start: 2026-01-05T00:00:00Z
        until: 8h                       # the last tick; offsets count from start
        feed:
          - {at: 6h, every: 2m, times: 12, subject: entity:acme, negative: 0.9, sources: 3, authors: 6}
        expect:
          - {at: 6h9m, rule: entity-negative-count, subject: entity:acme, state: firing, reason: held}

A line of `feed` makes `times` documents, `every` so often, each a text of its own unless `copies: true`. `sources` and
`authors` are how many take turns. Tone: one of `negative`, `neutral`, `positive` with its probability, or
`unjudged: true`. `expect` is complete: an event that is not listed, or is listed and does not come, fails the test; of
each event only the fields given are compared. `restart: true` snapshots and restores the engine after every record.
`late: 10m` makes documents arrive that much after their collection, `item: X` makes them revisions of one item.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from alerts.engine import Engine
from alerts.rule_files import RuleError, in_force, load_rules
from alerts.rules import Duration, Level, Rule
from alerts.yaml_lines import YamlFault, read_yaml
from alerts.yaml_structs import Fault
from streams.records import AlertEvent, Kind, Mention, Signature, State, Tick, Unit, digest

CHANNEL: Final = "test/0"


class Feed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Documents about one subject."""

    at: Duration
    every: Duration = msgspec.field(default_factory=lambda: Duration(60))
    times: Annotated[int, Meta(ge=1, le=100_000)] = 1
    subject: Annotated[str, Meta(pattern=r"^(entity|topic|source|list|market):.+$")]
    negative: Unit | None = None
    neutral: Unit | None = None
    positive: Unit | None = None
    unjudged: bool = False
    copies: bool = False
    sources: Annotated[int, Meta(ge=1)] = 1
    authors: Annotated[int, Meta(ge=0)] = 1  # 0: the source names no author
    kind: Kind = "news"
    lang: str = "en"
    stale: Literal["fresh", "stale", "unknown"] = "fresh"
    topic: str = ""
    risk: str = ""
    relevance: Unit = 1.0
    headline: str = ""
    item: str = ""  # all documents of this line are revisions of this item of their source: only the newest counts
    late: Duration = msgspec.field(default_factory=Duration)  # arrives so long after its collection


class Expected(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One alert event; a field left out is not compared."""

    at: Duration | None = None
    rule: str | None = None
    subject: str | None = None
    state: State | None = None
    reason: str | None = None
    severity: Level | None = None
    observed: float | None = None
    support: int | None = None
    documents: int | None = None
    stories: int | None = None
    sources: int | None = None
    authors: int | None = None
    labels: dict[str, str] | None = None


class Case(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One timeline and what it must lead to."""

    name: str
    start: Annotated[datetime, Meta(tz=True)]
    until: Duration
    rules: tuple[str, ...] = ()  # names of the rules looked at; default: all of the file
    restart: bool = False
    feed: tuple[Feed, ...]
    expect: tuple[Expected, ...] = ()


class Suite(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A test file."""

    rules: str
    lists: dict[str, tuple[str, ...]] = {}  # of the watchlist, where the rules need them
    tests: Annotated[tuple[Case, ...], Meta(min_length=1)]


class Outcome(Struct, frozen=True):
    """What came of one case; no `differences` means it passed."""

    case: str
    differences: tuple[str, ...]
    events: tuple[AlertEvent, ...]


def run_file(path: Path) -> tuple[Outcome, ...]:
    """Run every case of a test file. RuleError when it, or the rule file it names, cannot be used."""
    suite = read_suite(path)
    rules = in_force(load_rules(path.parent / suite.rules), suite.lists)
    return tuple(run(case, _chosen(case, rules, path)) for case in suite.tests)


def read_suite(path: Path) -> Suite:
    """The cases of a test file; RuleError with file and line otherwise."""
    try:
        data, lines = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError([Fault(str(path), 1, f"cannot be read: {error}")]) from None
    except YamlFault as fault:
        raise RuleError([Fault(str(path), fault.line, fault.told)]) from None
    try:
        return msgspec.convert(_dated(data), Suite, dec_hook=_read)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        raise RuleError([Fault(str(path), lines.at(where.rstrip("`") or "$"), message)]) from None


def run(case: Case, rules: Sequence[Rule]) -> Outcome:
    """Fold the case's timeline through the engine and compare."""
    channels = [CHANNEL]
    engine = Engine(rules, lateness=0, channels=channels)
    events: list[AlertEvent] = []
    for offset, signal in enumerate(timeline(case)):
        events += engine.feed(signal, offset)
        if case.restart:
            engine = Engine.restore(engine.snapshot(), rules, lateness=0, channels=channels)
    return Outcome(case.name, tuple(_differences(case, events)), tuple(events))


def timeline(case: Case) -> Iterator[Mention | Tick]:
    """The records of a case in the order they arrive, with a tick after each minute in which something happened."""
    arrivals = sorted(
        (
            (mention.collected_at + timedelta(seconds=feed.late.seconds), mention)
            for number, feed in enumerate(case.feed)
            for mention in _mentions(case, number, feed)
        ),
        key=lambda pair: (pair[0], pair[1].document),
    )
    until = case.start + timedelta(seconds=case.until.seconds)
    ticked = case.start
    for arrival, mention in arrivals:
        if arrival > until:
            break
        if arrival - ticked > timedelta(minutes=1):
            ticked = arrival - timedelta(seconds=1)
            yield Tick(channel=CHANNEL, offset=0, at=ticked)
        yield mention
    yield Tick(channel=CHANNEL, offset=0, at=until)


def _mentions(case: Case, number: int, feed: Feed) -> Iterator[Mention]:
    kind, _, name = feed.subject.partition(":")
    for turn in range(feed.times):
        at = case.start + timedelta(seconds=feed.at.seconds + turn * feed.every.seconds)
        document = digest("test", str(number), str(turn))
        yield Mention(
            subject=feed.subject,
            name=name,
            document=document,
            channel=CHANNEL,
            offset=turn,
            source=name if kind == "source" else f"source-{turn % feed.sources}",
            kind=feed.kind,
            author=f"author-{number}-{turn % feed.authors}" if feed.authors else "",
            lang=feed.lang,
            url="",
            headline=feed.headline,
            collected_at=at,
            published_at=None,
            stale=feed.stale,
            relevance=feed.relevance,
            signature=Signature(copy_key=digest("copy", str(number)) if feed.copies else document),
            sentiment=_sentiment(feed),
            topic=name if kind == "topic" else feed.topic,
            topic_confidence=1.0 if kind == "topic" or feed.topic else 0.0,
            risk=feed.risk,
            risk_confidence=1.0 if feed.risk else 0.0,
            model="test",
            item=feed.item,
        )


def _sentiment(feed: Feed) -> dict[str, float] | None:
    if feed.unjudged:
        return None
    given = {"negative": feed.negative, "neutral": feed.neutral, "positive": feed.positive}
    rest = max(0.0, 1.0 - sum(p or 0.0 for p in given.values()))
    missing = sum(p is None for p in given.values()) or 1
    return {label: rest / missing if p is None else p for label, p in given.items()}


def _chosen(case: Case, rules: Sequence[Rule], path: Path) -> list[Rule]:
    unknown = set(case.rules) - {r.name for r in rules}
    if unknown:
        raise RuleError([Fault(str(path), 1, f"{case.name}: no rule named {', '.join(sorted(unknown))}")])
    return [r for r in rules if not case.rules or r.name in case.rules]


def _differences(case: Case, events: Sequence[AlertEvent]) -> Iterator[str]:
    for index in range(max(len(events), len(case.expect))):
        if index >= len(case.expect):
            yield f"not expected: {_told(case, events[index])}"
        elif index >= len(events):
            yield f"did not come: {_wanted(case.expect[index])}"
        else:
            wanted, event = case.expect[index], events[index]
            wrong = {k: v for k, v in _given(wanted).items() if _value(case, event, k) != v}
            if wrong:
                yield f"expected {_wanted(wanted)}; got {_told(case, event)}"


def _given(expected: Expected) -> dict[str, Any]:
    values = {f: getattr(expected, f) for f in expected.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None}


def _value(case: Case, event: AlertEvent, field: str) -> Any:
    return Duration(round((event.at - case.start).total_seconds())) if field == "at" else getattr(event, field)


def _wanted(expected: Expected) -> str:
    return ", ".join(f"{name} {value}" for name, value in _given(expected).items())


def _told(case: Case, event: AlertEvent) -> str:
    fields = ("at", "rule", "subject", "state", "reason", "severity", "observed", "support", "stories")
    return ", ".join(f"{name} {_value(case, event, name)}" for name in fields)


def _dated(data: Any) -> Any:
    """`start` as a time: the YAML reader leaves times as text."""
    for case in data.get("tests", ()) if isinstance(data, dict) and isinstance(data.get("tests"), list) else ():
        if isinstance(case, dict) and isinstance(case.get("start"), str):
            try:
                case["start"] = datetime.fromisoformat(case["start"])
            except ValueError:
                continue  # convert() tells what is wrong, with its place
    return data


def _read(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)
