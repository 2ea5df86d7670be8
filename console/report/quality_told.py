"""How complete and how sure a report is: what was not judged, what came late, what was silent, which models judged."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.delivery.phrases import cut, number, percent
from console.messages import catalogue
from console.report.alerts_told import badge_items
from console.report.contents import Opinion, Report
from console.report.happenings import Happening
from console.report.noise import LEAST
from console.report.sheet import Item, Items, Part, Text, plain_line
from console.report.speaker import Speaker

NOTED = 0.05  # of the documents: less than this is told below, not in short
GONE = 8
ITSELF = 20


def notes(report: Report, speaker: Speaker) -> list[str]:
    """What has to be known before a figure is used; nothing where there is nothing."""
    found: list[str] = []
    opinion = report.opinion
    if opinion is not None and opinion.now.documents:
        whole = opinion.now.documents
        parts = (("unjudged", opinion.now.unjudged), ("abstained", opinion.now.abstained), ("stale", opinion.stale))
        found += [
            speaker.say(f"quality.note.{name}", share=percent(count / whole))
            for name, count in parts
            if count >= NOTED * whole
        ]
    if report.itself:
        found.append(speaker.plural("quality.note.itself", len(report.itself)))
    if failed := sum(report.letters.values()):
        found.append(speaker.plural("quality.note.letters", failed))
    return found


def quality_parts(report: Report, speaker: Speaker) -> Iterator[Part]:
    """Everything about completeness and models, then what was measured of the rules that rang."""
    lines: list[str] = []
    if report.opinion is not None:
        lines += _documents(report, report.opinion, speaker)
    parts = [speaker.say("quality.letter", count=number(n), stage=stage) for stage, n in report.letters.items()]
    lines.append(
        speaker.say("quality.letters", parts=speaker.join(parts)) if parts else speaker.say("quality.no_letters")
    )
    if not report.itself:
        lines.append(speaker.say("quality.itself_none"))
    yield Items(tuple(Item((plain_line(line),)) for line in lines if line))
    if report.itself:
        yield Text(plain_line(speaker.say("quality.itself")))
        yield Items(tuple(_itself(each, speaker) for each in report.itself[:ITSELF]))
        if len(report.itself) > ITSELF:
            more = speaker.plural("quality.itself_more", len(report.itself) - ITSELF)
            yield Text(plain_line(more), "quiet")
    if report.rang:
        yield Text(plain_line(speaker.say("quality.badges")))
        yield Items(tuple(badge_items(report.badges, report.rang, speaker)))


def _documents(report: Report, opinion: Opinion, speaker: Speaker) -> Iterator[str]:
    now = opinion.now
    if not now.documents:
        return
    if now.unjudged:
        values = {"count": number(now.unjudged), "documents": speaker.count("document", now.documents)}
        share = percent(now.unjudged / now.documents)
        yield speaker.say("quality.unjudged", share=share, reasons=_reasons(opinion, speaker), **values)
    if now.abstained:
        yield speaker.plural("quality.abstained", now.abstained, share=percent(now.abstained / now.documents))
    if not now.unjudged and not now.abstained:
        yield speaker.say("quality.all_judged")
    if opinion.stale:
        yield speaker.plural("quality.stale", opinion.stale)
    if opinion.late and opinion.latest is not None:
        yield speaker.plural("quality.late", opinion.late, latest=speaker.stamp(opinion.latest))
    models = [
        speaker.say("quality.model", name=cut(m.name, 60), version=cut(m.version, 40), count=number(m.documents))
        for m in opinion.models
    ]
    yield speaker.say("quality.models", models=speaker.join(models)) if models else speaker.say("quality.no_models")
    here = [row for row in opinion.sources if row.now.documents]
    yield speaker.plural("quality.sources", len(here), names=_sources(opinion, speaker))
    if opinion.gone:
        names = speaker.join((cut(name, 40) for name in opinion.gone[:GONE]), last=False)
        yield speaker.plural(f"quality.gone.{report.period.kind}", len(opinion.gone), names=names)


def _reasons(opinion: Opinion, speaker: Speaker) -> str:
    known = catalogue(speaker.lang)
    parts = []
    for reason, count in opinion.unjudged.items():
        word = known.get(f"report.unjudged.{reason}", cut(reason, 40))
        parts.append(speaker.say("quality.reason", reason=word, count=number(count)))
    return speaker.say("quality.reasons", reasons=speaker.join(parts, last=False)) if parts else ""


def _sources(opinion: Opinion, speaker: Speaker) -> str:
    most = sorted((row for row in opinion.sources if row.now.documents), key=lambda r: (-r.now.documents, r.value))
    named = [speaker.say("quality.source", name=cut(r.value, 40), count=number(r.now.documents)) for r in most[:5]]
    return speaker.join(named, last=False)


def _itself(each: Happening, speaker: Speaker) -> Item:
    sentence = cut(each.event.annotations.get(speaker.lang, "") or each.event.subject, 300).rstrip(".。")
    if each.ended is None:
        told = speaker.say("quality.itself_open", sentence=sentence, since=speaker.clock(each.fired))
    else:
        values = {"since": speaker.clock(each.fired), "until": speaker.clock(each.ended)}
        told = speaker.say("quality.itself_over", sentence=sentence, **values)
    return Item((plain_line(told),), each.event.severity)


def method_parts(report: Report, speaker: Speaker) -> Iterator[Part]:
    """How every figure was made."""
    said = [speaker.say("method.counted"), speaker.say("method.story")]
    if report.opinion is not None and report.opinion.before is not None:
        compared = number(report.opinion.compared)
        said.append(speaker.say("method.moves", least=LEAST, compared=compared))
    if report.opinion is not None and report.opinion.usual is not None:
        said.append(speaker.say("method.usual"))
    if report.rang:
        said.append(speaker.say("method.alerts"))
    said.append(speaker.say("method.same"))
    yield Items(tuple(Item((plain_line(line),)) for line in said))
