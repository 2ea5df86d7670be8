"""The commands of `tocsin replay`. A first word that is none of them is a source: `run` is meant."""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperGroup

from console.replay import command, compare, gate

RUN: Final = "run"
HELP: Final = (
    "The past through the rules of now: files, a Kafka range or stored documents, measured against what is known to "
    "have happened. `tocsin replay SOURCE… --rules FILE` replays; nothing of it reaches a receiver."
)


class Commands(TyperGroup):
    """Takes `replay FILE --rules …` for `replay run FILE --rules …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words of the command line, with `run` put in where it is meant."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [RUN, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(cls=Commands, no_args_is_help=True, help=HELP)
    command.register(group)
    compare.register(group)
    gate.register(group)
    app.add_typer(group, name="replay")
