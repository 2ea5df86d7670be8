"""One alert as a report, for a file or a committee: what was seen, step by step, what people did, who was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from alerts.delivery import facts
from alerts.delivery.card import Block, Line, Span
from alerts.delivery.headings import figure, heading, state_of
from alerts.delivery.measured import lasting
from alerts.delivery.phrases import amount, cut, marks, number
from alerts.entries import History
from alerts.evaluation.badge import Badge, as_data
from alerts.evaluation.badges import Shelf
from alerts.precision import Precision
from console import alert_log
from console.messages import catalogue
from console.opinion.filters import Filter, NoSuchSubject
from console.opinion.span import Span as Time
from console.opinion.span import bucket_for
from console.opinion.totals import Series, series
from console.report.alerts_told import answer, did
from console.report.data import counts_data
from console.report.drawings import event_chart
from console.report.happenings import Told
from console.report.happenings import told as told_by
from console.report.links import Links, stamp
from console.report.making import AWAY, searching
from console.report.sheet import Item, Items, Part, Section, Sheet, Table, Text, bold_line, plain_line
from console.report.speaker import NONE, Speaker, initial
from streams.records import AlertEvent, Receipt
from streams.settings import Settings

DAYS: Final = 90  # of the marks that make the precision
KEEP: Final = timedelta(days=3650)  # a committee asks for old alerts
EVERYTHING: Final = 1000  # stories
MARGIN: Final = 1.0  # windows before and behind that the chart shows

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReport:
    """Everything known of one alert. `cells`: documents about its subject; None where nobody could be asked."""

    made_at: datetime
    namespace: str
    history: History
    event: AlertEvent  # its worst step
    told: tuple[Told, ...]
    receipts: tuple[Receipt, ...]
    precision: Precision
    badge: Badge | None
    cells: Series | None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.cells is not None or self.event.kind == "system"


async def read(settings: Settings, bootstrap: str, prefix: str, now: datetime) -> EventReport:
    """The alert whose id begins so. Raises NotOne."""
    board = await alert_log.read_board(settings, bootstrap, KEEP)
    alert = board.find(prefix)
    history = board.history(alert, now)
    receipts = await alert_log.read_receipts(settings, bootstrap, alert)
    rule = history.entry.event
    return EventReport(
        made_at=now,
        namespace=settings.namespace,
        history=history,
        event=worst(history.events),
        told=told_by(receipts),
        receipts=tuple(receipts),
        precision=board.precision(rule.rule, now, DAYS),
        badge=Shelf(settings).best(rule.rule_hash),
        cells=await _cells(settings, history, now),
    )


def worst(events: Sequence[AlertEvent]) -> AlertEvent:
    """The step furthest beyond its bound; of one that never rang its last."""
    ringing = [e for e in events if e.state in ("firing", "updated", "amended")]
    return max(ringing, key=lambda e: (e.beyond, e.at)) if ringing else events[-1]


async def _cells(settings: Settings, history: History, now: datetime) -> Series | None:
    event = history.entry.event
    if event.kind == "system":
        return []
    span = _span(history, now)
    try:
        async with searching(settings) as elastic:
            return await series(elastic, settings, span, Filter(subject=event.subject), bucket_for(span, 72))
    except NoSuchSubject:
        return []
    except AWAY as error:
        log.warning("report.documents_missing", error=type(error).__name__)
        return None


def _span(history: History, now: datetime) -> Time:
    """The alert's life with a window before and behind it, in whole minutes."""
    first, last = history.events[0], history.events[-1]
    margin = timedelta(seconds=max(last.window_seconds, 3600)) * MARGIN
    end = min(last.at + margin, max(now, last.at + timedelta(minutes=1)))
    begin = (first.since - margin).replace(second=0, microsecond=0)
    return Time(begin, max(end, begin + timedelta(minutes=10)))


def told(found: EventReport, lang: str, zone: ZoneInfo, public_url: str = "") -> Sheet:
    """The report in words."""
    event = found.event
    speaker = Speaker(lang, zone, found.history.events[-1].at + timedelta(seconds=1), Links(public_url))
    voice = speaker.voice
    sections = [
        ("summary", _summary(found, speaker)),
        ("course", _course(found, speaker)),
        ("evidence", _evidence(found, speaker)),
        ("steps", _steps(found, speaker)),
        ("people", _people(found, speaker)),
        ("receipts", _receipts(found, speaker)),
    ]
    about = speaker.say("event.about", made=speaker.stamp(found.made_at), zone=speaker.place)
    return Sheet(
        lang=lang,
        title=marks([event], voice) + speaker.say("title.event", name=voice.name(event)),
        about=(plain_line(about), *_identity(found, speaker)),
        sections=tuple(Section(name, speaker.say(f"section.{name}"), tuple(parts)) for name, parts in sections),
        demo=speaker.say("demo") if event.demo else "",
        warnings=(speaker.say("event.no_documents"),) if not found.complete else (),
    )


def _identity(found: EventReport, speaker: Speaker) -> Iterator[Line]:
    alert = found.event.alert
    yield (Span(speaker.say("alert.id", id=alert), href=speaker.links.alert(alert)),)
    if found.namespace:
        yield plain_line(speaker.say("namespace", name=cut(found.namespace, 40)))


def _summary(found: EventReport, speaker: Speaker) -> Iterator[Part]:
    event, voice = found.event, speaker.voice
    head = heading(event, voice, state_of(event))
    said = head if event.kind == "system" else voice.say("title", heading=head, figure=figure(event, voice))
    yield Text(bold_line(said), "lead")
    yield Text(plain_line(_state(found, speaker)))
    if event.kind == "system":
        yield from _blocks([facts.itself(event, voice)])
    else:
        yield from _blocks([facts.figures(event, voice), Block(tuple(facts.notes(event, voice)))])
    precision = found.precision
    if precision.share is None:
        yield Text(plain_line(speaker.say("event.precision_none")), "quiet")
    else:
        count, right = precision.right + precision.wrong, number(precision.right)
        yield Text(plain_line(speaker.plural("event.precision", count, right=right)), "quiet")


def _state(found: EventReport, speaker: Speaker) -> str:
    last, events = found.history.events[-1], found.history.events
    fired = next((e.at for e in events if e.state in ("firing", "updated")), None)
    if fired is None:
        return speaker.say("event.never")
    if found.history.entry.open:
        return speaker.say("event.open", fired=speaker.stamp(fired), made=speaker.stamp(found.made_at))
    seconds = (last.at - fired).total_seconds()
    ended = speaker.stamp(last.at)
    return speaker.say(
        "event.ended", fired=speaker.stamp(fired), ended=ended, lasting=lasting(seconds, speaker.lang)
    )  # fmt: skip


def _course(found: EventReport, speaker: Speaker) -> Iterator[Part]:
    events = found.history.events
    fired = next((e.at for e in events if e.state in ("firing", "updated")), None)
    moments = [(fired, speaker.say("chart.rang"))] if fired is not None else []
    if not found.history.entry.open:
        moments.append((events[-1].at, speaker.say("chart.ended")))
    chart = event_chart(found.cells or [], speaker.voice.name(found.event), moments, speaker) if found.cells else None
    if chart is not None:
        yield chart
    else:
        key = "no_chart_system" if found.event.kind == "system" else "no_chart"
        yield Text(plain_line(speaker.say(f"event.{key}")), "quiet")


def _evidence(found: EventReport, speaker: Speaker) -> Iterator[Part]:
    event, voice = found.event, speaker.voice
    items = []
    for block, evidence in zip(facts.stories(event, voice, EVERYTHING), event.evidence, strict=False):
        headline, about = block.lines[-2:]  # the number before the headline is that of the list
        items.append(Item((headline[1:], about, speaker.document(evidence.document))))
    if items:
        yield Items(tuple(items), numbered=True)
    else:
        yield Text(plain_line(speaker.say("event.no_evidence")), "quiet")
    if without := facts.without(event, voice):
        yield Text(plain_line(without))
    yield from _blocks([*facts.conditions(event, voice), facts.provenance(event, voice, found.badge)], "quiet")


def _blocks(blocks: Sequence[Block], role: Any = "") -> Iterator[Part]:
    for block in blocks:
        for line in block.lines:
            yield Text(line, role)


def _steps(found: EventReport, speaker: Speaker) -> Iterator[Part]:
    known = catalogue(speaker.lang)
    columns = tuple(speaker.say(f"event.steps.{name}") for name in ("at", "state", "severity", "figure", "expected"))
    rows = []
    for event in found.history.events:
        reason = known.get(f"alerts.reason.{event.reason}", cut(event.reason, 40))
        state = f"{known[f'alerts.state.{event.state}']}{speaker.say('comma')}{reason}"
        usual = NONE if event.expected is None else amount(event.expected, event.unit)
        seen = speaker.voice.counted(event.observed, event.unit)
        said = cut(event.annotations.get(speaker.lang, ""), 200) if event.kind == "system" else seen
        cells = (speaker.stamp(event.at), state, speaker.voice.severity(event.severity), said, usual)
        rows.append(tuple(plain_line(cell) for cell in cells))
    yield Table(columns, tuple(rows), frozenset({4}))


def _people(found: EventReport, speaker: Speaker) -> Iterator[Part]:
    done = [did(operation, speaker) for operation in found.history.operations]
    if not any(done):
        yield Text(plain_line(speaker.say("alert.untouched")))
        return
    yield Items(tuple(Item((plain_line(initial(text)),)) for text in done if text))


def _receipts(found: EventReport, speaker: Speaker) -> Iterator[Part]:
    if not found.told:
        yield Text(plain_line(speaker.say("event.receipts.none")))
        return
    columns = tuple(speaker.say(f"event.receipts.{name}") for name in ("receiver", "result", "at", "meaning"))
    rows = []
    for one in found.told:
        said = answer(one, speaker).strip(" ()（）") or NONE
        cells = (cut(one.receiver, 60), speaker.say(f"event.receipts.{one.outcome}"), speaker.stamp(one.at), said)
        rows.append(tuple(plain_line(cell) for cell in cells))
    yield Table(columns, tuple(rows))


def data(found: EventReport, public_url: str = "") -> dict[str, Any]:
    """The report as JSON."""
    return {
        "v": 1,
        "alert": found.event.alert,
        "made_at": stamp(found.made_at),
        "namespace": found.namespace,
        "open": found.history.entry.open,
        "worst": msgspec.to_builtins(found.event),
        "steps": msgspec.to_builtins(found.history.events),
        "operations": msgspec.to_builtins(found.history.operations),
        "receipts": msgspec.to_builtins(found.receipts),
        "series": None if found.cells is None else [{"at": stamp(at)} | counts_data(c) for at, c in found.cells],
        "precision": {"right": found.precision.right, "wrong": found.precision.wrong, "days": DAYS},
        "measured": None if found.badge is None else as_data(found.badge),
        "complete": found.complete,
        "at": Links(public_url).alert(found.event.alert),
    }
