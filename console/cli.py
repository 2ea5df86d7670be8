"""`tocsin`: one program. Each area of commands lives in its own module and registers itself here."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Final

import typer

from console.messages import say
from streams.settings import unknown_variables
from streams.version import VERSION

# Module of each command: a command loads its own module only, so that workers start fast.
AREAS: Final = {
    "console.engines": ("up", "down", "logs"),
    "console.doctor.command": ("doctor",),
    "console.workers": ("worker",),
    "console.ingest": ("ingest",),
    "console.collect": ("collect",),
    "console.status": ("status",),
    "console.config.command": ("config",),
    "console.balance": ("balance",),
    "console.deadletters": ("deadletters",),
    "console.score": ("score",),
    "console.explain": ("explain",),
    "console.feedback": ("feedback",),
    "console.models": ("models",),
    "console.rules": ("rules",),
    "console.replay.group": ("replay",),
    "console.webhooks": ("webhook",),
    "console.alerts": ("alerts",),
    "console.truth": ("truth",),
    "console.api.command": ("api",),
    "console.demo": ("demo",),
}

CHECKING: Final = ("config", "doctor")  # these tell of unknown variables themselves

app = typer.Typer(
    name="tocsin",
    help="Self-hosted, real-time financial public-opinion monitor.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Entry point of the command `tocsin`."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, meant in unknown_variables(os.environ).items() if wanted not in CHECKING else ():
        typer.echo(say("config.meant" if meant else "config.unknown", name=name, meant=meant), err=True)
    chosen = [area for area, commands in AREAS.items() if wanted in commands] or list(AREAS)
    for area in chosen:
        importlib.import_module(area).register(app)
    app()


if __name__ == "__main__":
    main()
