"""`tocsin replay gate`: does a change lose more than was stated? Exit code 1 when it does."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.delivery.phrases import cut
from alerts.evaluation.gate import TOLERANCES, Check, NotComparable, gate, parse_tolerance
from console import file_options
from console.messages import say
from console.replay import options
from console.replay.choices import read_rules, rule_files
from console.replay.command import conducted
from console.replay.comparison_display import figure
from console.replay.faults import told_of_replay
from console.replay.history import history
from console.replay.results import read_result
from console.replay.session import Outputs, Session
from streams.log import configure
from streams.settings import load

LOST: Final = 1  # exit code
COLUMNS: Final = ("rule", "figure", "baseline", "result", "tolerated", "state")
STYLES: Final = {"lost": "bold red", "missing": "bold red", "better": "green", "worse": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the command to those of `replay`."""
    app.command("gate")(gate_results)


def gate_results(
    baseline: Annotated[Path, typer.Argument(help="The result to hold on to, of `tocsin replay … --json FILE`.")],
    result: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT | SOURCE…",
            help="The result of the change on the same history; with --truth, what to replay.",
        ),
    ],
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE=NUMBER",
            help="How much of a figure may be lost, e.g. recall=0.05. Given once or more, only these figures count.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what is the same, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    rules: options.Rules = None,
    truth: options.Truths = None,
    columns: file_options.Map = None,
    source: file_options.Source = "",
    kind: file_options.Kind = None,
    zone: file_options.Zone = "",
    begin: options.Begin = "",
    end: options.End = "",
    subjects: options.Subjects = "",
    before: options.Before = "2h",
    after: options.After = "24h",
    unlabelled: options.Unlabelled = None,
) -> None:
    """Compare a result with a baseline of the same history. Exit code 1 when a rule is missing or a figure is worse by
    more than is tolerated."""
    with told_of_replay(NotComparable):
        allowed = dict(map(parse_tolerance, tolerance)) if tolerance else TOLERANCES
        held = read_result(baseline)
        if truth:
            settings = load()
            configure(settings, "replay")
            found = read_rules(rule_files(rules or (), settings), settings)
            asked = history(
                result, found, settings,
                truth=truth, columns=columns or (), source=source, kind=kind, zone=zone, begin=begin, end=end,
                subjects=subjects, before=before, after=after, unlabelled=unlabelled,
            )  # fmt: skip
            checks = gate(held, conducted(Session(asked, Outputs(), settings, sys.stdin.buffer)).evaluation, allowed)
        else:
            checks = gate(held, read_result(_only(result)), allowed)
    if as_json:
        lost = any(check.fails for check in checks)
        typer.echo(msgspec.json.encode({"passes": not lost, "checks": checks}))
        raise typer.Exit(LOST if lost else 0)
    if not report(Console(), checks, everything=everything):
        raise typer.Exit(LOST)


def _only(results: Sequence[str]) -> Path:
    if len(results) != 1:
        raise options.OptionRefused(say("gate.one", count=len(results)))
    return Path(results[0])


def report(console: Console, checks: Sequence[Check], *, everything: bool = False) -> bool:
    """Print the checks that tell something, and what they come to; whether the gate is open."""
    shown = [check for check in checks if everything or check.state != "same"]
    if shown:
        console.print(_table(shown))
    counts = Counter(check.state for check in checks)
    lost = sum(check.fails for check in checks)
    if lost:
        console.print(Text(say("gate.lost", count=lost), style="bold red"))
    else:
        console.print(Text(say("gate.open", count=len(checks))))
    if counts["better"] or counts["new"]:
        console.print(Text(say("gate.renew", better=counts["better"], new=counts["new"])))
    return not lost


def _table(checks: Sequence[Check]) -> Table:
    made = Table(box=SIMPLE_HEAD)
    for column in COLUMNS:
        made.add_column(say(f"gate.column.{column}"), overflow="fold", no_wrap=column == "rule")
    for check in checks:
        cells = (cut(check.rule, 64), *_cells(check), say(f"gate.state.{check.state}"))
        made.add_row(*(Text(cell, style=STYLES.get(check.state, "")) for cell in cells))
    return made


def _cells(check: Check) -> tuple[str, str, str, str]:
    if not check.figure:
        return "", "", "", ""
    before, after, allowed = (figure(check.figure, each) for each in (check.before, check.after, check.tolerance))
    return say(f"figures.{check.figure}"), before, after, allowed
