"""`tocsin`: one program. Each area of commands lives in its own module and registers itself here."""

from __future__ import annotations

import importlib
from typing import Annotated, Final

import typer

from streams.version import VERSION

AREAS: Final = (
    "console.engines",
    "console.workers",
    "console.ingest",
    "console.collect",
    "console.status",
    "console.balance",
    "console.deadletters",
    "console.score",
    "console.rules",
    "console.webhooks",
    "console.demo",
)

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
    for area in AREAS:
        importlib.import_module(area).register(app)
    app()


if __name__ == "__main__":
    main()
