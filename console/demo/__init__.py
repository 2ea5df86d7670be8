"""`tocsin demo`: an invented day through the real pipeline, watched, verified and added up."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command `demo`."""
    from console.demo import command  # the day and its tests need none of what the command imports

    command.register(app)
