"""`tocsin rules tune`: better parameters for a rule, proposed with their evidence and never put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from console import file_options
from console.replay import options

TRIALS: Final = 96
BUDGET: Final = 0.0015


def register(app: typer.Typer) -> None:
    """Add the command to those of `rules`."""
    app.command("tune")(tune)


def tune(
    rules: Annotated[str, typer.Argument(metavar="RULES", help="Rule file, folder or preset:NAME.")],
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE…", help="Files, kafka:TOPIC or elasticsearch:, as for tocsin replay.")
    ],
    rule: Annotated[str, typer.Option(help="Name of the rule.")],
    truth: options.Truths,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Write the proposal into this file, which is not there yet.")
    ],
    budget: Annotated[
        float, typer.Option(min=0.0, help="False alarms a day of one subject that are allowed.")
    ] = BUDGET,
    until: Annotated[
        str, typer.Option(help="What came before this time chooses, the rest checks; default: the first 60 % chooses.")
    ] = "",
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE,…", help="Vary only this, such as window=2h,6h; repeat it."),
    ] = None,
    trials: Annotated[int, typer.Option(min=2, max=10_000, help="How many settings are tried.")] = TRIALS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed tries the same settings.")] = 0,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Search a rule's parameters against what is known to have happened: the best recall within a budget of false
    alarms, chosen on one period and checked on another."""
    from console.replay import history, proposing  # read Kafka, Elasticsearch and models: not for every `tocsin rules`

    proposing.conduct(
        proposing.Asked(rules, rule, out, budget, until, tuple(vary or ()), trials, seed, as_json),
        lambda rule, settings: history.history(
            sources, [rule], settings,
            truth=truth or (), columns=columns or (), source=source, kind=kind, zone=zone, begin=begin, end=end,
            subjects=subjects, before=before, after=after, unlabelled=unlabelled,
        ),
    )  # fmt: skip
