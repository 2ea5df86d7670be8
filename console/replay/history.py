"""The history that comparisons and searches are run on, from the options they share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from alerts.rules import Duration, Rule
from console import file_options
from console.replay.choices import Choices, read_matching, read_truths
from console.replay.files import Reading
from console.replay.span import read_span
from streams.settings import Settings
from streams.sources.mapping import Columns, parse_map

Truths = Annotated[list[Path] | None, typer.Option(help="What is known to have happened; repeat it.")]
Begin = Annotated[str, typer.Option("--from", help="Only what was collected at this time or later.")]
End = Annotated[str, typer.Option("--to", help="Only what was collected before this time.")]
Subjects = Annotated[str, typer.Option(help="Only these, with a comma between: entity:AAPL,entity:MSFT.")]
Before = Annotated[str, typer.Option(help="An alert may come so long before an event's onset.")]
After = Annotated[str, typer.Option(help="And so long after it, or until its end.")]
Unlabelled = Annotated[
    Literal["false", "excluded"] | None,
    typer.Option(help="Alerts outside what the truth is complete for. Default: excluded where it says that."),
]


def history(
    sources: Sequence[str],
    rules: Sequence[Rule],
    settings: Settings,
    *,
    truth: Sequence[Path],
    columns: Sequence[str] = (),
    source: str = "",
    kind: Literal["news", "chat"] | None = None,
    zone: str = "",
    begin: str = "",
    end: str = "",
    subjects: str = "",
    before: str = "2h",
    after: str = "24h",
    unlabelled: Literal["false", "excluded"] | None = None,
    bootstrap: int = 0,
) -> Choices:
    """The choices of a replay of these sources through these rules. Raises what reading an option raises."""
    known = read_truths(truth, settings)
    span = read_span(begin, end)
    matching = read_matching(known, Duration.parse(before).seconds, Duration.parse(after).seconds, unlabelled)
    read = Columns(parse_map(columns), source=source, kind=kind, zone=file_options.zone_of(zone))
    return Choices(
        sources=tuple(sources),
        rules=tuple(rules),
        truth=known,
        matching=matching,
        reading=Reading(read, span=span),
        span=span,
        subjects=frozenset(filter(None, map(str.strip, subjects.split(",")))),
        bootstrap=bootstrap,
    )
