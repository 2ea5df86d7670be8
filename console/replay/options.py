"""The options of `tocsin replay`, and what their words mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from alerts.rules import Duration
from console.messages import say
from streams.plain import plain


class OptionRefused(ValueError):  # noqa: N818 - what happened
    """An option cannot mean anything; the message says what to write."""


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE…",
        help="JSONL or CSV files (.gz too; `-`: standard input) of rows, documents or mentions; or "
        "kafka:TOPIC[,TOPIC]; or elasticsearch:[INDEX].",
    ),
]
Rules = Annotated[
    list[str] | None, typer.Option(metavar="FILE", help="Rule file, folder or preset:NAME; default: those in use.")
]
Truths = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="What is known to have happened; repeat it.")
]  # fmt: skip
Begin = Annotated[str, typer.Option("--from", metavar="TIME", help="Only what was collected then or later.")]
End = Annotated[str, typer.Option("--to", metavar="TIME", help="Only what was collected before.")]
FirstOffsets = Annotated[
    list[str] | None, typer.Option("--from-offset", metavar="PARTITION:OFFSET", help="Of a Kafka topic.")
]
StopOffsets = Annotated[
    list[str] | None, typer.Option("--to-offset", metavar="PARTITION:OFFSET", help="Of a Kafka topic.")
]
Query = Annotated[str, typer.Option(help="Only stored documents with these words (elasticsearch:).")]
Subjects = Annotated[str, typer.Option(help="Only these, with a comma between: entity:AAPL,topic:legal.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", metavar="NAME@VERSION", help="Judge again by this version; repeat it.")
]
Before = Annotated[str, typer.Option(help="An alert may come so long before an event's onset.")]
After = Annotated[str, typer.Option(help="And so long after it, or until its end.")]
Unlabelled = Annotated[
    Literal["false", "excluded"] | None,
    typer.Option(help="Alerts outside what the truth is complete for. Default: excluded where it says for what."),
]
Curve = Annotated[
    bool | None, typer.Option("--curve/--no-curve", help="Every rule at every setting. Default: with --truth.")
]
Bootstrap = Annotated[int, typer.Option(min=0, max=100_000, help="Draws for intervals; 0: none.")]
Settle = Annotated[str, typer.Option(help="How long after the last record nothing happened, so that alerts resolve.")]
Json = Annotated[str, typer.Option("--json", metavar="FILE", help="Write the result; `-`: to standard output.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report, one page.")]
Log = Annotated[Path | None, typer.Option(metavar="FILE", help="Write all alert events, as JSON lines.")]
Keep = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the judged mentions, for faster replays (.gz too).")
]
Into = Annotated[str, typer.Option(metavar="NAME", help="Fill indices of this name, for Kibana.")]
Badge = Annotated[bool, typer.Option("--badge", help="Keep what was measured beside the rules.")]
Title = Annotated[str, typer.Option(help="Name of the history, for the badge.")]
RunName = Annotated[str, typer.Option("--run", metavar="NAME", help="A run that can be paused and continued.")]
Anew = Annotated[bool, typer.Option("--anew", help="With --run: from the beginning.")]
Speed = Annotated[float | None, typer.Option(help="Event seconds a second, to watch alerts come.")]


def seconds(option: str, text: str) -> float:
    """The duration that an option says. Raises OptionRefused."""
    try:
        return float(Duration.parse(text).seconds)
    except ValueError:
        raise OptionRefused(say("replay.option.duration", option=option, text=plain(text, 64))) from None


def checked_speed(speed: float | None) -> float | None:
    """The speed, when it is one. Raises OptionRefused."""
    if speed is not None and not 0 < speed < 1e9:
        raise OptionRefused(say("replay.option.speed"))
    return speed


def check_writable(*paths: Path | None) -> None:
    """Raise OptionRefused for a file that cannot be written: better now than after an hour."""
    for path in filter(None, paths):
        if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise OptionRefused(say("replay.option.path", path=path))
