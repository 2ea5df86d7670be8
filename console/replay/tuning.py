"""The search for parameters, played: passes over the history until all trials are heard."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from alerts.delivery.measured import rate
from alerts.evaluation.result import Episode
from alerts.evaluation.tune import Halves, Place, Proposal, Search, Trial, halve, named, propose
from alerts.rule_files import in_force
from alerts.rules import Rule
from alerts.shares import read_rates
from console.messages import say
from console.replay.choices import Choices, following
from console.replay.files import Files
from console.replay.judging import Judging
from console.replay.opening import open_source
from console.replay.passes import Heard, Passes, Step
from models.registry import SHIPPED
from streams.gazetteer.watchlist import read_lists
from streams.settings import Settings

AT_ONCE: Final = 24  # settings side by side in one pass: reading and decoding cost the same for one and for many
ROUNDS: Final = 1000  # of the bootstrap
PREFIX: Final = "setting-"  # of the names under which settings are replayed


class NothingToFind(ValueError):  # noqa: N818 - what happened
    """The truth has no event that the rule could find in the period that chooses; the message says so."""


@dataclass(frozen=True)
class Tuning:
    """A search over one history."""

    search: Search
    choices: Choices
    settings: Settings
    until: datetime | None
    seed: int

    async def conduct(self) -> Proposal:
        """All passes. Raises what the source and the judging raise, ValueError and NothingToFind."""
        search = self.search
        async with self._passes() as passes:
            with _progress(search) as report:
                first = search.propose(AT_ONCE)
                observed, heard = await passes.whole(self._runnable(first), report)
                halves = halve(observed.ground(self.choices.subjects or None), self.until)
                self._check(halves)
                whole = self._hear(first, heard, halves)
                while batch := search.propose(AT_ONCE):
                    self._hear(batch, await passes.until(self._runnable(batch), halves.cut, report), halves)
                best = search.ranked()[0][0]
                if best.place not in whole:
                    rules = self._runnable([best])
                    whole[best.place] = (await passes.until(rules, None, report))[rules[0].name]
        episodes = whole[first[0].place], whole[best.place]
        return propose(search, halves, best, episodes, self._covers, rounds=ROUNDS, seed=self.seed)

    @cached_property
    def _covers(self) -> Callable[[str], bool]:
        return self._runnable([Trial((), {}, self.search.rule)])[0].covers

    def _hear(self, batch: Sequence[Trial], heard: Heard, halves: Halves) -> dict[Place, Sequence[Episode]]:
        """Tell the search of a batch; its episodes."""
        rang = [heard[rule.name] for rule in self._runnable(batch)]
        for trial, episodes in zip(batch, rang, strict=True):
            self.search.hear(trial, halves.period(episodes, self._covers, choosing=True).figures)
        return dict(zip((trial.place for trial in batch), rang, strict=True))

    def _runnable(self, batch: Sequence[Trial]) -> list[Rule]:
        """The settings as rules of one engine, each under a name of its own."""
        rules = [named(trial.rule, f"{PREFIX}{number}") for number, trial in enumerate(batch)]
        return list(in_force(rules, read_lists(self.settings.watchlist)))

    def _check(self, halves: Halves) -> None:
        events = [event for event in halves.choosing.events if event.kind == "negative" and self._covers(event.subject)]
        if not events:
            raise NothingToFind(say("tune.nothing", cut=f"{halves.cut:%Y-%m-%d %H:%M}"))

    @asynccontextmanager
    async def _passes(self) -> AsyncIterator[Passes]:
        settings = following(self.settings, [self.search.rule])
        async with AsyncExitStack() as stack:
            source = open_source(self.choices, settings, sys.stdin.buffer)
            if isinstance(source, Files):
                stack.callback(source.close)
            judging = Judging(settings, self.choices.models)
            stack.push_async_callback(judging.close)
            rates = read_rates(settings.model_repository or SHIPPED)
            yield Passes(self.choices, settings, source, judging, rates)


@contextmanager
def _progress(search: Search) -> Iterator[Step]:
    """Tell on standard error how far it has got: a bar on a terminal, else a line for each pass."""
    if not sys.stderr.isatty():
        told: set[int] = set()

        def write(at: datetime) -> None:  # noqa: ARG001 - it is a `Step`
            if len(search.heard) not in told:
                told.add(len(search.heard))
                typer.echo(_line(search), err=True)

        yield write
        return
    columns = (BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=search.trials)

        def draw(at: datetime) -> None:
            said = f"{_line(search)}  {at:%Y-%m-%d}"
            progress.update(task, completed=len(search.heard), description=said)

        yield draw


def _line(search: Search) -> str:
    if not search.heard:
        return say("tune.begins", trials=search.trials, first=min(AT_ONCE, search.trials))
    _, best = search.ranked()[0]
    false = rate(best.false_per_subject_day or 0.0)
    return say(
        "tune.progress", heard=len(search.heard), trials=search.trials, recall=f"{best.recall or 0:.2f}", false=false
    )
