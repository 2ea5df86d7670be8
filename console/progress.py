"""How far long work has got, on a terminal only: standard error shows it while it lasts and nothing of it is left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

Tell = Callable[[int, int | None, str], None]  # done, of how many where that is known, and in words


@contextmanager
def told_on_terminal() -> Iterator[Tell]:
    """What the body is to call now and then; it draws nothing where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=None, table_column=Column(min_width=8, max_width=24, ratio=1)),
        TaskProgressColumn(table_column=Column(min_width=4)),
        TimeElapsedColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"), markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(done: int, total: int | None, words: str) -> None:
            progress.update(task, completed=done, total=total, description=words)

        yield tell
