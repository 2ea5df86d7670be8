"""What Elasticsearch knows of a period: counts, subjects that moved, stories, models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from console.opinion.asking import ask, buckets
from console.opinion.counts import Counts
from console.opinion.filters import EVERYTHING, Filter, query
from console.opinion.groups import Field, Group, groups
from console.opinion.span import Span, moment, stamp
from console.opinion.stories import Stories, Story, stories
from console.opinion.totals import series, totals
from console.report.contents import Judges, Move, Opinion, Row, Usual
from console.report.noise import Difference, Tally, comparisons, number_moved, share_moved
from console.report.period import Period
from streams.settings import Settings

CELLS: Final = {"daily": timedelta(hours=1), "weekly": timedelta(hours=6)}
SUBJECTS: Final = 200  # companies and topics that are compared
SHOWN: Final = 10
STORIES: Final = 8
OF_A_MOVE: Final = 3
LOOKED_AT: Final = 12  # subjects whose stories are read: those that documents say moved furthest
NOTHING: Final = Counts()
KINDS: Final[tuple[Field, ...]] = ("entity", "topic")


async def read_opinion(elastic: AsyncElasticsearch, settings: Settings, period: Period) -> Opinion:
    """All a report says of documents. Raises what the client raises, and Incomplete: a part would be no report."""
    span, before = period.span, period.before.span
    about = await _about(elastic, settings, span)
    since: datetime | None = about["since"]
    now = await totals(elastic, settings, span)
    known_before = since is not None and since < before.end
    found = {kind: await _rows(elastic, settings, span, before, kind) for kind in ("entity", "topic", "risk", "source")}
    negative = await stories(elastic, settings, span, Filter(sentiment="negative"))
    both = [row for kind in KINDS for row in found[kind]]
    compared = sum(comparisons(_tally(row.now), _tally(row.before)) for row in both)
    moves = await _moves(elastic, settings, period, found, compared) if known_before else []
    return Opinion(
        now=now,
        before=await totals(elastic, settings, before) if known_before else None,
        usual=await _usual(elastic, settings, period, since),
        collected_since=since,
        stale=about["stale"],
        late=about["late"],
        latest=about["latest"],
        demo=about["demo"],
        cells=await series(elastic, settings, span, EVERYTHING, CELLS[period.kind]),
        days=await _days(elastic, settings, period, since),
        companies=_most(found["entity"]),
        topics=_most(found["topic"]),
        risks=_with_stories([row for row in found["risk"] if row.value != "none" and row.now.documents], negative),
        sources=tuple(row for row in found["source"] if row.now.documents),
        gone=tuple(sorted(row.value for row in found["source"] if not row.now.documents)),
        moves=tuple(moves),
        subjects=len(both),
        compared=compared,
        stories=tuple(negative.stories[:STORIES]),
        stories_of=len(negative.stories),
        stories_cut=negative.cut,
        models=about["models"],
        unjudged=about["unjudged"],
    )


async def _about(elastic: AsyncElasticsearch, settings: Settings, span: Span) -> dict[str, Any]:
    """What no counting by tone tells: ages, models, invented ones, and since when there is anything."""
    late = {"range": {"indexed_at": {"gte": stamp(span.end)}}}
    models = {"terms": {"field": "model.version", "size": 20}}
    aggs = {
        "since": {"min": {"field": "collected_at"}},
        "span": {
            "filter": span.clause,
            "aggs": {
                "stale": {"filter": {"term": {"stale": "stale"}}},
                "demo": {"filter": {"term": {"demo": True}}},
                "late": {"filter": late, "aggs": {"latest": {"max": {"field": "indexed_at"}}}},
                "models": {"terms": {"field": "model.name", "size": 20}, "aggs": {"versions": models}},
                "unjudged": {"terms": {"field": "unjudged", "size": 20}},
            },
        },
    }
    answer = await ask(elastic, settings, {"size": 0, "query": query(EVERYTHING, settings), "aggs": aggs})
    whole = answer.get("aggregations", {})
    found = whole.get("span", {})
    latest, since = found.get("late", {}).get("latest", {}).get("value"), whole.get("since", {}).get("value")
    return {
        "since": None if since is None else moment(since),
        "latest": None if latest is None else moment(latest),
        "stale": int(found.get("stale", {}).get("doc_count", 0)),
        "demo": int(found.get("demo", {}).get("doc_count", 0)),
        "late": int(found.get("late", {}).get("doc_count", 0)),
        "models": tuple(
            Judges(model["key"], version["key"], int(version["doc_count"]))
            for model in buckets(found, "models")
            for version in buckets(model, "versions")
        ),
        "unjudged": {b["key"]: int(b["doc_count"]) for b in buckets(found, "unjudged") if b["key"]},
    }


async def _usual(
    elastic: AsyncElasticsearch, settings: Settings, period: Period, since: datetime | None
) -> Usual | None:
    """The same weekdays before, as far back as documents were being collected when they began."""
    spans = [each.span for each in period.usual if since is not None and since <= each.span.begin]
    if not spans:
        return None
    found = [await totals(elastic, settings, span) for span in spans]
    return Usual(len(spans), sum(found, NOTHING))


async def _days(
    elastic: AsyncElasticsearch, settings: Settings, period: Period, since: datetime | None
) -> tuple[tuple[date, Counts], ...]:
    shown = [day for day in period.shown if since is not None and since < day.span.end]
    return tuple([(day.last, await totals(elastic, settings, day.span)) for day in shown])


async def _rows(elastic: AsyncElasticsearch, settings: Settings, span: Span, before: Span, field: Field) -> list[Row]:
    """Every value of either span, with both."""
    now = {group.value: group for group in await groups(elastic, settings, span, field, limit=SUBJECTS)}
    then = {group.value: group for group in await groups(elastic, settings, before, field, limit=SUBJECTS)}

    def row(value: str) -> Row:
        known: Group = now.get(value) or then[value]
        return Row(value, known.name, _counts(now.get(value)), _counts(then.get(value)))

    return [row(value) for value in dict.fromkeys((*now, *then))]


def _counts(group: Group | None) -> Counts:
    return NOTHING if group is None else group.counts


def _most(rows: Iterable[Row]) -> tuple[Row, ...]:
    ranked = sorted(rows, key=lambda r: (-r.now.negative, -r.now.documents, r.value))
    return tuple(row for row in ranked[:SHOWN] if row.now.documents)


def _with_stories(rows: Sequence[Row], negative: Stories) -> tuple[Row, ...]:
    """Kinds of risk, most told first, each with the negative stories that tell of it."""
    ranked = sorted(rows, key=lambda r: (-r.now.documents, r.value))[:SHOWN]
    told = {row.value: [s for s in negative.stories if s.risk == row.value][:OF_A_MOVE] for row in ranked}
    return tuple(Row(r.value, r.name, r.now, r.before, tuple(told[r.value])) for r in ranked)


async def _moves(
    elastic: AsyncElasticsearch, settings: Settings, period: Period, found: Mapping[str, Sequence[Row]], compared: int
) -> list[Move]:
    """What documents say moved and stories bear out; the largest first, companies before topics."""
    exposure = period.span.length / period.before.span.length
    moved = [
        (kind, row)
        for kind in KINDS
        for row in sorted(found[kind], key=lambda r: (-abs(r.now.negative - r.before.negative), r.value))
        if _moved(_tally(row.now), _tally(row.before), compared, exposure)
    ]
    made: list[Move] = []
    for kind, row in moved[:LOOKED_AT]:
        chosen = Filter(subject=f"{kind}:{row.value}")
        now = await stories(elastic, settings, period.span, chosen)
        before = await stories(elastic, settings, period.before.span, chosen)
        tallies = tally(now.stories), tally(before.stories)
        for what, by in _moved(*tallies, compared, exposure):
            negative = tuple(s for s in now.stories if s.sentiment == "negative")[:OF_A_MOVE]
            cut = now.cut or before.cut
            made.append(Move(chosen.subject, row.name, what, by, *tallies, row.now, negative, cut))
    return made


def _tally(counts: Counts) -> Tally:
    return Tally(counts.judged, counts.negative)


def tally(told: Iterable[Story]) -> Tally:
    """Stories with a tone, and the negative ones."""
    tones = [story.sentiment for story in told if story.sentiment not in ("abstained", "unjudged")]
    return Tally(len(tones), tones.count("negative"))


def _moved(now: Tally, before: Tally, compared: int, exposure: float) -> list[tuple[Any, Difference]]:
    found = (
        ("share", share_moved(now, before, compared)),
        ("number", number_moved(now, before, compared, exposure)),
    )
    return [(what, by) for what, by in found if by is not None]
