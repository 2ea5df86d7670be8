"""`tocsin replay compare`: which alerts a change gains, loses and moves, and what of it is more than chance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from alerts.evaluation.compare import NothingToCompare, compare
from alerts.rules import Duration
from console.exits import told
from console.replay.comparison_display import show
from console.replay.results import ResultUnreadable, read_result, write_json

EXAMPLES: Final = 3  # of each sort


def register(app: typer.Typer) -> None:
    """Add the command to those of `replay`."""
    app.command("compare")(compare_results)


def compare_results(
    before: Annotated[Path, typer.Argument(help="A result of `tocsin replay … --json FILE`.")],
    after: Annotated[Path, typer.Argument(help="The other one.")],
    rule: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=NAME]", help="Only this rule, or this against that; * is all rules as one."),
    ] = None,
    match: Annotated[
        str, typer.Option(help="How far apart two alerts about one subject may be to count as the same.")
    ] = "6h",
    examples: Annotated[int, typer.Option(min=0, max=1000, help="How many alerts of each sort are shown.")] = EXAMPLES,
    out: Annotated[Path | None, typer.Option("--json", help="Write everything into this file, as JSON.")] = None,
) -> None:
    """Two results of the same history: two rule sets, two models, or a rule against another."""
    with told(refused=(ResultUnreadable, NothingToCompare, ValueError)):
        found = compare(
            read_result(before),
            read_result(after),
            names=(str(before), str(after)),
            rules=[_named(each) for each in rule or ()],
            within=Duration.parse(match).seconds,
        )
        if out is not None:
            write_json(out, found)
    show(Console(), found, examples)


def _named(text: str) -> tuple[str, str]:
    first, _, second = text.partition("=")
    return first, second or first
