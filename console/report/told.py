"""A report as a sheet: which sections it has, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerts.delivery.card import Line
from alerts.delivery.phrases import cut
from console.report.alerts_told import alerts_parts
from console.report.contents import Opinion, Report
from console.report.drawings import cells_chart, days_chart
from console.report.links import Links
from console.report.quality_told import method_parts, quality_parts
from console.report.sheet import Part, Section, Sheet, plain_line
from console.report.speaker import Speaker
from console.report.subjects_told import moves_parts, risks_parts, stories_parts, subjects_parts
from console.report.summary_told import empty_parts, figures_part, summary_parts


def speaker_of(report: Report, lang: str, public_url: str = "") -> Speaker:
    """Who tells this report."""
    return Speaker(lang, report.period.zone, report.period.span.end, Links(public_url))


def told(report: Report, speaker: Speaker) -> Sheet:
    """The whole report. An empty period has nothing but that, and what is known of its completeness."""
    if report.empty:
        sections: list[tuple[str, Iterable[Part]]] = [
            ("summary", empty_parts(report, speaker)),
            ("quality", quality_parts(report, speaker)),
        ]
    else:
        sections = list(_sections(report, speaker))
    return Sheet(
        lang=speaker.lang,
        title=title(report, speaker),
        about=tuple(_about(report, speaker)),
        sections=tuple(section(name, parts, speaker) for name, parts in sections),
        demo=speaker.say("demo") if report.demo else "",
        warnings=tuple(speaker.say(f"missing.{name}") for name in report.missing),
    )


def title(report: Report, speaker: Speaker) -> str:
    """Kind and day, marked where data are invented."""
    period = report.period
    mark = speaker.say("mark") if report.demo else ""
    days = {"day": speaker.day(period.last), "first": speaker.day(period.first, weekday=False),
            "last": speaker.day(period.last, weekday=False)}  # fmt: skip
    return mark + speaker.say(f"title.{period.kind}", **days)


def _about(report: Report, speaker: Speaker) -> Iterator[Line]:
    period = report.period
    begin, end = period.span.begin.astimezone(period.zone), period.span.end.astimezone(period.zone)
    key = "covers" if period.complete else "covers_unfinished"
    told = speaker.say(
        key, begin=f"{begin:%Y-%m-%d %H:%M}", end=f"{end:%Y-%m-%d %H:%M}", zone=speaker.place,
        made=speaker.stamp(report.made_at),
    )  # fmt: skip
    yield plain_line(told)
    if report.namespace:
        yield plain_line(speaker.say("namespace", name=cut(report.namespace, 40)))


def _sections(report: Report, speaker: Speaker) -> Iterator[tuple[str, Iterable[Part]]]:
    yield "summary", summary_parts(report, speaker)
    opinion = report.opinion
    if opinion is not None:
        yield "figures", [figures_part(report, opinion, speaker), *_charts(report, opinion, speaker)]
    yield "alerts", alerts_parts(report.rang, report.open_before, speaker)
    if opinion is not None and opinion.now.documents:
        yield "moves", moves_parts(report, opinion, speaker)
        yield "stories", stories_parts(opinion, speaker)
        yield "subjects", subjects_parts(report, opinion, speaker)
        yield "risks", risks_parts(report, opinion, speaker)
    yield "quality", quality_parts(report, speaker)
    yield "method", method_parts(report, speaker)


def _charts(report: Report, opinion: Opinion, speaker: Speaker) -> Iterator[Part]:
    if opinion.now.documents:
        yield cells_chart(opinion.cells, report.period.kind, speaker)
    days = days_chart(opinion.days, speaker)
    if days is not None:
        yield days


def section(name: str, parts: Iterable[Part], speaker: Speaker) -> Section:
    """A section under its heading."""
    return Section(name, speaker.say(f"section.{name}"), tuple(parts))
