"""A report as receivers are sent it: short for a chat, longer for a letter, whole as a file. Pure but for the PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from alerts.delivery.card import Line
from alerts.delivery.channel import Channel
from alerts.delivery.phrases import cut
from console.report.alerts_told import title as alert_title
from console.report.alerts_told import worst
from console.report.contents import Report
from console.report.data import short_data
from console.report.links import Links
from console.report.page import page
from console.report.pdf import available, pdf
from console.report.period import Period
from console.report.sheet import Chart, Items, Part, Sheet, Table, Text, bold_line, plain_line, words_of
from console.report.speaker import Speaker
from console.report.subjects_told import story_line
from console.report.summary_told import summary_lines
from console.report.told import speaker_of, told
from streams.records import Bulletin, Edition, Paragraph, Piece

Lang = Literal["en", "zh"]
FileType = Literal["application/pdf", "text/html"]
MAIN: Final = 5  # alerts and stories told in a chat
IN_LETTERS: Final = ("summary", "alerts", "moves", "stories", "quality")  # the tables stand in the file
TEXT_LIMIT: Final = 600
MAIL: Final = "email"
EMPTY: Final[tuple[bytes, FileType]] = (b"", "text/html")


def numbered(period: Period, number: int) -> str:
    """The id of a report; the number counts how often it was sent again."""
    return f"report:{period.kind}:{period.last.isoformat()}.{number}"


def bulletin_of(
    report: Report, takers: Sequence[Channel], languages: Sequence[str], public_url: str, number: int
) -> Bulletin:
    """The record that `notify` delivers. The file is made where a letter can carry it."""
    files = any(channel.type == MAIL for channel in takers)
    chosen: list[Lang] = [lang for lang in ("en", "zh") if lang in languages]
    return Bulletin(
        id=numbered(report.period, number),
        kind=report.period.kind,
        day=report.period.last.isoformat(),
        at=report.made_at,
        receivers=tuple(channel.name for channel in takers),
        editions={lang: edition(report, lang, public_url, files=files) for lang in chosen},
        data=short_data(report, public_url),
        link=Links(public_url).start(),
        demo=report.demo,
    )


def edition(report: Report, lang: Lang, public_url: str = "", *, files: bool = True) -> Edition:
    """The report in one language. Without WeasyPrint the file is the page."""
    speaker = speaker_of(report, lang, public_url)
    sheet = told(report, speaker)
    whole, kind = _file(sheet) if files else EMPTY
    ending = "pdf" if kind == "application/pdf" else "html"
    return Edition(
        title=sheet.title,
        brief=tuple(_paragraph(lines) for lines in brief(report, sheet, speaker)),
        letter=tuple(_paragraph(lines) for lines in letter(sheet)),
        file_name=f"tocsin-{report.period.kind}-{report.period.last.isoformat()}-{lang}.{ending}",
        file_type=kind,
        file=whole,
    )


def _file(sheet: Sheet) -> tuple[bytes, FileType]:
    if available():
        return pdf(sheet), "application/pdf"
    return page(sheet).encode(), "text/html"


def brief(report: Report, sheet: Sheet, speaker: Speaker) -> Iterator[Sequence[Line]]:
    """The figures, then the main alerts and negative stories: five together, alerts first."""
    yield from _head(sheet)
    if report.empty:
        yield [plain_line(speaker.say(f"empty.{report.period.kind}"))]
        return
    lines = summary_lines(report, speaker)
    yield lines
    shown = report.rang[:MAIN]
    if shown:
        told_ = [
            (*alert_title(each, speaker), *plain_line(speaker.say("dot") + worst(each, speaker))) for each in shown
        ]
        yield [bold_line(speaker.say("brief.alerts")), *told_]
    stories = (report.opinion.stories if report.opinion else ())[: max(MAIN - len(shown), 1)]
    if stories:
        yield [bold_line(speaker.say("brief.stories")), *(story_line(story, speaker) for story in stories)]


def letter(sheet: Sheet) -> Iterator[Sequence[Line]]:
    """The sheet without its tables and charts."""
    yield from _head(sheet)
    for section in sheet.sections:
        if section.id not in IN_LETTERS:
            continue
        lines = [line for part in section.parts for line in _lines(part)]
        yield [bold_line(section.title), *lines]


def _head(sheet: Sheet) -> Iterator[Sequence[Line]]:
    """What must be said before anything else: invented data, missing parts; then what is covered."""
    first = [bold_line(text) for text in (sheet.demo, *sheet.warnings) if text]
    yield [*first, *sheet.about[:1]]


def _lines(part: Part) -> Iterator[Line]:
    match part:
        case Text():
            yield part.line
        case Items():
            for number, item in enumerate(part.items, 1):
                sign = f"{number}. " if part.numbered else "• "
                yield (*plain_line(sign), *item.lines[0])
                yield from item.lines[1:]
        case Table():
            if part.caption:
                yield bold_line(part.caption)
            for row in part.rows:
                rest = " · ".join(
                    f"{name} {words_of(cell)}" for name, cell in zip(part.columns[1:], row[1:], strict=True)
                )
                yield (*row[0], *plain_line(f": {rest}"))
        case Chart():
            yield plain_line(part.told)


def _paragraph(lines: Sequence[Line]) -> Paragraph:
    return tuple(
        tuple(Piece(text=cut_kept(span.text), style=span.style, href=span.href[:2048]) for span in line)
        for line in lines
    )


def cut_kept(text: str) -> str:
    """The text cut, with the blanks at its ends that keep pieces apart."""
    core = cut(text, TEXT_LIMIT)
    return f"{' ' if text[:1].isspace() else ''}{core}{' ' if core and text[-1:].isspace() else ''}"
