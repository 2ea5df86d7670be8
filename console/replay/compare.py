"""`tocsin replay compare`: which alerts a change gains, loses and moves, and what of it is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from alerts.evaluation.compare import NothingToCompare, compare
from alerts.evaluation.report import render
from console import file_options
from console.messages import language, say
from console.replay import options
from console.replay.choices import read_rules, rule_files
from console.replay.command import shelve
from console.replay.comparison_display import show
from console.replay.faults import told_of_replay
from console.replay.history import history
from console.replay.results import read_result, write_json
from console.replay.side_by_side import replayed
from streams.log import configure
from streams.settings import load

EXAMPLES: Final = 3  # of each sort


def register(app: typer.Typer) -> None:
    """Add the command to those of `replay`."""
    app.command("compare")(compare_results)


def compare_results(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="BEFORE AFTER | SOURCE…",
            help="Two results of `tocsin replay … --json FILE`; or, with --rules twice, what to replay.",
        ),
    ],
    rule: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=NAME]", help="Only this rule, or this against that; * is all rules as one."),
    ] = None,
    match: Annotated[
        str, typer.Option(help="How far apart two alerts about one subject may be to count as the same.")
    ] = "6h",
    examples: Annotated[int, typer.Option(min=0, max=1000, help="How many alerts of each sort are shown.")] = EXAMPLES,
    out: Annotated[Path | None, typer.Option("--json", help="Write everything into this file, as JSON.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report on the second, with what changed.")
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Given twice: replay the sources through both in one pass."),
    ] = None,
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
) -> None:  # fmt: skip
    """Two rule sets, two models, or a rule against another on the same history: alerts gained, lost and moved, and
    whether the difference is more than chance."""
    with told_of_replay(NothingToCompare):
        options.check_writable(out, html)
        within = options.seconds("--match", match)
        if rules:
            _check_two(rules, "--rules")
            settings = load()
            configure(settings, "replay")
            sets = [read_rules(rule_files([each], settings), settings) for each in rules]
            asked = history(
                files, [*sets[0], *sets[1]], settings,
                truth=truth or (), columns=columns or (), source=source, kind=kind, zone=zone, begin=begin, end=end,
                subjects=subjects, before=before, after=after, unlabelled=unlabelled,
            )  # fmt: skip
            results = replayed(asked, (sets[0], sets[1]), settings)
            for words, result in zip(rules, results, strict=True):
                if truth:
                    shelve(settings, result, words)
        else:
            _check_two(files, "BEFORE AFTER")
            results = [read_result(Path(each)) for each in files]
        shown = rules or files
        found = compare(
            results[0],
            results[1],
            names=(shown[0], shown[1]),
            rules=[_named(each) for each in rule or ()],
            within=within,
        )
        if out is not None:
            write_json(out, found)
        if html is not None:
            page = render(results[1], "zh" if language() == "zh" else "en", compare=results[0], changes=found)
            html.write_text(page, encoding="utf-8")
    show(Console(), found, examples)


def _check_two(words: Sequence[str], what: str) -> None:
    if len(words) != 2:
        raise options.OptionRefused(say("compare.two", what=what, count=len(words)))


def _named(text: str) -> tuple[str, str]:
    first, _, second = text.partition("=")
    return first, second or first
