"""`tocsin ingest FILE…`: files into the raw topics, with a word about every row."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Final, Literal

import typer
from aiokafka.errors import KafkaError

from console import file_options
from console.exits import INTERRUPTED, UNAVAILABLE, WRONG_INPUT, WRONG_SETTINGS
from console.messages import say
from console.progress import Tell, told_on_terminal
from streams.endpoints import EnginesDown, resolve
from streams.kafka import FATAL, Producer, ensure_topics, refused
from streams.log import configure
from streams.plain import plain
from streams.settings import Settings, SettingsError, load
from streams.sources.files import InputError
from streams.sources.ingest import Options, Summary
from streams.sources.ingest import ingest as read_files
from streams.sources.mapping import Columns, MappingError, parse_map
from streams.sources.ticks import told_until

EVERY_LINE: Final = 5.0  # seconds between lines of progress in a log
EVERY_REDRAW: Final = 0.3  # and on a terminal
LONGEST_SETTLE: Final = 366 * 86_400.0


class KafkaAway(RuntimeError):  # noqa: N818 - reads as what it says
    """Kafka does not answer at the start."""


def reporter(tell: Tell, clock: Callable[[], float] = time.monotonic) -> Callable[[Summary], None]:
    """Progress with the rate since the last word, on standard error: a bar on a terminal, else a line now and then."""
    terminal = sys.stderr.isatty()
    every = EVERY_REDRAW if terminal else EVERY_LINE
    last_at, last_sent = clock(), 0

    def report(summary: Summary) -> None:
        nonlocal last_at, last_sent
        now = clock()
        if now - last_at < every:
            return
        rate = round((summary.sent - last_sent) / (now - last_at))
        last_at, last_sent = now, summary.sent
        line = progress_line(summary, rate)
        if terminal:
            known = summary.first is not None
            tell(summary.sent + summary.resumed, summary.accepted if known else None, line)
        else:
            typer.echo(line, err=True)

    return report


def progress_line(summary: Summary, rate: int, lang: str | None = None) -> str:
    """One line: how far it has got."""
    if summary.first is None:
        return say("ingest.reading", lang, read=summary.read, rejected=summary.rejections)
    at = f"{summary.event_time:%Y-%m-%d %H:%M}" if summary.event_time else "-"
    done, all_items = summary.sent + summary.resumed, summary.accepted
    return say("ingest.sending", lang, sent=done, all=all_items, rate=rate, at=at, rejected=summary.rejections)


def summary_lines(summary: Summary, lang: str | None = None) -> list[str]:
    """What became of every row, for people."""
    lines = [
        say(
            "ingest.summary", lang, read=summary.read, sent=summary.sent, rejected=summary.rejections,
            seconds=f"{summary.seconds:.1f}", rate=round(summary.sent / max(summary.seconds, 0.001)),
        )
    ]  # fmt: skip
    if summary.resumed:
        lines.append(say("ingest.resumed", lang, count=summary.resumed))
    if summary.late:
        lines.append(say("ingest.late", lang, count=summary.late))
    if summary.expired:
        lines.append(say("ingest.expired", lang, count=summary.expired))
    if summary.unused:
        lines.append(say("ingest.ignored", lang, columns=", ".join(map(plain, summary.unused[:20]))))
    for reason, tally in sorted(summary.rejected.items()):
        lines.append(say("ingest.reason", lang, reason=reason, count=tally.count))
        lines += [f"    {plain(place)}" for place in tally.first]
        if tally.count > len(tally.first):
            lines.append(say("ingest.more", lang, count=tally.count - len(tally.first)))
    if summary.rejections:
        lines.append(say("ingest.letters", lang))
    return lines


async def run(paths: list[str], options: Options, settings: Settings, bootstrap: str) -> Summary:
    """Ingest with a producer of its own. Raises KafkaAway when no broker answers; later outages are waited out."""
    producer = Producer(settings, bootstrap)
    try:
        try:
            await ensure_topics(settings, bootstrap)
            await producer.start()
            told = await told_until(settings, bootstrap)
        except (KafkaError, OSError, TimeoutError) as error:
            if isinstance(error, FATAL):
                raise refused(error) from None
            raise KafkaAway(say("ingest.kafka_away", address=bootstrap)) from None
        options = replace(options, told=told)
        with told_on_terminal() as tell:
            progress = reporter(tell)
            return await read_files(paths, options, producer, settings, stdin=sys.stdin.buffer, progress=progress)
    finally:
        await producer.stop()


def ingest(
    files: Annotated[list[str], typer.Argument(help="JSONL or CSV files, .gz too; `-` reads standard input.")],
    columns: file_options.Map = None,
    source: file_options.Source = "",
    kind: file_options.Kind = None,
    lang: file_options.Lang = "",
    form: file_options.Form = None,
    encoding: file_options.OfText = "utf-8",
    zone: file_options.Zone = "",
    content_ids: file_options.ContentIds = False,
    pace: Annotated[Literal["full", "event"], typer.Option(help="Full speed, or as the items once came.")] = "full",
    speed: Annotated[float, typer.Option(help="With --pace event: event seconds a second.")] = 1.0,
    settle: Annotated[
        float, typer.Option(help="Event seconds after the last item known to be empty, so that alerts resolve.")
    ] = 0.0,
    from_start: Annotated[bool, typer.Option("--from-start", help="Do not continue an interrupted run.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 when a row was rejected.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:  # fmt: skip
    """Read files of items into the stream, in order of time. An interrupted run, started again, continues."""
    try:
        settings = load()
        choices = Columns(
            parse_map(columns or []),
            source=source,
            kind=kind,
            lang=lang,
            zone=file_options.zone_of(zone),
            content_ids=content_ids,
        )  # fmt: skip
        if not 0 < speed < 1e9:
            raise MappingError("--speed must be a positive number below 1e9")
        if not 0 <= settle <= LONGEST_SETTLE:
            raise MappingError(f"--settle must lie between 0 and {LONGEST_SETTLE:.0f} seconds")
        options = Options(choices, form, encoding, pace, speed, from_start, settle)
        configure(settings, "ingest")
        summary = asyncio.run(run(files, options, settings, resolve(settings, "kafka").kafka))
    except (InputError, MappingError) as error:
        raise _ended(str(error), WRONG_INPUT) from None
    except SettingsError as error:
        raise _ended(str(error), WRONG_SETTINGS) from None
    except (EnginesDown, KafkaAway) as error:
        raise _ended(str(error), UNAVAILABLE) from None
    except KeyboardInterrupt:
        raise _ended("\n" + say("ingest.interrupted"), INTERRUPTED) from None
    typer.echo(json.dumps(summary.as_dict(), ensure_ascii=False) if as_json else "\n".join(summary_lines(summary)))
    if strict and summary.rejections:
        raise typer.Exit(1)


def _ended(message: str, code: int) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Add the command `ingest`."""
    app.command()(ingest)
