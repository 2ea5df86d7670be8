"""Companies, topics, stories and kinds of risk, in words and tables; each with the documents it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.delivery.card import Line, Span
from alerts.delivery.phrases import cut, number, percent
from console.opinion.stories import Story
from console.report.contents import Move, Opinion, Report, Row
from console.report.sheet import Item, Items, Part, Table, Text, plain_line
from console.report.speaker import NONE, Speaker, initial, signed

ROWS = 8


def moves_parts(report: Report, opinion: Opinion, speaker: Speaker) -> Iterator[Part]:
    """What moved by more than noise, with intervals and documents; or that nothing did."""
    if opinion.before is None:
        yield Text(plain_line(speaker.say("moves.first")))
        return
    compared = speaker.count("subject", opinion.subjects)
    before = speaker.say(f"moves.before.{report.period.kind}")
    if not opinion.moves:
        yield Text(plain_line(speaker.say("moves.none", subjects=compared, before=before)))
        return
    yield Text(plain_line(speaker.say("moves.intro", subjects=compared, before=before)))
    yield Items(tuple(_move(move, report, speaker) for move in opinion.moves))


def _move(move: Move, report: Report, speaker: Speaker) -> Item:
    name = speaker.subject(move.subject, move.name)
    href = speaker.links.documents(report.period.span, subject=move.subject)
    lines: list[Line] = [(Span(name, "bold", href), Span(move_told(move, speaker)))]
    lines += [(Span("– "), *story_line(story, speaker)) for story in move.stories]
    if move.cut:
        lines.append(plain_line(speaker.say("moves.cut")))
    return Item(tuple(lines))


def move_told(move: Move, speaker: Speaker) -> str:
    """By how much, with the interval."""
    way = "up" if move.by.value > (0.0 if move.what == "share" else 1.0) else "down"
    now, before = move.now, move.before
    if move.what == "share":
        return speaker.say(
            f"moves.share.{way}", before=percent(before.share or 0.0), now=percent(now.share or 0.0),
            negative=number(now.negative), judged=number(now.judged), low=signed(move.by.low),
            high=signed(move.by.high),
        )  # fmt: skip
    return speaker.plural(
        f"moves.number.{way}", now.negative, before=number(before.negative), low=_times(move.by.low),
        high=_times(move.by.high),
    )  # fmt: skip


def _times(value: float) -> str:
    return f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"


def story_line(story: Story, speaker: Speaker) -> Line:
    """A story on one line."""
    head = speaker.headline(story.headline, story.url)
    about = speaker.say("bracket.open") + cut(story.source, 40) + speaker.say("comma")
    copies = speaker.plural("story.copies", story.copies) + speaker.say("comma")
    return (head, Span(about + copies), *speaker.document(story.document), Span(speaker.say("bracket.close")))


def subjects_parts(report: Report, opinion: Opinion, speaker: Speaker) -> Iterator[Part]:
    """Companies, then topics, with most negative documents."""
    for kind, key, rows in (("entity", "companies", opinion.companies), ("topic", "topics", opinion.topics)):
        shown = [row for row in rows if row.now.negative][:ROWS] or list(rows[:3])
        if not shown:
            yield Text(plain_line(speaker.say(f"subjects.none_{key}")), "quiet")
            continue
        columns = ("name", "documents", "negative", "share", "before")
        yield Table(
            tuple(speaker.say(f"subjects.{name}") for name in columns),
            tuple(_row(kind, row, report, opinion, speaker) for row in shown),
            frozenset({1, 2, 3, 4}),
            speaker.say(f"subjects.{key}"),
        )


def _row(kind: str, row: Row, report: Report, opinion: Opinion, speaker: Speaker) -> tuple[Line, ...]:
    subject, span = f"{kind}:{row.value}", report.period.span
    negative = speaker.links.documents(span, subject=subject, sentiment="negative")
    return (
        (Span(speaker.subject(subject, row.name), href=speaker.links.documents(span, subject=subject)),),
        plain_line(number(row.now.documents)),
        (Span(number(row.now.negative), href=negative),),
        plain_line(speaker.interval(row.now.share)),
        plain_line(NONE if opinion.before is None else number(row.before.negative)),
    )


def stories_parts(opinion: Opinion, speaker: Speaker) -> Iterator[Part]:
    """The negative stories told most, each with its documents."""
    if not opinion.stories:
        yield Text(plain_line(speaker.say("story.none")))
        return
    yield Items(tuple(story_item(story, speaker) for story in opinion.stories), numbered=True)
    if more := opinion.stories_of - len(opinion.stories):
        yield Text(plain_line(speaker.plural("story.more", more)), "quiet")
    if opinion.stories_cut:
        yield Text(plain_line(speaker.say("story.cut")), "quiet")


def story_item(story: Story, speaker: Speaker) -> Item:
    """Headline; how often, by whom and when it was told; what it is about."""
    told = [speaker.plural("story.copies", story.copies)]
    if story.copies > 1:
        told += [speaker.count("source", story.sources), speaker.count("author", story.authors)]
    told.append(speaker.period(story.first, story.last))
    about = [speaker.topic(story.topic) if story.topic else "", speaker.risk(story.risk)]
    if story.negative is not None:
        about.append(speaker.say("story.negative", share=percent(story.negative)))
    first: Line = (speaker.headline(story.headline, story.url),)
    second: Line = (
        Span(cut(story.source, 40) + speaker.say("dot") + speaker.join(told, last=False)),
        Span(speaker.say("dot")),
        *speaker.document(story.document),
    )
    return Item((first, second, plain_line(speaker.say("dot").join(part for part in about if part))))


def risks_parts(report: Report, opinion: Opinion, speaker: Speaker) -> Iterator[Part]:
    """Kinds of risk with the negative story that tells of each."""
    if not opinion.risks:
        yield Text(plain_line(speaker.say("risk.none")))
        return
    columns = tuple(speaker.say(f"risk.{name}") for name in ("kind", "documents", "negative", "before", "example"))
    yield Table(columns, tuple(_risk(row, report, opinion, speaker) for row in opinion.risks), frozenset({1, 2, 3}))


def _risk(row: Row, report: Report, opinion: Opinion, speaker: Speaker) -> tuple[Line, ...]:
    span = report.period.span
    example: Sequence[Span] = ()
    if row.stories:
        story = row.stories[0]
        example = (speaker.headline(story.headline, story.url), Span(speaker.say("bracket.open")),
                   *speaker.document(story.document), Span(speaker.say("bracket.close")))  # fmt: skip
    return (
        (Span(initial(speaker.risk(row.value)), href=speaker.links.documents(span, risk=row.value)),),
        plain_line(number(row.now.documents)),
        (Span(number(row.now.negative), href=speaker.links.documents(span, risk=row.value, sentiment="negative")),),
        plain_line(NONE if opinion.before is None else number(row.before.documents)),
        tuple(example) or plain_line(NONE),
    )
