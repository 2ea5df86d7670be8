"""`tocsin report daily | weekly | event | sent`: what happened, for people who were not there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from aiokafka.errors import KafkaError

from console.alert_log import AlertRefused, refusals
from console.exits import INCOMPLETE, told
from console.messages import language, say
from console.report import event_report, sending
from console.report import sent as deliveries
from console.report.data import report_data
from console.report.making import ENDINGS, Format, make, written, zone_of
from console.report.pdf import NoPdf
from console.report.period import Kind, NoSuchDay, period
from console.report.sheet import Sheet
from console.report.told import speaker_of
from console.report.told import told as sheet_of
from streams import clock
from streams.endpoints import resolve
from streams.kafka import TopicMissing
from streams.log import configure
from streams.plain import plain
from streams.settings import Settings, load

app = typer.Typer(help="Reports of a day, a week or one alert: to read, to print, to send.", no_args_is_help=True)
Lang = Literal["en", "zh"]
Date = Annotated[str, typer.Option(help="The last day it covers: 2026-11-28, today or yesterday. Default: yesterday.")]
Zone = Annotated[str, typer.Option(help="Time zone of days and times; default: TOCSIN_REPORT_ZONE.")]
Language = Annotated[Lang | None, typer.Option("--lang", help="Language; default: that of this command.")]
Out = Annotated[Path | None, typer.Option(help="File to write, or a folder; default: standard output.")]
Form = Annotated[Format | None, typer.Option("--format", help="Default: by the name of --out, else markdown.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Deliver = Annotated[bool, typer.Option("--deliver", help="Send it to its receivers; what was sent is not sent again.")]
To = Annotated[list[str] | None, typer.Option(help="Receiver, instead of TOCSIN_REPORT_RECEIVERS; repeat it.")]
Again = Annotated[bool, typer.Option("--again", help="With --deliver: send it though it was sent before.")]
TERMINAL: Final[Format] = "markdown"


class ReportRefused(ValueError):  # noqa: N818 - what happened
    """The command cannot do this; the message says why and what to do."""


@app.command()
def daily(
    date: Date = "",
    zone: Zone = "",
    lang: Language = None,
    out: Out = None,
    form: Form = None,
    as_json: AsJson = False,
    deliver: Deliver = False,
    to: To = None,
    again: Again = False,
) -> None:
    """The report of one day, against the day before and the usual."""
    _report("daily", date, zone, lang, out, "json" if as_json else form, deliver, to or [], again)


@app.command()
def weekly(
    date: Date = "",
    zone: Zone = "",
    lang: Language = None,
    out: Out = None,
    form: Form = None,
    as_json: AsJson = False,
    deliver: Deliver = False,
    to: To = None,
    again: Again = False,
) -> None:
    """The report of the seven days up to a day."""
    _report("weekly", date, zone, lang, out, "json" if as_json else form, deliver, to or [], again)


@app.command()
def event(
    alert: Annotated[str, typer.Argument(help="Id of the alert, or its first characters: at least 6.")],
    zone: Zone = "",
    lang: Language = None,
    out: Out = None,
    form: Form = None,
    as_json: AsJson = False,
) -> None:
    """One alert as a report: what was seen, step by step, what people did, who was told."""
    with reading() as (settings, bootstrap):
        place = _zone(settings, zone)
        found = asyncio.run(event_report.read(settings, bootstrap, alert, clock.now()))
        chosen = lang or _lang()
        sheet = event_report.told(found, chosen, place, settings.public_url)
        data = event_report.data(found, settings.public_url)
        _write(sheet, data, out, "json" if as_json else form, f"alert-{found.history.entry.event.alert[:8]}")
    if not found.complete:
        raise typer.Exit(INCOMPLETE)


@app.command()
def sent(as_json: AsJson = False) -> None:
    """Which reports were sent to whom, and what each receiver answered."""
    with reading() as (settings, bootstrap):
        deliveries.show(asyncio.run(deliveries.history(settings, bootstrap)), as_json=as_json)


def _report(
    kind: Kind, date: str, zone: str, lang: Lang | None, out: Path | None, form: Format | None, deliver: bool,
    to: list[str], again: bool,
) -> None:  # fmt: skip
    with reading() as (settings, bootstrap):
        covered = period(kind, date, _zone(settings, zone), clock.now())
        if deliver:
            typer.echo(asyncio.run(sending.by_hand(settings, bootstrap, covered, to, again=again)))
            if out is None:
                return
        report = asyncio.run(make(settings, bootstrap, covered, clock.now()))
        sheet = sheet_of(report, speaker_of(report, lang or _lang(), settings.public_url))
        name = f"{kind}-{covered.last.isoformat()}-{sheet.lang}"
        _write(sheet, report_data(report, settings.public_url), out, form, name)
    if report.missing:
        raise typer.Exit(INCOMPLETE)


@contextmanager
def reading() -> Iterator[tuple[Settings, str]]:
    """Settings and Kafka's address; what goes wrong becomes words and an exit code."""
    with told(
        refused=(ReportRefused, AlertRefused, sending.NotSent), unavailable=(TopicMissing, sending.NotNow),
        away=(KafkaError, OSError), key="report.away",
    ), refusals():  # fmt: skip
        settings = load()
        configure(settings, "report")
        try:
            yield settings, resolve(settings, "kafka").kafka
        except NoSuchDay as error:
            value = plain(error.value, 40)
            raise ReportRefused(say(f"report.refused.{error.reason}", value=value)) from None
        except NoPdf:
            raise ReportRefused(say("report.refused.no_pdf")) from None


def _zone(settings: Settings, name: str) -> Any:
    try:
        return zone_of(settings, name)
    except (LookupError, ValueError, OSError):
        raise ReportRefused(say("report.refused.bad_zone", value=plain(name, 60))) from None


def _lang() -> Lang:
    return "zh" if language() == "zh" else "en"


def _write(sheet: Sheet, data: dict[str, Any], out: Path | None, form: Format | None, name: str) -> None:
    """To the file or the folder that was named, else to standard output."""
    chosen = form or (ENDINGS.get(out.suffix.lower()) if out is not None else None) or TERMINAL
    if out is None:
        if chosen == "pdf" and sys.stdout.isatty():
            raise ReportRefused(say("report.refused.pdf_out"))
        sys.stdout.buffer.write(written(sheet, data, chosen))
        sys.stdout.buffer.flush()
        return
    if out.is_dir():
        chosen = form or "html"
        out = out / f"{name}{next(ending for ending, known in ENDINGS.items() if known == chosen)}"
    content = written(sheet, data, chosen)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise ReportRefused(
            say("report.refused.cannot_write", path=plain(str(out), 200), reason=str(error.strerror))
        ) from None
    typer.echo(say("report.wrote", path=plain(str(out), 200)), err=True)


def register(app_: typer.Typer) -> None:
    """Add the commands `report …`."""
    app_.add_typer(app, name="report")
