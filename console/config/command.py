"""`tocsin config show | check | preset`: what is set, whether it can be used, and sets to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from console.config import documents, presets
from console.config.files import checks
from console.config.lines import Line, lines
from console.exits import WRONG_SETTINGS, told
from console.findings import Check, Finding, Told, dumps, look, show
from console.messages import language, say
from streams.settings import SettingsError, load, unknown_variables

config = typer.Typer(
    name="config", help="Settings: what is set and where, whether it can be used, presets.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON list.")]
STYLES: Final = {"default": "dim", "environment": "cyan", "file": "cyan"}


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(config)


@config.command("show")
def show_settings(
    as_json: AsJson = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are set.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference of all settings, with their defaults.")
    ] = False,
    example: Annotated[
        bool, typer.Option("--example", help="A commented file to begin with, in which nothing is set.")
    ] = False,
) -> None:
    """Every setting: its value, where it comes from, what it is for. Secrets are hidden."""
    if markdown or example:
        typer.echo((documents.markdown if markdown else documents.example)(language()), nl=False)
        return
    with told():
        found = [line for line in lines(load()) if not changed or line.origin != "default"]
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in found], ensure_ascii=False, indent=1))
        return
    _print(found)


def _print(found: Sequence[Line]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    group = ""
    for line in found:
        if line.group != group:
            group = line.group
            console.print(Text(f"\n{say(f'config.groups.{group}')}", style="bold"))
        comes = say(f"config.origin.{line.origin}")
        console.print(Text(f"{line.variable}={line.value}").append(f"  ({comes})", style=STYLES[line.origin]))
        console.print(Text(f"    {line.description}", style="dim"))
    console.print(Text(f"\n{say('config.how')}") if found else Text(say("config.nothing")))


@config.command()
def check(as_json: AsJson = False) -> None:
    """Validate what is set: names, values, and the files they name, each read by the code that uses it. Exit code 78
    for a fault. Engines and addresses are asked by `tocsin doctor`."""
    found = examine(os.environ)
    wrong = sum(each.ok is False for each in found)
    if as_json:
        typer.echo(dumps(found))
    else:
        show(found)
        typer.echo(say("doctor.ill", count=wrong) if wrong else say("config.check.well"))
    raise typer.Exit(WRONG_SETTINGS if wrong else 0)


def examine(names: Sequence[str] | os._Environ[str]) -> list[Finding]:
    """Names of variables, values, and, where those can be used, files."""
    found = [look("names", partial(_names, list(names)))]
    try:
        settings = load()
    except SettingsError as error:
        faults = str(error).splitlines()
        return [*found, *(look("values", _refuse(fault)) for fault in faults)]
    changed = sum(line.origin != "default" for line in lines(settings))
    found.append(look("values", lambda: say("config.check.values", count=changed)))
    return [*found, *(look(name, each) for name, each in checks(settings).items())]


def _names(names: Sequence[str]) -> str:
    unknown = unknown_variables(names)
    if unknown:
        said = (_unknown(name, meant) for name, meant in unknown.items())
        raise Told("name", what="\n".join(said))
    return say("config.check.names")


def _unknown(name: str, meant: str) -> str:
    return say("config.meant" if meant else "config.unknown", name=name, meant=meant)


def _refuse(fault: str) -> Check:
    def refused() -> str:
        raise Told("setting", what=fault)

    return refused


@config.command()
def preset(
    name: Annotated[
        str, typer.Argument(help="Which; all of them are listed when left out.", autocompletion=presets.names)
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write its files there; none may be there yet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A set of settings, rules and companies to begin with, as files that you own from then on."""
    if not name:
        _list(as_json)
        return
    with told(refused=(presets.PresetRefused,)):
        made = presets.contents(name, Path(f"tocsin-{name}")) if out is None else presets.write(name, out)
    if as_json:
        typer.echo(json.dumps([{"file": str(path), "text": text} for path, text in made.items()], ensure_ascii=False))
        return
    for path, text in made.items():
        typer.echo(say("config.preset.written", file=path) if out else f"# ---- {path}\n{text}")
    _next(name, out)


def _list(as_json: bool) -> None:
    found = {name: say(f"config.preset.{name}") for name in presets.names("")}
    if as_json:
        typer.echo(json.dumps([{"name": name, "about": about} for name, about in found.items()], ensure_ascii=False))
        return
    for name, about in found.items():
        typer.echo(f"{name:<12} {about}")
    typer.echo(say("config.preset.how"))


def _next(name: str, out: Path | None) -> None:
    folder = presets.quoted(out or Path(f"tocsin-{name}"))
    key = "config.preset.next" if out else "config.preset.not_written"
    typer.echo(say(key, name=name, folder=folder), err=True)
