"""`tocsin truth …`: what is known to have happened, said by people or read from files, for replays to be judged by."""

from __future__ import annotations

import typer

group = typer.Typer(help="What is known to have happened: add, list, export, import.", no_args_is_help=True)


def register(main: typer.Typer) -> None:
    """Add the commands of `truth`."""
    main.add_typer(group, name="truth")
