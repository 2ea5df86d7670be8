"""Options of commands that read files of items: how columns become fields, and what holds for all rows."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from streams.sources.mapping import NAMES, MappingError

Encoding = Literal["utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "latin-1"]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="FIELD=COLUMN",
        help=f"Take a field from a column; repeat it. Fields: {', '.join(NAMES)}. Common names need no option.",
    ),
]  # fmt: skip
Source = Annotated[str, typer.Option(help="Source of all items; else the column, else the file's name.")]
Kind = Annotated[
    Literal["news", "chat"] | None, typer.Option(help="Kind of all items; else news with a title, chat without.")
]
Lang = Annotated[str, typer.Option(help="Language of all items, e.g. en; else the column, else detected.")]
Form = Annotated[
    Literal["jsonl", "csv"] | None, typer.Option("--format", help="When the file's name does not tell.")
]  # fmt: skip
OfText = Annotated[Encoding, typer.Option(help="Of the text.")]
Zone = Annotated[str, typer.Option(help="Time zone of times that state none, e.g. Asia/Shanghai.")]
ContentIds = Annotated[bool, typer.Option("--id-from-content", help="Identify rows without an id by their content.")]


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of this name; None for an empty one. Raises MappingError."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for names that are none, odd ones included
        raise MappingError(f"--zone {name}: no such time zone; write one like Asia/Shanghai or UTC") from None
