"""The first half page: what a person who reads no further has to know, and the figures beside those before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from alerts.delivery.card import Line, Span
from alerts.delivery.phrases import cut, number, percent
from alerts.rules import LEVELS
from console.opinion.counts import Counts
from console.report.contents import Opinion, Report
from console.report.noise import Tally, share_difference
from console.report.quality_told import notes
from console.report.sheet import Item, Items, Part, Table, Text, plain_line
from console.report.speaker import NONE, Speaker, initial, points, signed
from streams.records import Acknowledgement, Mark, Severity

NAMED = 6


def summary_parts(report: Report, speaker: Speaker) -> Iterator[Part]:
    """The same as a list."""
    yield Items(tuple(Item((line,)) for line in summary_lines(report, speaker)))


def summary_lines(report: Report, speaker: Speaker) -> list[Line]:
    """One line each for documents, comparison, alerts, moves, the main story and what to bear in mind."""
    lines: list[Line] = []
    opinion = report.opinion
    if opinion is not None:
        lines.append(_documents(report, opinion, speaker))
        lines += [plain_line(_before(report, opinion, speaker)), plain_line(_usual(report, opinion, speaker))]
    lines.append(plain_line(alerts_line(report, speaker)))
    if opinion is not None and opinion.now.documents:
        lines += [plain_line(moves_line(report, opinion, speaker)), _story(opinion, speaker)]
    if told := notes(report, speaker):
        lines.append(plain_line(speaker.say("summary.quality", notes=speaker.join(told, last=False))))
    return [line for line in lines if any(span.text for span in line)]


def documents_line(opinion: Opinion, speaker: Speaker) -> str:
    """How many documents, and how many of the judged ones were negative."""
    now, share = opinion.now, opinion.now.share
    if not now.documents:
        return speaker.say("summary.none")
    documents = speaker.count("document", now.documents)
    if share is None:
        return speaker.say("summary.unjudged", documents=documents)
    return speaker.plural(
        "summary.documents", now.documents, documents=documents, judged=number(now.judged), share=percent(share.value),
        low=percent(share.low), high=percent(share.high),
    )  # fmt: skip


def _documents(report: Report, opinion: Opinion, speaker: Speaker) -> Line:
    told, linked = documents_line(opinion, speaker), speaker.count("document", opinion.now.documents)
    before, _, after = told.partition(linked)
    if not after:
        return plain_line(told)
    return (Span(before), Span(linked, href=speaker.links.documents(report.period.span)), Span(after))


def _before(report: Report, opinion: Opinion, speaker: Speaker) -> str:
    if opinion.before is None:
        return speaker.say("summary.first")
    before = opinion.before
    documents = speaker.count("document", before.documents)
    if before.share is None:
        return speaker.say("summary.no_share", documents=documents)
    key = "before" if report.period.kind == "daily" else "before_week"
    told = speaker.say(f"summary.{key}", documents=documents, share=percent(before.share.value))
    return speaker.sentences((told, verdict(opinion.now, before, speaker)))


def verdict(now: Counts, before: Counts, speaker: Speaker) -> str:
    """Whether the negative share differs by more than chance; nothing where there is no share."""
    found = share_difference(Tally(now.judged, now.negative), Tally(before.judged, before.negative))
    if found is None:
        return ""
    key = "up" if found.low > 0 else "down" if found.high < 0 else "same"
    return speaker.say(
        f"summary.verdict.{key}", points=points(found.value), low=signed(found.low), high=signed(found.high)
    )


def _usual(report: Report, opinion: Opinion, speaker: Speaker) -> str:
    kind, usual = report.period.kind, opinion.usual
    weekday = speaker.say(f"weekday.{report.period.last.weekday()}")
    if usual is None:
        if opinion.before is None or opinion.collected_since is None:
            return ""
        since = speaker.stamp(opinion.collected_since)
        return speaker.say(f"summary.usual.none_{kind}", weekday=weekday, since=since)
    documents = speaker.count("document", round(usual.documents))
    share = speaker.share(usual.counts.share)
    told = speaker.plural(f"summary.usual.{kind}", usual.weeks, weekday=weekday, documents=documents, share=share)
    return speaker.sentences((told, verdict(opinion.now, usual.counts, speaker)))


def alerts_line(report: Report, speaker: Speaker) -> str:
    """How many began to ring, how grave, and what became of them."""
    rang, went_on = report.rang, report.open_before
    told = [speaker.say("summary.no_alerts")]
    if rang:
        levels = Counter(each.event.severity for each in rang)
        severities = speaker.join((_severity(level, levels, speaker) for level in reversed(LEVELS)), last=False)
        alerts = speaker.count("alert", len(rang))
        names = list(dict.fromkeys(speaker.name(each.event) for each in rang))
        more = speaker.plural("summary.others", len(names) - NAMED) if len(names) > NAMED else ""
        named = speaker.join([*names[:NAMED], more])
        told = [speaker.plural("summary.alerts", len(rang), alerts=alerts, severities=severities, names=named)]
        told += [_ends(report, speaker), _care(report, speaker)]
    if went_on:
        told.append(speaker.plural("summary.went_on", len(went_on), alerts=speaker.count("alert", len(went_on))))
    return speaker.sentences(told)


def _severity(level: Severity, levels: Mapping[Severity, int], speaker: Speaker) -> str:
    """How many of a severity; of a single alert the severity alone."""
    if sum(levels.values()) == 1:
        return speaker.voice.severity(level).lower() if levels[level] else ""
    return speaker.plural(f"severities.{level}", levels[level]) if levels[level] else ""


def _ends(report: Report, speaker: Speaker) -> str:
    still = sum(each.ended is None for each in report.rang)
    many = len(report.rang)
    if not still:
        return speaker.plural("summary.over", many)
    return speaker.plural("summary.open", many, open=number(still))


def _care(report: Report, speaker: Speaker) -> str:
    done = [[type(o) for o in each.operations] for each in report.rang]
    acknowledged = sum(Acknowledgement in kinds for kinds in done)
    marks = Counter(o.right for each in report.rang for o in each.operations if isinstance(o, Mark))
    if not acknowledged and not marks:
        return speaker.plural("summary.nobody", len(report.rang))
    found = [
        speaker.say("summary.acknowledged", count=number(acknowledged)) if acknowledged else "",
        speaker.say("summary.right", count=number(marks[True])) if marks[True] else "",
        speaker.say("summary.wrong", count=number(marks[False])) if marks[False] else "",
    ]
    told = speaker.join(found, last=False)
    return initial(told) + speaker.say("stop")


def moves_line(report: Report, opinion: Opinion, speaker: Speaker) -> str:
    """The names of what moved."""
    if opinion.before is None:
        return ""
    names = list(dict.fromkeys(speaker.subject(move.subject, move.name) for move in opinion.moves))
    if not names:
        return speaker.say(f"summary.no_moves.{report.period.kind}")
    return speaker.say("summary.moves", names=speaker.join(names[:NAMED]))


def _story(opinion: Opinion, speaker: Speaker) -> Line:
    if not opinion.stories:
        return plain_line(speaker.say("summary.no_story"))
    story = opinion.stories[0]
    head = speaker.headline(story.headline, story.url)
    if story.copies == 1:
        tail = speaker.say("summary.story_tail_single", source=cut(story.source, 40))
        return (Span(speaker.say("summary.story_single")), head, Span(tail))
    tail = speaker.say(
        "summary.story_tail", copies=speaker.plural("story.copies", story.copies), source=cut(story.source, 40),
        sources=speaker.count("source", story.sources),
    )  # fmt: skip
    return (Span(speaker.say("summary.story")), head, Span(tail))


def figures_part(report: Report, opinion: Opinion, speaker: Speaker) -> Part:
    """The figures of the period, of the one before, and the usual ones."""
    kind, usual, before = report.period.kind, opinion.usual, opinion.before
    weekday = speaker.say(f"weekday.{report.period.last.weekday()}")
    weeks = speaker.plural("figure.weeks", usual.weeks) if usual else speaker.say("figure.nothing")
    columns = (
        speaker.say("figure.what"),
        speaker.say(f"figure.now.{kind}"),
        speaker.say(f"figure.before.{kind}"),
        speaker.say(f"figure.usual.{kind}", weekday=weekday, weeks=weeks),
    )
    rows: list[tuple[Line, ...]] = []
    span = report.period.span
    for name, chosen in (("documents", ""), ("negative", "negative"), ("neutral", "neutral"), ("positive", "positive"),
                         ("abstained", "abstained"), ("unjudged", "unjudged")):  # fmt: skip
        href = speaker.links.documents(span, sentiment=chosen)
        now = (Span(number(getattr(opinion.now, name)), href=href),)
        then = NONE if before is None else number(getattr(before, name))
        mean = NONE if usual is None else number(round(getattr(usual.counts, name) / usual.weeks, 1))
        rows.append((plain_line(speaker.say(f"figure.{name}")), now, plain_line(then), plain_line(mean)))
    shares = (opinion.now, before, usual.counts if usual else None)
    told = tuple(plain_line(speaker.interval(counts.share if counts else None)) for counts in shares)
    rows.insert(2, (plain_line(speaker.say("figure.share")), *told))
    rang = NONE if report.rang_before is None else number(report.rang_before)
    alerts = (number(len(report.rang)), rang, NONE)
    rows.append((plain_line(speaker.say("figure.alerts")), *(plain_line(text) for text in alerts)))
    return Table(columns, tuple(rows), frozenset({1, 2, 3}))


def empty_parts(report: Report, speaker: Speaker) -> Iterator[Part]:
    """That nothing happened, and nothing else."""
    yield Text(plain_line(speaker.say(f"empty.{report.period.kind}")), "lead")
