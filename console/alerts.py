"""`tocsin alerts …`: what is open, what happened to it, and what people do about it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Final, Literal

import typer

from alerts import matchers, operations
from alerts.board import Board
from alerts.entries import History
from alerts.evaluation.badges import Shelf
from alerts.refused import OperationRefused
from alerts.rules import LEVELS
from console import alert_channels
from console import alert_display as display
from console import alert_log as log
from console.api import shapes
from console.completions import alert_ids, rule_names
from console.feedback import user
from console.messages import say
from streams import clock
from streams.plain import plain
from streams.records import Operation, Receipt
from streams.settings import Settings

DAYS: Final = 90  # over which precision is counted, unless told otherwise

app = typer.Typer(
    help="Alerts: list, show, acknowledge, escalate, silence, mark; preview and test what receivers get.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[
    str, typer.Argument(help="Id of the alert, or its first characters: at least 6.", autocompletion=alert_ids)
]
Author = Annotated[str, typer.Option(help="Who does it; default: this machine's user.")]
Reason = Annotated[str, typer.Option(help="Why; for whoever reads it later.")]


@app.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    rule: Annotated[str, typer.Option(help="Only of this rule.", autocompletion=rule_names)] = "",
    severity: Annotated[str, typer.Option(help="Only of this severity: info, warning or critical.")] = "",
    as_json: AsJson = False,
) -> None:
    """Open alerts: most severe first, of those the ones nobody has in hand."""
    with log.kafka() as (settings, bootstrap):
        if severity and severity not in LEVELS:
            raise OperationRefused("bad_severity", value=plain(severity, 60), known=", ".join(LEVELS))
        board = asyncio.run(log.read_board(settings, bootstrap))
    entries = board.entries(clock.now(), everything=everything, rule=rule, severity=severity)
    if as_json:
        badge_of = Shelf(settings).best
        for entry in entries:
            typer.echo(display.dumps(shapes.alert(entry, badge_of)))
    elif entries:
        console = display.screen()
        console.print(display.alerts(entries, console))
    else:
        typer.echo(say("alerts.list.none"))


@app.command()
def show(alert: Id, as_json: AsJson = False) -> None:
    """One alert: every step of its life, what people did about it, who was told and what they answered."""
    with log.kafka() as (settings, bootstrap):
        board, history, receipts = asyncio.run(_history(settings, bootstrap, alert))
    badge_of = Shelf(settings).best
    if as_json:
        told = shapes.history(history, True, badge_of, receipts).model_dump(exclude={"current"})
        typer.echo(display.dumps(told))
        return
    precision = board.precision(history.entry.event.rule, clock.now(), DAYS)
    display.show(display.screen(), history, receipts, precision, badge_of)


async def _history(settings: Settings, bootstrap: str, prefix: str) -> tuple[Board, History, list[Receipt]]:
    board = await log.read_board(settings, bootstrap)
    alert = board.find(prefix)
    return board, board.history(alert, clock.now()), await log.read_receipts(settings, bootstrap, alert)


def _tell(done: Operation, as_json: bool, *lines: str) -> None:
    """What was done: the record as the API gives it, or words."""
    if as_json:
        typer.echo(display.dumps(shapes.operation(done)))
        return
    for line in lines:
        typer.echo(line)


@app.command()
def ack(
    alert: Id,
    reason: Reason = "",
    lasting: Annotated[str, typer.Option("--for", help="For how long, such as 2h; default: until it ends.")] = "",
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """Take an alert in hand: no repeats and no escalation until it grows more severe."""

    def build(board: Board, at: datetime) -> Operation:
        duration = operations.parse_lasting(lasting) if lasting else None
        found = board.find(alert)
        return operations.acknowledge(found, author=author or user(), at=at, reason=reason, lasting=duration)

    with log.kafka() as (settings, bootstrap):
        done, _ = asyncio.run(log.do(settings, bootstrap, build))
    _tell(done, as_json, say("alerts.done.ack", author=plain(done.author)))


@app.command()
def escalate(alert: Id, reason: Reason = "", author: Author = "", as_json: AsJson = False) -> None:
    """Let further people know of an alert now: those of its routes' `escalate`, else all whom it concerns, again."""

    def build(board: Board, at: datetime) -> Operation:
        found = board.find(alert)
        if not board.history(found, at).entry.rings:
            raise log.AlertRefused(say("alerts.escalate.not_ringing"))
        return operations.escalate(found, author=author or user(), at=at, reason=reason)

    with log.kafka() as (settings, bootstrap):
        done, _ = asyncio.run(log.do(settings, bootstrap, build))
    _tell(done, as_json, say("alerts.done.escalate", author=plain(done.author), id=plain(alert)))


@app.command()
def mark(
    alert: Id,
    verdict: Annotated[Literal["right", "wrong"], typer.Argument(help="Whether it was worth ringing.")],
    reason: Reason = "",
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """Say afterwards whether an alert was worth ringing: the precision of its rule is made of that."""

    def build(board: Board, at: datetime) -> Operation:
        found = board.find(alert)
        return operations.mark(found, verdict == "right", author=author or user(), at=at, reason=reason)

    with log.kafka() as (settings, bootstrap):
        done, board = asyncio.run(log.do(settings, bootstrap, build))
        event = board.history(board.find(alert), clock.now()).entry.event
    share = plain(f"{event.rule}: {display.share(board.precision(event.rule, clock.now(), DAYS))}")
    _tell(done, as_json, say(f"alerts.done.{verdict}", author=plain(done.author)), share)


@app.command()
def silence(
    match: Annotated[
        list[str],
        typer.Argument(help="rule=…, severity=info,warning, subject=entity:…, name=…, alert=…, labels.desk=…"),
    ],
    lasting: Annotated[str, typer.Option("--for", help="For how long, such as 2h; at most 30 days.")],
    reason: Annotated[str, typer.Option(help="Why: whoever misses an alert wants to know.")],
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """Tell nobody of alerts that match, for a while. They go on living, and are counted."""

    def build(_: Board, at: datetime) -> Operation:
        found = matchers.parse_match(match)
        duration = operations.parse_lasting(lasting)
        return operations.silence(found, author=author or user(), at=at, lasting=duration, reason=reason)

    with log.kafka() as (settings, bootstrap):
        done, board = asyncio.run(log.do(settings, bootstrap, build))
    until = next(each.until for each in board.silences(clock.now()) if each.id == done.id)
    covered = sum(any(s.id == done.id for s in entry.silences) for entry in board.entries(clock.now()))
    shown = {"id": done.id[: display.ID_SHOWN], "until": display.moment(until)}
    _tell(done, as_json, say("alerts.done.silence", count=covered, **shown))


@app.command()
def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the silence, or its first characters.")],
    reason: Reason = "",
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """End a silence before its time: what still fires is told again."""

    def build(board: Board, at: datetime) -> Operation:
        return operations.end_silence(board.find_silence(silence_id), author=author or user(), at=at, reason=reason)

    with log.kafka() as (settings, bootstrap):
        done, _ = asyncio.run(log.do(settings, bootstrap, build))
    _tell(done, as_json, say("alerts.done.unsilence"))


@app.command()
def silences(as_json: AsJson = False) -> None:
    """Silences in force."""
    with log.kafka() as (settings, bootstrap):
        found = asyncio.run(log.read_board(settings, bootstrap)).silences(clock.now())
    if as_json:
        for each in found:
            typer.echo(display.dumps(shapes.operation(each)))
    elif found:
        display.screen().print(display.silences(found))
    else:
        typer.echo(say("alerts.silences.none"))


@app.command()
def precision(
    rule: Annotated[str, typer.Option(help="Only this rule.", autocompletion=rule_names)] = "",
    days: Annotated[int, typer.Option(min=1, max=90, help="Marks of the last so many days.")] = DAYS,
    as_json: AsJson = False,
) -> None:
    """How often each rule was right, by people's marks, with its 95 % interval."""
    with log.kafka() as (settings, bootstrap):
        board = asyncio.run(log.read_board(settings, bootstrap))
    now = clock.now()
    found = [(name, board.precision(name, now, days)) for name in board.rules() if not rule or name == rule]
    if as_json:
        for name, each in found:
            typer.echo(display.dumps(shapes.precision(name, each).model_dump()))
    elif found:
        display.screen().print(display.precisions(found))
    else:
        typer.echo(say("alerts.list.none"))


def register(main: typer.Typer) -> None:
    """Add the commands of `alerts`."""
    alert_channels.register(app)
    main.add_typer(app, name="alerts")
