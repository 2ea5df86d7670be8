"""How far a long run is: a bar on a terminal, a plain line now and then anywhere else. Time is an argument."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


@dataclass(frozen=True, slots=True)
class Pace:
    """How far and how fast: `done` of `total` steps, `items` texts in `seconds`, all since the run began or went on."""

    done: int
    total: int
    items: int
    seconds: float
    begun: int = 0  # steps that were done before these seconds

    @property
    def rate(self) -> float:
        """Texts a second."""
        return self.items / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds to the end at this pace."""
        steps = self.done - self.begun
        return (self.total - self.done) * self.seconds / steps if steps else 0.0

    def told(self) -> str:
        """Rate and time left."""
        return f"{self.rate:.0f} rows/s, {self.left / 60:.1f} min left"


class Teller(Protocol):
    """Tells a person how far a run is."""

    def step(self, pace: Pace, told: str, due: bool) -> None:
        """After a step. `told`: what else there is to say; `due`: whether a plain line is wanted now."""

    def say(self, text: str) -> None:
        """A line of its own."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Lines:
    """Plain lines."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def step(self, pace: Pace, told: str, due: bool) -> None:
        """A line when one is due."""
        if due:
            self.say(f"step {pace.done}/{pace.total} {told} {pace.told()}")

    def say(self, text: str) -> None:
        """The line, at once."""
        self.out.write(text + "\n")
        self.out.flush()

    def close(self) -> None:
        """Nothing to tidy."""


class Bar:
    """A bar with rate and time left."""

    def __init__(self, out: TextIO) -> None:
        columns = (TextColumn("{task.completed}/{task.total}"), BarColumn(), TaskProgressColumn())
        self.progress = Progress(*columns, TextColumn("{task.description}"), console=Console(file=out))
        self.task = self.progress.add_task("", total=None)
        self.progress.start()

    def step(self, pace: Pace, told: str, due: bool) -> None:
        """Move the bar; its words change when a line would be due, so that they can be read."""
        if due or pace.done <= pace.begun + 1:
            self.progress.update(self.task, description=f"{told} {pace.told()}")
        self.progress.update(self.task, completed=pace.done, total=pace.total)

    def say(self, text: str) -> None:
        """The line, above the bar."""
        self.progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """End the bar."""
        self.progress.stop()


def teller(out: TextIO | None = None) -> Teller:
    """A bar on a terminal, else lines."""
    to = out or sys.stdout
    return Bar(to) if to.isatty() else Lines(to)
