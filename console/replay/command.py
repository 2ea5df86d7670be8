"""`tocsin replay SOURCE…`: which alerts a set of rules would have rung, and how good they were."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console

from alerts.evaluation.report import render
from alerts.evaluation.result import Evaluation
from console import file_options, rule_badges
from console.exits import INTERRUPTED
from console.messages import language, say
from console.replay import display, options, shelf
from console.replay.choices import Choices, read_asked, read_matching, read_rules, read_truths, rule_files
from console.replay.faults import told_of_replay
from console.replay.files import Reading
from console.replay.garbage import seldom_collected
from console.replay.indices import Names, drop
from console.replay.reporting import reported
from console.replay.results import write_json
from console.replay.session import Outcome, Outputs, Session
from console.replay.source import SourceError
from console.replay.span import read_span
from streams.endpoints import resolve
from streams.log import configure
from streams.records import AlertEvent
from streams.settings import Settings, load
from streams.sources.mapping import Columns, parse_map

STDOUT: Final = "-"


def register(group: typer.Typer) -> None:
    """Add the commands `run` and `drop`."""
    group.command("run")(run)
    group.command("drop")(drop_indices)


def run(
    sources: options.Sources,
    rules: options.Rules = None,
    truth: options.Truths = None,
    columns: file_options.Map = None,
    source: file_options.Source = "",
    kind: file_options.Kind = None,
    lang: file_options.Lang = "",
    form: file_options.Form = None,
    encoding: file_options.OfText = "utf-8",
    zone: file_options.Zone = "",
    content_ids: file_options.ContentIds = False,
    begin: options.Begin = "",
    end: options.End = "",
    first: options.FirstOffsets = None,
    stop: options.StopOffsets = None,
    query: options.Query = "",
    subjects: options.Subjects = "",
    model: options.Models = None,
    before: options.Before = "2h",
    after: options.After = "24h",
    unlabelled: options.Unlabelled = None,
    curve: options.Curve = None,
    bootstrap: options.Bootstrap = 1000,
    settle: options.Settle = "24h",
    out: options.Json = "",
    html: options.Html = None,
    log: options.Log = None,
    keep: options.Keep = None,
    into: options.Into = "",
    badge: options.Badge = False,
    title: options.Title = "",
    name: options.RunName = "",
    anew: options.Anew = False,
    speed: options.Speed = None,
) -> None:
    """Replay history through rules. Alerts go to the result and the log, never to a receiver."""
    with told_of_replay():
        settings = load()
        configure(settings, "replay")
        span = read_span(begin, end, first or (), stop or ())
        mapped = parse_map(columns or ())
        how = Columns(mapped, source, kind, lang, file_options.zone_of(zone), content_ids)
        if into:
            Names(settings.namespace, into)  # refuses a name that cannot be one, before anything is played
        options.check_writable(Path(out) if out not in ("", STDOUT) else None, html, log, keep)
        paths, known = rule_files(rules or (), settings), read_truths(truth or (), settings)
        window = options.seconds("--before", before), options.seconds("--after", after)
        choices = Choices(
            sources=tuple(sources),
            rules=read_rules(paths, settings),
            truth=known,
            matching=read_matching(known, *window, unlabelled if truth else "excluded"),
            reading=Reading(how, form, encoding, span),
            span=span,
            models=tuple(model or ()),
            subjects=read_asked(subjects, settings),
            settle=options.seconds("--settle", settle),
            curve=bool(truth) if curve is None else curve,
            bootstrap=bootstrap,
            query=query,
        )
        pace = options.checked_speed(speed)
        outputs = Outputs(log, keep, into, name, anew, pace, _tell if pace is not None else _ignore)
        outcome = conducted(Session(choices, outputs, settings, sys.stdin.buffer))
        if truth:
            shelve(settings, outcome.evaluation, title or name)
        _deliver(outcome, out, html, bool(truth))
        for path in filter(None, (log, keep)):
            typer.echo(say("replay.written", path=path), err=True)
        if badge:
            for made in rule_badges.keep(paths, outcome.evaluation, title, truth or ()):
                typer.echo(say("replay.written", path=made), err=True)


def conducted(session: Session) -> Outcome:
    """The replay; after Ctrl-C or SIGTERM it ends with what can be done next."""
    try:
        with seldom_collected():
            return asyncio.run(_conduct(session))
    except TimeoutError:
        raise  # the models do not answer
    except OSError as error:
        place = error.filename or session.settings.state_dir
        raise SourceError(say("replay.disk", path=place, error=error.strerror or error)) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        key = "replay.paused" if session.outputs.run else "replay.interrupted"
        typer.echo("\n" + say(key, name=session.outputs.run), err=True)
        gc.freeze()  # the process ends here: looking for cycles in what is left took it two seconds
        raise typer.Exit(INTERRUPTED) from None


async def _conduct(session: Session) -> Outcome:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs in one
    with suppress(NotImplementedError):  # not on every system
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with reported(session):
        return await session.conduct()


def shelve(settings: Settings, evaluation: Evaluation, title: str) -> None:
    """Keep a result for the console; that it could not be is told, and stops nothing."""
    try:
        shelf.keep(settings, evaluation, title)
    except OSError as error:
        typer.echo(say("replay.not_kept", error=error.strerror or error), err=True)


def _deliver(outcome: Outcome, out: str, html: Path | None, with_truth: bool) -> None:
    """The result where it was wanted; on the terminal unless standard output is taken."""
    found = outcome.evaluation
    if outcome.finished_before:
        typer.echo(say("replay.finished"), err=True)
    if html is not None:
        html.write_text(render(found, "zh" if language() == "zh" else "en"), encoding="utf-8")
        typer.echo(say("replay.written", path=html), err=True)
    if out == STDOUT:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    if out:
        write_json(Path(out), found)
        typer.echo(say("replay.written", path=out), err=True)
    display.show(Console(), outcome, with_truth)


def _tell(event: AlertEvent) -> None:
    typer.echo(display.told(event), err=True)


def _ignore(event: AlertEvent) -> None:
    """Nobody watches."""


def drop_indices(
    name: Annotated[str, typer.Argument(help="Name that was given to --into.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Remove the indices that a replay filled; live ones cannot be reached by it."""
    with told_of_replay():
        settings = load()
        url = resolve(settings, "elasticsearch").elasticsearch
        gone, kept = asyncio.run(drop(settings, url, name))
    if as_json:
        typer.echo(msgspec.json.encode({"dropped": list(gone), "kept": list(kept)}))
        return
    for index in gone:
        typer.echo(say("replay.dropped", index=index))
    for index in kept:
        typer.echo(say("replay.left", index=index), err=True)
    if not gone:
        typer.echo(say("replay.nothing_to_drop", name=name))
