"""`tocsin truth …`: what is known to have happened, said by people or read from files, for replays to be judged by.

What people mark and add lies in Kafka (topic `feedback`) and works while Elasticsearch is down.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from alerts import operations
from alerts.board import Board
from alerts.evaluation.annotated import annotated
from alerts.evaluation.truth import Truth, TruthEvent
from console import alert_display as display
from console import alert_log as log
from console import truth_imports
from console.api.shapes import operation
from console.feedback import user
from console.messages import say
from console.truth_subjects import UnknownSubject, read_subjects
from streams import clock
from streams.gazetteer import read_companies
from streams.gazetteer.watchlist import read_watchlist
from streams.plain import plain
from streams.records import Operation
from streams.settings import Settings

HEAD: Final = "Written by `tocsin truth export`; another export may write it again."
# Truth is what people said at any time, not of the last ninety days, and all of it: how old, how many.
EVER: Final = (timedelta(days=36_500), sys.maxsize)

group = typer.Typer(help="What is known to have happened: add, list, withdraw, export, import.", no_args_is_help=True)
AsJson = truth_imports.AsJson
Author = Annotated[str, typer.Option(help="Who says so; default: this machine's user.")]


@group.command()
def add(
    subject: Annotated[str, typer.Argument(help="Id with its kind (entity:AAPL, topic:legal), or a company by name.")],
    onset: Annotated[str, typer.Option(help="When it began or became known: a time with its zone, or a day.")],
    note: Annotated[str, typer.Option(help="What happened, in a sentence.")],
    end: Annotated[str, typer.Option(help="When it was over; default: as long after it as the matching says.")] = "",
    kind: Annotated[
        Literal["negative", "control"], typer.Option(help="What must ring, or what must not.")
    ] = "negative",
    risk: Annotated[str, typer.Option(help="Kind of risk event, for figures by kind.")] = "",
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """Add an event that no alert told of, or a control that must not ring. Exit code 2 for what cannot be."""

    def build(_: Board, at: datetime) -> Operation:
        began, day = operations.parse_moment(onset)
        over = operations.parse_end(end) if end else None
        return operations.missed(
            found, began, author=author or user(), at=at, note=note, end=over, kind=kind, risk=risk, name=name,
            day_only=day,
        )  # fmt: skip

    with log.kafka() as (settings, bootstrap):
        found, name = _subject(subject, settings)
        done, _ = asyncio.run(log.do(settings, bootstrap, build, *EVER))
    if as_json:
        typer.echo(display.dumps(operation(done)))
        return
    shown = {"id": done.id[: display.ID_SHOWN], "subject": plain(found), "onset": onset.strip()}
    typer.echo(say("truth.added", **shown))


@group.command()
def withdraw(
    event: Annotated[str, typer.Argument(metavar="ID", help="Id of the event, or its first characters: at least 6.")],
    reason: Annotated[str, typer.Option(help="Why; for whoever reads it later.")] = "",
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """Take an added event back: it counts no more. To take back a mark, mark the alert again."""

    def build(board: Board, at: datetime) -> Operation:
        return operations.withdraw(board.find_missed(event), author=author or user(), at=at, reason=reason)

    with log.kafka() as (settings, bootstrap):
        done, _ = asyncio.run(log.do(settings, bootstrap, build, *EVER))
    typer.echo(display.dumps(operation(done)) if as_json else say("truth.withdrawn"))


@group.command("list")
def list_truth(as_json: AsJson = False) -> None:
    """What people added, and what their marks of alerts say."""
    events = _annotated().events
    if as_json:
        for event in events:
            typer.echo(display.dumps(msgspec.to_builtins(event)))
    elif events:
        Console().print(_table(events))
    else:
        typer.echo(say("truth.none"))


@group.command()
def export(out: truth_imports.Out, force: truth_imports.Force = False, as_json: AsJson = False) -> None:
    """Write it as a truth file, to judge rules by. It claims to be complete for nobody: say that in the file."""
    truth_imports.write(_annotated(), out, force, HEAD, as_json=as_json)


def _annotated() -> Truth:
    with log.kafka() as (settings, bootstrap):
        board = asyncio.run(log.read_board(settings, bootstrap, *EVER))
    return annotated(board, clock.now())


def _subject(word: str, settings: Settings) -> tuple[str, str]:
    """Id and name of the subject that was written. Raises AlertRefused for one that nobody knows."""
    watchlist = settings.watchlist
    try:
        (found,) = read_subjects([word], watchlist)
    except UnknownSubject as error:
        raise log.AlertRefused(str(error)) from None
    companies = (*read_companies(), *(read_watchlist(watchlist) if watchlist else ()))
    names = {f"entity:{company.id}": company.name for company in companies}
    return found, names.get(found, "")


def _table(events: Sequence[TruthEvent]) -> Table:
    made = display.table("truth", "subject", "onset", "end", "kind", "note", "source")
    for event in events:
        end = "" if event.end is None else display.moment(event.end)
        onset = f"{event.onset.astimezone(UTC):%Y-%m-%d}" if event.day_only else display.moment(event.onset)
        kind = say(f"truth.kind.{event.kind}")
        told = (event.name or event.subject, onset, end, kind, event.note, event.source)
        made.add_row(*map(display.cell, told))
    return made


def register(main: typer.Typer) -> None:
    """Add the commands of `truth`."""
    truth_imports.register(group)
    main.add_typer(group, name="truth")
