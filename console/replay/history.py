"""The history that comparisons and searches are run on, from the options they share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from alerts.rules import Rule
from console import file_options
from console.replay.choices import Choices, read_asked, read_matching, read_truths
from console.replay.files import Reading
from console.replay.options import seconds
from console.replay.span import read_span
from streams.settings import Settings
from streams.sources.mapping import Columns, parse_map


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
    judged = unlabelled if truth else "excluded"  # without a truth nobody says that an alert is wrong
    matching = read_matching(known, seconds("--before", before), seconds("--after", after), judged)
    read = Columns(parse_map(columns), source=source, kind=kind, zone=file_options.zone_of(zone))
    return Choices(
        sources=tuple(sources),
        rules=tuple(rules),
        truth=known,
        matching=matching,
        reading=Reading(read, span=span),
        span=span,
        subjects=read_asked(subjects, settings),
        bootstrap=bootstrap,
    )
