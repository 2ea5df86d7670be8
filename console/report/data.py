"""A report as JSON: every figure with what it rests on, for programs. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from alerts.delivery.phrases import cut
from alerts.evaluation.badge import as_data
from console.opinion.counts import Counts, Share
from console.opinion.span import Span
from console.opinion.stories import Story
from console.report.contents import Move, Opinion, Report, Row
from console.report.happenings import Happening, Told
from console.report.links import Links, stamp
from console.report.noise import Tally
from console.report.period import Period

VERSION: Final = 1
SHORT_ITEMS: Final = 5  # of each kind in a webhook
SHORT_TEXT: Final = 120
NAME: Final = 60  # characters of rules, subjects, sources, labels
URL: Final = 300


def report_data(report: Report, public_url: str = "") -> dict[str, Any]:
    """The whole report. `afterwards` and `made_at` alone depend on when it is made."""
    opinion, links = report.opinion, Links(public_url)
    return {
        "v": VERSION,
        **_about(report),
        "opinion": None if opinion is None else _opinion(opinion, report.period, links),
        "alerts": {
            "rang": [_happening(each, links) for each in report.rang],
            "went_on": [_happening(each, links) for each in report.open_before],
            "rang_before": report.rang_before,
        },
        "quality": {
            "system_alerts": [_happening(each, links) for each in report.itself],
            "dead_letters": dict(report.letters),
            "badges": {hash_: as_data(badge) for hash_, badge in report.badges.items()},
        },
    }


def short_data(report: Report, public_url: str = "") -> dict[str, Any]:
    """The figures and main items: few enough for one webhook."""
    opinion, links = report.opinion, Links(public_url)
    return {
        "v": VERSION,
        **_about(report),
        "counts": None if opinion is None else counts_data(opinion.now),
        "before": None if opinion is None or opinion.before is None else counts_data(opinion.before),
        "alerts": [_brief(each, links) for each in report.rang[:SHORT_ITEMS]],
        "alerts_rang": len(report.rang),
        "alerts_went_on": len(report.open_before),
        "moves": [_move(move, brief=True) for move in (opinion.moves if opinion else ())[:SHORT_ITEMS]],
        "stories": [_story(story, brief=True) for story in (opinion.stories if opinion else ())[:SHORT_ITEMS]],
    }


def _about(report: Report) -> dict[str, Any]:
    period = report.period
    return {
        "kind": period.kind,
        "first": period.first.isoformat(),
        "day": period.last.isoformat(),
        "zone": period.zone.key,
        "from": stamp(period.span.begin),
        "to": stamp(period.span.end),
        "complete": period.complete,
        "made_at": stamp(report.made_at),
        "namespace": report.namespace,
        "demo": report.demo,
        "empty": report.empty,
        "missing": list(report.missing),
    }


def _opinion(opinion: Opinion, period: Period, links: Links) -> dict[str, Any]:
    usual = opinion.usual
    return {
        "counts": counts_data(opinion.now) | {"documents_at": links.documents(period.span)},
        "before": None if opinion.before is None else counts_data(opinion.before),
        "usual": None if usual is None else {"weeks": usual.weeks, "documents": round(usual.documents, 1),
                                            "share": share_data(usual.counts.share)},
        "collected_since": _time(opinion.collected_since),
        "stale": opinion.stale,
        "indexed_late": opinion.late,
        "indexed_last": _time(opinion.latest),
        "demo": opinion.demo,
        "series": [{"at": stamp(at)} | counts_data(counts) for at, counts in opinion.cells],
        "days": [{"day": day.isoformat()} | counts_data(counts) for day, counts in opinion.days],
        "companies": [_row(row, period.span, links, subject=f"entity:{row.value}") for row in opinion.companies],
        "topics": [_row(row, period.span, links, subject=f"topic:{row.value}") for row in opinion.topics],
        "risks": [_row(row, period.span, links, risk=row.value) for row in opinion.risks],
        "sources": [_row(row, period.span, links, source=row.value) for row in opinion.sources],
        "sources_gone": list(opinion.gone),
        "subjects": opinion.subjects,
        "compared": opinion.compared,
        "moves": [_move(move) for move in opinion.moves],
        "stories": [_story(story) for story in opinion.stories],
        "stories_of": opinion.stories_of,
        "stories_cut": opinion.stories_cut,
        "models": [{"name": m.name, "version": m.version, "documents": m.documents} for m in opinion.models],
        "unjudged": dict(opinion.unjudged),
    }  # fmt: skip


def counts_data(counts: Counts) -> dict[str, Any]:
    """Counts with their share."""
    return {name: getattr(counts, name) for name in Counts.__slots__} | {"share": share_data(counts.share)}


def share_data(share: Share | None) -> dict[str, float] | None:
    """A share with its bounds."""
    if share is None:
        return None
    return {"value": round(share.value, 4), "low": round(share.low, 4), "high": round(share.high, 4)}


def _row(row: Row, span: Span, links: Links, **filters: str) -> dict[str, Any]:
    return {
        "value": row.value,
        "name": row.name,
        "now": counts_data(row.now),
        "before": counts_data(row.before),
        "documents_at": links.documents(span, **filters),
        "stories": [_story(story) for story in row.stories],
    }


def _move(move: Move, *, brief: bool = False) -> dict[str, Any]:
    found = {
        "subject": cut(move.subject, NAME) if brief else move.subject,
        "name": cut(move.name, SHORT_TEXT) if brief else move.name,
        "what": move.what,
        "value": _finite(move.by.value),
        "low": _finite(move.by.low),
        "high": _finite(move.by.high),
        "stories_now": _tally(move.now),
        "stories_before": _tally(move.before),
        "cut": move.cut,
    }
    return found if brief else found | {"stories": [_story(story) for story in move.stories]}


def _tally(tally: Tally) -> dict[str, Any]:
    return {"judged": tally.judged, "negative": tally.negative}


def _finite(value: float) -> float | None:
    """JSON knows no infinity: many times nothing is no number."""
    return round(value, 4) if math.isfinite(value) else None


def _story(story: Story, *, brief: bool = False) -> dict[str, Any]:
    found = {
        "document": story.document,
        "headline": cut(story.headline, SHORT_TEXT),
        "url": story.url if len(story.url) <= URL else "",
        "source": cut(story.source, NAME),
        "copies": story.copies,
        "authors": story.authors,
        "sources": story.sources,
        "first": stamp(story.first),
        "last": stamp(story.last),
        "negative": None if story.negative is None else round(story.negative, 4),
        "topic": cut(story.topic, NAME),
        "risk": cut(story.risk, NAME),
    }
    return found if brief else found | {"documents": list(story.documents)}


def _brief(each: Happening, links: Links) -> dict[str, Any]:
    event = each.event
    return {
        "alert": each.alert,
        "rule": cut(event.rule, NAME),
        "subject": cut(event.subject, NAME),
        "name": cut(event.name, SHORT_TEXT),
        "severity": event.severity,
        "fired": stamp(each.fired),
        "ended": _time(each.ended),
        "observed": event.observed,
        "expected": event.expected,
        "unit": cut(event.unit, NAME),
        "demo": event.demo,
        "at": links.alert(each.alert),
    }


def _happening(each: Happening, links: Links) -> dict[str, Any]:
    return _brief(each, links) | {
        "rule_hash": each.event.rule_hash,
        "kind": each.event.kind,
        "steps": [{"at": stamp(e.at), "state": e.state, "reason": e.reason, "severity": e.severity,
                   "observed": e.observed} for e in each.steps],
        "evidence": [msgspec.to_builtins(e) for e in each.event.evidence],
        "says": {lang: each.event.annotations.get(lang, "") for lang in ("en", "zh")},
        "operations": _builtin(each.operations),
        "told": _told(each.told),
        "afterwards": {"operations": _builtin(each.afterwards), "told": _told(each.told_afterwards)},
    }  # fmt: skip


def _builtin(records: Iterable[Any]) -> list[Mapping[str, Any]]:
    return [msgspec.to_builtins(record) for record in records]


def _told(told: Iterable[Told]) -> list[dict[str, Any]]:
    return [{"receiver": t.receiver, "outcome": t.outcome, "at": stamp(t.at), "attempts": t.attempts,
             "meaning": t.meaning} for t in told]  # fmt: skip


def _time(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)
