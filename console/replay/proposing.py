"""What `tocsin rules tune` does: read, search, tell, and write the proposal as a rule file of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import typer

from alerts.evaluation.result import Interval
from alerts.evaluation.spaces import NotVaried, as_written, space_of, value_at, vary
from alerts.evaluation.tune import NoPeriod, Period, Proposal, Search
from alerts.rule_files import load_rules
from alerts.rule_writing import written
from alerts.rules import Rule
from alerts.yaml_structs import suggest
from console.commit import code
from console.exits import INTERRUPTED
from console.messages import say
from console.replay import options
from console.replay.choices import Choices, rule_files
from console.replay.comparison_display import event, figure
from console.replay.faults import told_of_replay
from console.replay.span import read_span
from console.replay.tuning import NothingToFind, Tuning
from streams import clock
from streams.log import configure
from streams.plain import plain
from streams.settings import Settings, load

FIGURES: Final = (
    "recall", "precision", "false_per_subject_day", "delay_median_s", "score", "controls_fired",
)  # fmt: skip
INTERVALS: Final = {"false_per_subject_day": "false_interval", "delay_median_s": "delay_interval"}
WIDTH: Final = 34  # of a column of figures


class TuneRefused(ValueError):  # noqa: N818 - what is wrong
    """What was asked for cannot be done; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command that are no matter of history."""

    rules: str
    rule: str
    out: Path
    budget: float
    until: str
    vary: tuple[str, ...]
    trials: int
    seed: int
    as_json: bool = False


def conduct(asked: Asked, choices_of: Callable[[Rule, Settings], Choices]) -> None:
    """Search, print what was found, and write it. Ends the program with a sentence where that cannot be."""
    with told_of_replay(TuneRefused, NotVaried, NoPeriod, NothingToFind):
        settings = load()
        configure(settings, "tune")
        rule = _rule(asked, settings)
        space = tuple(vary(rule, each) for each in asked.vary) or space_of(rule)
        search = Search(rule, space, budget=asked.budget, trials=asked.trials, seed=asked.seed)
        until = read_span(end=asked.until).end
        options.check_writable(asked.out)
        tuning = Tuning(search, choices_of(rule, settings), settings, until, asked.seed)
        try:
            found = asyncio.run(tuning.conduct())
        except KeyboardInterrupt:
            typer.echo(say("tune.interrupted"), err=True)
            raise typer.Exit(INTERRUPTED) from None
        lines = list(evidence(found, clock.now()))
        if found.values:
            _write(asked.out, proposal_file(found, lines))
        if asked.as_json:
            written_to = str(asked.out) if found.values else None
            hashes = {"before": found.rule.hash, "proposed": found.proposed.hash}
            told = {"rule": found.rule.name, "hash": hashes, "changed": dict(found.values), "file": written_to}
            typer.echo(json.dumps(told | {"evidence": lines}, ensure_ascii=False, default=str))
            return
        typer.echo("\n".join(lines))
        if found.values:
            typer.echo(say("tune.written", path=asked.out))


def _rule(asked: Asked, settings: Settings) -> Rule:
    """The rule, once everything that is asked for can be done."""
    paths = rule_files([asked.rules], settings)
    if asked.out.exists() or asked.out.resolve() in {path.resolve() for path in paths}:
        raise TuneRefused(say("tune.exists", path=asked.out))
    folders = {path.resolve() for path in (*paths, settings.rules) if path is not None and path.is_dir()}
    if asked.out.resolve().parent in folders:
        raise TuneRefused(say("tune.in_force", path=asked.out))
    rules = {rule.name: rule for rule in load_rules(*paths)}
    if asked.rule not in rules:
        meant = suggest(asked.rule, rules) or ", ".join(rules)
        raise TuneRefused(say("tune.no_rule", name=plain(asked.rule, 64), meant=meant))
    return rules[asked.rule]


def _write(path: Path, text: str) -> None:
    """Into a file that is not there yet, whatever happened since it was looked for."""
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def proposal_file(found: Proposal, lines: Sequence[str]) -> str:
    """The proposed rule as a rule file, with the evidence in front as comments."""
    comments = "".join(f"# {line}".rstrip() + "\n" for line in lines)
    return f"{comments}{written(found.proposed)}"


def evidence(found: Proposal, at: datetime) -> Iterator[str]:
    """What is proposed and what speaks for it, line by line; plain text."""
    yield say("tune.title", rule=found.rule.name, at=f"{at:%Y-%m-%d}", code=code(), hash=found.rule.hash)
    yield say("tune.searched", trials=found.trials, budget=f"{found.budget:g}", seed=found.seed)
    said = as_written(found.rule)
    for path, value in found.values.items():
        yield say("tune.change", field=path, before=value_at(said, path), after=value)
    yield say("tune.proposed", hash=found.proposed.hash) if found.values else say("tune.unchanged")
    for key, before, after in (
        ("chosen", found.chosen_before, found.chosen_after),
        ("checked", found.checked_before, found.checked_after),
    ):
        yield ""
        yield from _period(key, before, after, changed=bool(found.values))
    yield ""
    yield say("tune.chance", p="< 0.001" if found.check_p < 0.001 else f"= {found.check_p:.3f}")
    if found.straddling:
        yield say("tune.straddling", count=len(found.straddling))
        yield from (f"  {event(each)}" for each in found.straddling)
    for warning in found.warnings:
        yield say(f"tune.warning.{warning}", chosen=found.chosen_after.figures.events,
                  checked=found.checked_after.figures.events)  # fmt: skip


def _period(key: str, before: Period, after: Period, *, changed: bool) -> Iterator[str]:
    yield say(f"tune.{key}", begin=f"{after.begin:%Y-%m-%d %H:%M}", end=f"{after.end:%Y-%m-%d %H:%M}",
              events=after.figures.events, controls=after.figures.controls)  # fmt: skip
    for name in FIGURES:
        values = [_figure(period, name) for period in (before, after)]
        shown = say("tune.figures", before=values[0], after=values[1]) if changed else values[0]
        yield f"  {say(f'figures.{name}')}: {shown}"


def _figure(period: Period, name: str) -> str:
    said = figure(name, getattr(period.figures, name))
    interval: Interval | None = getattr(period.figures, INTERVALS.get(name, f"{name}_interval"), None)
    if interval is None:
        return said
    low, high = (figure(name, value) for value in msgspec.structs.astuple(interval))
    return say("tune.interval", value=said, low=low, high=high)
