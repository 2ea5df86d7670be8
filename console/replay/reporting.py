"""How far a replay has got, on standard error: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from console.messages import say
from console.replay.session import Session

EVERY: Final = 0.3  # seconds between redraws
EVERY_LINE: Final = 5.0  # seconds between lines in a log


@asynccontextmanager
async def reported(session: Session) -> AsyncIterator[None]:
    """Tell how far the session has got while the body runs."""
    report = _drawn(session) if sys.stderr.isatty() else _written(session)
    task = asyncio.create_task(report)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def line(session: Session, seconds: float) -> str:
    """How far it has got, in one line. `seconds` since the start."""
    source, replay, judging = session.source, session.replay, session.judging
    if source is None or replay is None or replay.at is None:
        return say("replay.progress.reading", count=f"{source.notes.total:,}" if source else 0)
    said = say(
        "replay.progress.playing", at=f"{replay.at:%Y-%m-%d %H:%M}", read=f"{replay.read:,}",
        total=f"{source.notes.total:,}" if source.notes.total else "?",
        rate=f"{replay.records / max(seconds, 0.001):,.0f}",
    )  # fmt: skip
    remembered, asked = judging.counts if judging else (0, 0)
    if remembered or asked:
        said += say("replay.progress.judging", remembered=f"{remembered:,}", asked=f"{asked:,}")
    return said


async def _written(session: Session) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(EVERY_LINE)
        typer.echo(line(session, time.monotonic() - began), err=True)


async def _drawn(session: Session) -> None:
    began = time.monotonic()
    columns = (
        BarColumn(bar_width=None, table_column=Column(min_width=8, max_width=24, ratio=1)),
        TaskProgressColumn(table_column=Column(min_width=4)),
        TimeRemainingColumn(table_column=Column(min_width=7)),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=None)
        while True:
            notes = session.source.notes if session.source else None
            total = notes.total if notes and notes.total and session.replay and session.replay.at else None
            said = line(session, time.monotonic() - began)
            done = session.replay.read if session.replay else 0
            progress.update(task, total=total, completed=done, description=said, refresh=True)
            await asyncio.sleep(EVERY)
