"""`tocsin`: one program. Each area of commands lives in its own module and registers itself here."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from console.first import begin
from console.guide import dressed, ordered, speak
from console.messages import say
from console.translations import translated
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
    "console.expire": ("expire",),
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
    "console.report.command": ("report",),
    "console.api.command": ("api",),
    "console.open": ("console",),
    "console.dashboards.command": ("dashboards",),
    "console.demo": ("demo",),
    "console.top.command": ("top",),
    "console.first": ("help",),
}

CHECKING: Final = ("config", "doctor")  # these tell of unknown variables themselves


class Commands(MutableMapping[str, Any]):
    """The commands by name, in the order help shows them; a module is imported when one of its commands is asked for.

    So a worker starts fast, and help and shell completion see every command.
    """

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            area = next((area for area, commands in AREAS.items() if name in commands), None)
            if area is None:
                raise KeyError(name)
            scratch = typer.Typer(pretty_exceptions_show_locals=False)
            importlib.import_module(area).register(scratch)
            found = typer.main.get_group(scratch).commands
            self._made |= {each: dressed(command, each) for each, command in found.items()}
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ordered([name for commands in AREAS.values() for name in commands]))

    def __len__(self) -> int:
        return sum(map(len, AREAS.values()))


@dataclass(frozen=True, slots=True)
class Completion:
    """What a shell is offered, in the form that typer's own completions have."""

    value: str
    type: str = "plain"
    help: str | None = None


class Program(TyperGroup):
    """The program itself: its commands come when they are wanted."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands()
        self.help = translated(self.help or "")
        self.epilog = say("help.first")

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, without a module being imported."""
        del ctx
        return list(self.commands)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands that begin like this: the names alone, so that nothing is imported while a shell waits."""
        found = [name for name in self.commands if name.startswith(incomplete)]
        if incomplete.startswith("-") or not found:
            return super().shell_complete(ctx, incomplete)
        return [Completion(name) for name in found]

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, in the user's language."""
        found = super().get_params(ctx)
        for parameter in found:
            if getattr(parameter, "help", None):
                setattr(parameter, "help", translated(getattr(parameter, "help")))  # noqa: B009, B010 - of options only
        return found


app = typer.Typer(
    cls=Program,
    name="tocsin",
    help="Self-hosted, real-time financial public-opinion monitor.",
    invoke_without_command=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Self-hosted, real-time financial public-opinion monitor."""
    if context.invoked_subcommand is None:
        begin(context)


def main() -> None:
    """Entry point of the command `tocsin`."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    completing = "_TOCSIN_COMPLETE" in os.environ
    for name, meant in unknown_variables(os.environ).items() if wanted not in CHECKING and not completing else ():
        typer.echo(say("config.meant" if meant else "config.unknown", name=name, meant=meant), err=True)
    speak()
    app()


if __name__ == "__main__":
    main()
