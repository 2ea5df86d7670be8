"""`tocsin` alone and `tocsin help`: what to do first, the exit codes, and the help of any command."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.exits import CODES, WRONG_INPUT
from console.findings import hanging
from console.messages import say
from streams.plain import plain
from streams.settings import Settings, SettingsError, load

STEPS: Final = ("demo", "doctor", "preset", "up", "worker", "ingest", "look")
TOPICS: Final = ("first", "exits")


def fresh(settings: Settings) -> bool:
    """Whether nothing was done here yet: no engine named or started, no state."""
    named = settings.kafka_bootstrap or settings.elasticsearch_url or settings.triton_url
    return not named and not (settings.state_dir.is_dir() and any(settings.state_dir.iterdir()))


def begin(context: typer.Context) -> None:
    """What `tocsin` alone shows: first steps where nothing was done yet, else the help."""
    try:
        new = fresh(load())
    except SettingsError as error:
        typer.echo(context.get_help())
        typer.echo(str(error), err=True)
        return
    if new:
        typer.echo(say("first.fresh"))
        steps()
    else:
        typer.echo(context.get_help())


def steps() -> None:
    """The first steps, each with its command."""
    console = Console(highlight=False)
    console.print(Text(say("first.title"), style="bold"))
    console.print(Text(say("first.what")))
    for number, step in enumerate(STEPS, 1):
        console.print()
        hanging(console, Text(f"{number}."), Text(say(f"first.steps.{step}.what")), 3)
        hanging(console, Text(), Text(say(f"first.steps.{step}.do"), style="cyan"), 3)
    console.print(Text(f"\n{say('first.more')}"))


def exits(as_json: bool) -> None:
    """The table of exit codes."""
    meanings = {code: say(f"first.exits.{name}") for name, code in CODES.items()}
    if as_json:
        typer.echo(json.dumps({str(code): meaning for code, meaning in meanings.items()}, ensure_ascii=False))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(say("first.exits.code"), justify="right")
    table.add_column(say("first.exits.meaning"), overflow="fold")
    for code, meaning in meanings.items():
        table.add_row(str(code), meaning)
    Console().print(table)


def help_(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC | COMMAND…]", help="first, exits, or the words of a command.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The exit codes as one JSON object.")] = False,
) -> None:
    """The first steps, the exit codes, or the help of a command."""
    if words == ["first"]:
        steps()
    elif words == ["exits"]:
        exits(as_json)
    else:
        _of_command(context, words or [])


def _of_command(context: typer.Context, words: list[str]) -> None:
    """The help of the command that the words name."""
    at: Any = context.parent
    for word in words:
        group = at.command
        found = group.get_command(at, word) if hasattr(group, "get_command") else None
        if found is None:
            known = ", ".join((*TOPICS, *group.list_commands(at))) if hasattr(group, "list_commands") else "-"
            typer.echo(say("first.unknown", word=plain(word, 60), known=known), err=True)
            raise typer.Exit(WRONG_INPUT)
        at = type(at)(found, info_name=word, parent=at)
    typer.echo(at.command.get_help(at))


def register(app: typer.Typer) -> None:
    """Add the command `help`."""
    app.command("help")(help_)
