"""Everything a report is made of, read from where it lies."""

from __future__ import annotations

from datetime import datetime

from elasticsearch import AsyncElasticsearch

from alerts.evaluation.badge import BadgeOf
from console.opinion.span import Span
from console.report.contents import Opinion, Report
from console.report.happenings import Log, fired_within, happenings
from console.report.index import read_opinion
from console.report.log import read_log, since_of
from console.report.period import Period
from streams.settings import Settings


async def gather(
    settings: Settings,
    bootstrap: str,
    elastic: AsyncElasticsearch | None,
    period: Period,
    now: datetime,
    badge_of: BadgeOf,
) -> Report:
    """The report of a period. Without Elasticsearch what documents would tell is missing, and said to be."""
    read = await read_log(settings, bootstrap, period.span, since_of([period.before.span]))
    opinion = None if elastic is None else await read_opinion(elastic, settings, period)
    return assembled(settings, period, now, read.log, read.letters, opinion, badge_of)


def assembled(
    settings: Settings,
    period: Period,
    now: datetime,
    log: Log,
    letters: dict[str, int],
    opinion: Opinion | None,
    badge_of: BadgeOf,
) -> Report:
    """What was read, put together. Pure."""
    span = period.span
    found = happenings(log, span)
    about = [each for each in found if each.event.kind != "system"]
    rang = tuple(each for each in about if each.fired >= span.begin)
    badges = {each.event.rule_hash: badge_of(each.event.rule_hash) for each in rang}
    return Report(
        period=period,
        made_at=now,
        namespace=settings.namespace,
        opinion=opinion,
        rang=rang,
        open_before=tuple(each for each in about if each.fired < span.begin),
        rang_before=_before(log, period.before.span, opinion),
        itself=tuple(each for each in found if each.event.kind == "system"),
        letters=letters,
        badges={hash_: badge for hash_, badge in badges.items() if badge is not None},
        missing=() if opinion is not None else ("opinion",),
    )


def _before(log: Log, before: Span, opinion: Opinion | None) -> int | None:
    if opinion is not None and opinion.before is None:
        return None
    return fired_within(log, before)
